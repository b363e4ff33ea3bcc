//! A frame source without a thread: the producer works when it is asked. For the virtual clock, where a
//! channel is one sequential program and the same inputs give the same bytes.

use std::time::Duration;

use super::slot::{FrameSource, Next, Readiness};
use crate::frame::HouseFrame;
use crate::producer::{self, Cue, Producer, ProducerError};

/// Makes each frame one ahead of its use, on the thread that uses it.
pub struct Inline {
    producer: Box<dyn Producer>,
    ahead: Ahead,
}

enum Ahead {
    Unknown,
    Frame(HouseFrame),
    Over,
    Failed(String),
}

impl Inline {
    /// Opens `asset` and returns when its streams are known.
    pub fn open(asset: &str, cue: &Cue) -> Result<Inline, ProducerError> {
        Ok(Inline { producer: producer::open(asset, cue)?, ahead: Ahead::Unknown })
    }

    fn look_ahead(&mut self) -> &Ahead {
        if matches!(self.ahead, Ahead::Unknown) {
            self.ahead = match self.producer.next_frame() {
                Ok(Some(frame)) => Ahead::Frame(frame),
                Ok(None) => Ahead::Over,
                Err(error) => Ahead::Failed(error.to_string()),
            };
        }
        &self.ahead
    }
}

impl FrameSource for Inline {
    fn readiness(&mut self) -> Readiness {
        match self.look_ahead() {
            Ahead::Failed(reason) => Readiness::Failed(reason.clone()),
            _ => Readiness::Cued,
        }
    }

    fn next(&mut self) -> Next {
        self.look_ahead();
        match std::mem::replace(&mut self.ahead, Ahead::Unknown) {
            Ahead::Frame(frame) => Next::Frame(frame),
            over => {
                self.ahead = over;
                Next::Over
            }
        }
    }

    fn is_exhausted(&self) -> bool {
        matches!(self.ahead, Ahead::Over | Ahead::Failed(_))
    }

    fn failure(&self) -> Option<String> {
        match &self.ahead {
            Ahead::Failed(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    fn is_over(&mut self) -> bool {
        matches!(self.look_ahead(), Ahead::Over | Ahead::Failed(_))
    }

    fn decode_errors(&self) -> u64 {
        self.producer.decode_errors()
    }

    fn stop(&mut self) {
        self.ahead = Ahead::Over;
    }

    fn wait_stopped(&mut self, _at_most: Duration) -> bool {
        true
    }
}
