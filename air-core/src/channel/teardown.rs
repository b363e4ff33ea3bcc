//! Leaving and teardown: what is off the air ends by itself, and a channel that stops waits for it, not for long.

use std::time::Duration;

use super::Channel;
use crate::control::{Command, Input};
use crate::output::Sink;
use crate::program::Slot;

/// What a stopping channel grants its workers in all; the contract allows 250 ms (TD-2).
const BUDGET: Duration = Duration::from_millis(150);

/// Segments and sinks that were told to end and may not have yet.
#[derive(Default)]
pub(super) struct Leaving {
    slots: Vec<Slot>,
    sinks: Vec<Box<dyn Sink>>,
}

impl Leaving {
    /// Tells the segment to end; no frame of it comes after this.
    pub fn slot(&mut self, mut slot: Slot) {
        slot.source().stop();
        self.slots.push(slot);
    }

    /// Tells the sink to end.
    pub fn sink(&mut self, mut sink: Box<dyn Sink>) {
        sink.leave();
        self.sinks.push(sink);
    }

    /// Frees what has ended; waits for nothing.
    pub fn let_go(&mut self) {
        self.slots.retain_mut(|slot| !slot.source().wait_stopped(Duration::ZERO));
        self.sinks.retain_mut(|sink| !sink.wait_left(Duration::ZERO));
    }
}

impl Channel {
    /// Ends the session: first the sink, so that no byte follows, then every worker. One that is stuck in the
    /// kernel is abandoned and named; it holds no output.
    pub fn teardown(mut self) {
        let clock = self.config.clock.clone();
        let until = clock.now().after(BUDGET);
        self.apply(Input::Command(Command::Stop));
        for sink in std::mem::take(&mut self.offer.closed) {
            self.leaving.sink(sink);
        }
        let left = || until.since(clock.now());
        let Leaving { slots, sinks } = self.leaving;
        for mut sink in sinks {
            if !sink.wait_left(left()) {
                tracing::warn!("a sink did not end in time and was abandoned");
            }
        }
        for mut slot in slots {
            if !slot.source().wait_stopped(left()) {
                tracing::warn!(asset = slot.asset(), "a stuck reader was abandoned");
            }
        }
    }
}
