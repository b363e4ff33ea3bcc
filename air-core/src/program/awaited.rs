//! A frame source that is waited for: on the virtual clock no frame is ever late, and the same inputs give the
//! same bytes, while the next frames are read on another thread.

use std::time::Duration;

use super::read_ahead::ReadAhead;
use super::slot::{FrameSource, Next, Readiness};

/// Long enough to be for ever, short enough to add to a time.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A worker that reads ahead, and whose every frame is waited for. Tripping its interrupt ends the wait.
pub struct Awaited(ReadAhead);

impl Awaited {
    /// Waits for the frames of `worker`.
    pub fn new(worker: ReadAhead) -> Awaited {
        Awaited(worker)
    }
}

impl FrameSource for Awaited {
    fn readiness(&mut self) -> Readiness {
        self.0.cueing().wait_cued(FOR_EVER)
    }

    fn next(&mut self) -> Next {
        self.0.cueing().wait_frame(FOR_EVER);
        self.0.next()
    }

    fn is_exhausted(&self) -> bool {
        self.0.is_exhausted()
    }

    fn failure(&self) -> Option<String> {
        self.0.failure()
    }

    fn waiting(&self) -> u64 {
        self.0.waiting()
    }

    fn is_over(&mut self) -> bool {
        self.0.cueing().wait_frame(FOR_EVER);
        self.0.is_over()
    }

    fn decode_errors(&self) -> u64 {
        self.0.decode_errors()
    }

    fn stop(&mut self) {
        self.0.stop();
    }

    fn wait_stopped(&mut self, at_most: Duration) -> bool {
        self.0.wait_stopped(at_most)
    }
}
