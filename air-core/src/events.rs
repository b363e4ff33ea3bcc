//! Events: what a host is told without asking. Bounded; the oldest give way.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::program::AsRun;
use crate::time::Tick;

/// Events kept for a host that does not ask.
const MOST_WAITING: usize = 1024;

/// Something that happened on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The next tick at the time; 0 before the first take.
    pub tick: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A segment goes live with the next tick.
    Taken {
        /// Its number.
        segment: u64,
        /// Its asset.
        asset: String,
    },
    /// The producer of the segment on air has made its last frame, some of which may still wait.
    Exhausted {
        /// The segment's number.
        segment: u64,
        /// The first tick it will have nothing for, unless it is late before.
        end_tick: u64,
        /// The boundary, in UTC milliseconds, at which a switch follows its last frame without a gap.
        end_time_ms: i64,
        /// Why, if that is not because the asset ended.
        reason: Option<String>,
    },
    /// The last frame of the segment on air was shown; black and silence until the next take.
    Completed {
        /// The segment's number.
        segment: u64,
    },
    /// A segment that was taken has left the air.
    AsRun(Box<AsRun>),
    /// The segment in preview will never have a frame.
    CueFailed {
        /// The segment's number.
        segment: u64,
        /// Why.
        reason: String,
    },
    /// The producer of the segment on air is late.
    Underrun {
        /// The segment's number.
        segment: u64,
    },
    /// The process lost time: so many ticks were filled without content.
    Late {
        /// How many.
        ticks: u64,
    },
    /// The sink could not go on; the channel plays on without one.
    SinkLost {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventKind::Taken { segment, asset } => write!(f, "segment {segment} taken: {asset}"),
            EventKind::Exhausted { segment, reason: None, .. } => {
                write!(f, "segment {segment} has made its last frame")
            }
            EventKind::Exhausted { segment, reason: Some(reason), .. } => {
                write!(f, "segment {segment} failed: {reason}")
            }
            EventKind::Completed { segment } => {
                write!(f, "segment {segment} is over; black until the next take")
            }
            EventKind::AsRun(as_run) => {
                let AsRun { segment, content, held, black, .. } = **as_run;
                write!(f, "segment {segment} ran: {content} ticks of content, {held} held, {black} black")
            }
            EventKind::CueFailed { segment, reason } => {
                write!(f, "segment {segment} cannot be played: {reason}")
            }
            EventKind::Underrun { segment } => write!(f, "segment {segment} is late"),
            EventKind::Late { ticks } => write!(f, "{ticks} ticks came too late for content"),
            EventKind::SinkLost { reason } => write!(f, "the sink was lost: {reason}"),
        }
    }
}

/// The waiting events of one engine.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Event>,
    /// Whether a channel runs, so that more may come.
    open: bool,
}

impl EventQueue {
    /// A channel runs: more may come, and what is left of the one before is not its news.
    pub fn open(&self) {
        *self.lock() = Queue { waiting: VecDeque::new(), open: true };
    }

    /// The channel no longer runs: ends every wait.
    pub fn close(&self) {
        self.lock().open = false;
        self.changed.notify_all();
    }

    /// Adds an event; never blocks on a reader.
    pub fn push(&self, tick: Tick, kind: EventKind) {
        let mut queue = self.lock();
        if queue.waiting.len() == MOST_WAITING {
            queue.waiting.pop_front();
        }
        queue.waiting.push_back(Event { tick: tick.0, kind });
        self.changed.notify_one();
    }

    /// The oldest event, waited for no longer than `at_most` and only while a channel runs.
    pub fn next(&self, at_most: Duration) -> Option<Event> {
        let nothing = |queue: &mut Queue| queue.waiting.is_empty() && queue.open;
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, nothing);
        waited.unwrap_or_else(PoisonError::into_inner).0.waiting.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
