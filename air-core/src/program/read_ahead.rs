//! Reading ahead: a worker opens the asset and fills the very queue that goes live.
//!
//! The queue is bounded; a full one parks the worker, at no CPU, however long the segment waits (SW-4, FP-10).
//! A take opens nothing and waits for nothing: the frames are already where the tick looks for them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::slot::{FrameSource, Next, Readiness};
use crate::format::VideoFormat;
use crate::frame::HouseFrame;
use crate::producer::{self, Cue};
use crate::time::Bell;
use crate::worker::{Ended, Worker};

/// House frames a segment may be ahead of its use: a third of a second at 30 frames per second.
const MOST_AHEAD: u64 = 12;

/// What these frames may take, unless two take more: enough for all at 1080p (40 MB) and at 2160p (150 MB),
/// and a bound for those of a channel that is larger still.
const MOST_AHEAD_BYTES: u64 = 160 << 20;

/// The tick's end of a worker that reads one segment ahead.
pub struct ReadAhead {
    shared: Arc<Shared>,
    worker: Worker,
}

/// A caller's view of a segment on its way to being cued: something to wait on.
#[derive(Clone)]
pub struct Cueing {
    shared: Arc<Shared>,
    ended: Ended,
}

struct Shared {
    cue: Cue,
    state: Mutex<State>,
    changed: Condvar,
    /// Rung when the segment becomes ready or fails, for the one who decides what that means.
    attention: Bell,
}

#[derive(Default)]
struct State {
    phase: Phase,
    queue: VecDeque<HouseFrame>,
    made_a_frame: bool,
    stopping: bool,
    decode_errors: u64,
}

#[derive(Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Opening,
    Reading,
    Over,
    Failed(String),
}

impl ReadAhead {
    /// Starts a worker on `asset`. `attention` is rung when its first frame is there, or it has failed.
    pub fn start(name: String, asset: &str, cue: Cue, attention: Bell) -> std::io::Result<ReadAhead> {
        let shared = Arc::new(Shared { cue, state: Mutex::default(), changed: Condvar::new(), attention });
        let (working, panicked, asset) = (Arc::clone(&shared), Arc::clone(&shared), asset.to_owned());
        let on_panic = move || panicked.end(Phase::Failed("its reader panicked".into()));
        let worker = Worker::start(name, move || working.work(&asset), on_panic)?;
        Ok(ReadAhead { shared, worker })
    }

    /// Something for a caller to wait on.
    pub fn cueing(&self) -> Cueing {
        Cueing { shared: Arc::clone(&self.shared), ended: self.worker.ended() }
    }
}

impl FrameSource for ReadAhead {
    fn readiness(&mut self) -> Readiness {
        self.shared.lock().readiness()
    }

    fn next(&mut self) -> Next {
        let mut state = self.shared.lock();
        match (state.queue.pop_front(), state.has_ended()) {
            (Some(frame), _) => {
                self.shared.changed.notify_all();
                Next::Frame(frame)
            }
            (None, true) => Next::Over,
            (None, false) => Next::Late,
        }
    }

    fn is_exhausted(&self) -> bool {
        self.shared.lock().has_ended()
    }

    fn failure(&self) -> Option<String> {
        match &self.shared.lock().phase {
            Phase::Failed(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    fn waiting(&self) -> u64 {
        self.shared.lock().queue.len() as u64
    }

    fn decode_errors(&self) -> u64 {
        self.shared.lock().decode_errors
    }

    fn stop(&mut self) {
        self.shared.stop();
    }

    fn wait_stopped(&mut self, at_most: Duration) -> bool {
        self.worker.wait(at_most)
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Cueing {
    /// Waits, no longer than `at_most`, until the asset is open and its streams are known.
    /// `Err` says why it never will be, or that it took too long.
    pub fn wait_opened(&self, at_most: Duration) -> Result<(), String> {
        match &self.shared.wait_while(at_most, |state| state.phase == Phase::Opening).phase {
            Phase::Opening => Err(format!("it could not be opened within {} ms", at_most.as_millis())),
            Phase::Failed(reason) => Err(reason.clone()),
            Phase::Reading | Phase::Over => Ok(()),
        }
    }

    /// Waits, no longer than `at_most`, until the first frame is there or never will be.
    pub fn wait_cued(&self, at_most: Duration) -> Readiness {
        self.shared.wait_while(at_most, |state| state.readiness() == Readiness::Cueing).readiness()
    }

    /// Waits, no longer than `at_most`, until a frame is there to be taken or there will be none.
    pub fn wait_frame(&self, at_most: Duration) {
        let waiting = |state: &State| state.queue.is_empty() && !state.has_ended();
        drop(self.shared.wait_while(at_most, waiting));
    }

    /// Ends the wait for the asset, and the asset's own.
    pub fn cancel(&self) {
        self.shared.stop();
    }

    /// Waits, no longer than `at_most`, until nothing of a cancelled segment runs any more; whether that is so.
    pub fn wait_stopped(&self, at_most: Duration) -> bool {
        self.ended.wait(at_most)
    }
}

impl State {
    fn has_ended(&self) -> bool {
        self.stopping || matches!(self.phase, Phase::Over | Phase::Failed(_))
    }

    fn readiness(&self) -> Readiness {
        match &self.phase {
            _ if self.made_a_frame => Readiness::Cued,
            Phase::Failed(reason) => Readiness::Failed(reason.clone()),
            Phase::Over => Readiness::Failed("it holds no frame".to_owned()),
            Phase::Opening | Phase::Reading => Readiness::Cueing,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, at_most: Duration, waiting: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, |state| waiting(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        state.queue.clear();
        self.cue.interrupt.trip();
        self.changed.notify_all();
    }

    /// The worker: from opening to the last frame, or to the stop.
    fn work(&self, asset: &str) {
        let result = producer::open(asset, &self.cue).and_then(|mut producer| {
            self.change(|state| state.phase = Phase::Reading);
            while let Some(frame) = producer.next_frame()? {
                if !self.offer(frame, producer.decode_errors()) {
                    break;
                }
            }
            Ok(())
        });
        self.end(result.map_or_else(|error| Phase::Failed(error.to_string()), |()| Phase::Over));
    }

    fn end(&self, phase: Phase) {
        self.change(|state| state.phase = phase);
        self.attention.ring();
    }

    /// Queues a frame, parking while the queue is full; `false` when the segment was stopped.
    fn offer(&self, frame: HouseFrame, decode_errors: u64) -> bool {
        let depth = depth(&self.cue.format.video);
        let full = |state: &mut State| state.queue.len() >= depth && !state.stopping;
        let mut state = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if state.stopping {
            return false;
        }
        state.decode_errors = decode_errors;
        state.queue.push_back(frame);
        self.changed.notify_all();
        if !std::mem::replace(&mut state.made_a_frame, true) {
            self.attention.ring();
        }
        true
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// How many house frames may wait; never fewer than two, so that one is made while the other is used.
fn depth(house: &VideoFormat) -> usize {
    // 4:2:0 in 8 bits.
    let frame_bytes = u64::from(house.width) * u64::from(house.height) * 3 / 2;
    (MOST_AHEAD_BYTES / frame_bytes.max(1)).clamp(2, MOST_AHEAD) as usize
}

impl std::fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadAhead").finish_non_exhaustive()
    }
}
