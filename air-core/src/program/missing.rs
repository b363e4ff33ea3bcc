//! The source of a segment whose asset cannot be played, and which is aired all the same: as black.

use std::time::Duration;

use super::slot::{FrameSource, Next, Readiness};

/// Has no frame, and knows why. It is over as soon as it is taken.
#[derive(Debug)]
pub struct Missing {
    /// Why the asset cannot be played.
    pub reason: String,
}

impl FrameSource for Missing {
    fn readiness(&mut self) -> Readiness {
        Readiness::Cued
    }

    fn next(&mut self) -> Next {
        Next::Over
    }

    fn is_exhausted(&self) -> bool {
        true
    }

    fn failure(&self) -> Option<String> {
        Some(self.reason.clone())
    }

    fn waiting(&self) -> u64 {
        0
    }

    fn decode_errors(&self) -> u64 {
        0
    }

    fn stop(&mut self) {}

    fn wait_stopped(&mut self, _at_most: Duration) -> bool {
        true
    }
}
