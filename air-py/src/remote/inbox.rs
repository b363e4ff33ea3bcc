//! The events of an engine in another process, from the stream that brings them to the host that asks for them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use air_proto::monitor::Event;
use air_proto::monitor::event::Kind;

/// Events kept for a host that does not ask, as many as an engine keeps; the oldest give way.
const MOST_WAITING: usize = 1024;

/// What waits, and whether anything can come.
#[derive(Default)]
pub struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Event>,
    /// Whether a channel runs, as far as the stream has told.
    runs: bool,
    /// Channels started so far.
    started: u64,
    /// Whether the stream has begun.
    begun: bool,
    /// Stops of each channel that came before.
    early_stops: BTreeMap<i32, u64>,
    /// Whether the stream has ended.
    ended: bool,
}

impl State {
    fn early_stops_of(&self, channel_id: i32) -> u64 {
        self.early_stops.get(&channel_id).copied().unwrap_or_default()
    }
}

/// Whether the stream has begun.
pub enum Begin {
    /// It has.
    Begun,
    /// Not yet, and a stop came meanwhile.
    Stopped,
    /// Not yet.
    NotYet,
    /// It never will, or no more.
    Ended,
}

/// What there is to tell.
pub enum Next {
    /// An event.
    Event(Box<Event>),
    /// None yet.
    NotYet,
    /// None, and none can come: no channel runs.
    NoChannel,
    /// None will ever come.
    Ended,
}

impl Inbox {
    /// Takes in what the stream brings. Where a channel begins and ends is no news to its host.
    pub fn put(&self, event: Event) {
        let mut state = self.lock();
        match &event.kind {
            Some(Kind::Started(_)) => {
                state.runs = true;
                state.started += 1;
            }
            Some(Kind::Stopped(_)) => state.runs = false,
            _ => {
                if state.waiting.len() >= MOST_WAITING {
                    state.waiting.pop_front();
                }
                state.waiting.push_back(event);
            }
        }
        self.changed.notify_all();
    }

    /// The stream has begun.
    pub fn begin(&self) {
        self.lock().begun = true;
        self.changed.notify_all();
    }

    /// How many stops of the channel came before the beginning.
    pub fn early_stops(&self, channel_id: i32) -> u64 {
        self.lock().early_stops_of(channel_id)
    }

    /// Whether the stream has yet to begin; those who wait for that are told of the channel's stop.
    pub fn stop_early(&self, channel_id: i32) -> bool {
        let mut state = self.lock();
        let is_early = !state.begun && !state.ended;
        if is_early {
            *state.early_stops.entry(channel_id).or_default() += 1;
            self.changed.notify_all();
        }
        is_early
    }

    /// Waits until the stream begins, or for a stop of the channel after the first `stops`.
    pub fn wait_begun(&self, channel_id: i32, stops: u64, timeout: Duration) -> Begin {
        let is_stopped = |state: &State| state.early_stops_of(channel_id) != stops;
        let state = self.wait_while(timeout, |state| !state.begun && !state.ended && !is_stopped(state));
        match &*state {
            State { ended: true, .. } => Begin::Ended,
            State { begun: true, .. } => Begin::Begun,
            state if is_stopped(state) => Begin::Stopped,
            _ => Begin::NotYet,
        }
    }

    /// The stream has ended.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// The next event, waiting for it no longer than `timeout`.
    pub fn next(&self, timeout: Duration) -> Next {
        let mut state =
            self.wait_while(timeout, |state| state.waiting.is_empty() && state.runs && !state.ended);
        match state.waiting.pop_front() {
            _ if state.ended => Next::Ended,
            Some(event) => Next::Event(Box::new(event)),
            None if state.runs => Next::NotYet,
            None => Next::NoChannel,
        }
    }

    /// How many channels have been started.
    pub fn started(&self) -> u64 {
        self.lock().started
    }

    /// Waits until the stream has told of a channel that runs, or of one started after the first `before`.
    pub fn wait_started(&self, before: u64, timeout: Duration) {
        drop(self.wait_while(timeout, |state| !state.runs && state.started == before && !state.ended));
    }

    /// Waits until the stream has told all of a channel that has stopped.
    pub fn wait_stopped(&self, timeout: Duration) {
        drop(self.wait_while(timeout, |state| state.runs && !state.ended));
    }

    fn wait_while(&self, timeout: Duration, is_early: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let began = Instant::now();
        let mut state = self.lock();
        while is_early(&state) {
            let left = timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
