//! The output bus: there for the whole session, whether or not a sink is attached (OB-1).

use super::sink::{Sink, SinkState, SinkTotals};
use crate::control::SinkId;
use crate::frame::ProgramFrame;

/// Hands every program frame to the sink, or to nobody.
#[derive(Default)]
pub struct OutputBus {
    attached: Option<(SinkId, Box<dyn Sink>)>,
    /// Totals of the sinks that have left.
    before: SinkTotals,
}

impl OutputBus {
    /// Offers the frame of one tick; returns at once.
    pub fn offer(&mut self, frame: ProgramFrame) {
        if let Some((_, sink)) = &mut self.attached {
            sink.offer(frame);
        }
    }

    /// Attaches `sink`; the bus must have none.
    pub fn attach(&mut self, id: SinkId, sink: Box<dyn Sink>) {
        self.attached = Some((id, sink));
    }

    /// Takes the sink called `id` off the bus.
    pub fn detach(&mut self, id: SinkId) -> Option<Box<dyn Sink>> {
        let (_, sink) = self.attached.take_if(|(attached, _)| *attached == id)?;
        self.before = self.before.plus(sink.totals());
        Some(sink)
    }

    /// What the sink is doing.
    pub fn state(&self) -> SinkState {
        self.attached.as_ref().map_or(SinkState::Idle, |(_, sink)| sink.state())
    }

    /// What all sinks of the session have written and left out.
    pub fn totals(&self) -> SinkTotals {
        self.attached.as_ref().map_or(self.before, |(_, sink)| self.before.plus(sink.totals()))
    }
}

impl std::fmt::Debug for OutputBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputBus").field("attached", &self.attached.as_ref().map(|(id, _)| id)).finish()
    }
}
