//! What callers ask of a channel, and what they get back. The payload travels with the command, the control
//! state sees its id only, and what the answer leaves unused comes back to be closed on the caller's thread.

use air_ts::Pts;

use super::reply::Status;
use super::{Channel, ControlEvent};
use crate::control::{Command, Input, Reply, SinkId};
use crate::output::Sink;
use crate::program::Slot;
use crate::time::UtcMillis;

/// A request to a channel.
pub(crate) enum Request {
    /// Put this segment, which has been opened, into preview.
    Load(Slot),
    /// Put preview on air, at the next tick or at a boundary.
    Switch { boundary: Option<UtcMillis> },
    /// Put this sink, which is connected, on the output bus.
    Attach { id: SinkId, sink: Box<dyn Sink>, replace_existing: bool },
    /// Take the sink off the output bus.
    Detach,
    /// Change the plan, which drives nothing.
    UpdatePlan,
    /// Nothing; tell how it stands.
    Status,
    /// The sink could not go on.
    SinkLost { id: SinkId, reason: String },
}

/// The answer.
pub(crate) struct Response {
    pub reply: Reply,
    pub status: Status,
    /// PTS of the next tick, the first of what was just taken.
    pub next_pts: Pts,
    /// Sinks that left the bus, or never came onto it.
    pub closed: Vec<Box<dyn Sink>>,
}

/// The payload of the command in hand.
#[derive(Default)]
pub(crate) struct Offer {
    pub slot: Option<Slot>,
    pub sink: Option<(SinkId, Box<dyn Sink>)>,
    pub closed: Vec<Box<dyn Sink>>,
}

impl Channel {
    /// Answers one request.
    pub fn handle(&mut self, request: Request) -> Response {
        self.observe();
        let reply = match request {
            Request::Load(slot) => self.load(slot),
            Request::Switch { boundary } => self.switch(boundary),
            Request::Attach { id, sink, replace_existing } => {
                self.offer.sink = Some((id, sink));
                self.command(Command::Attach { sink: id, replace_existing })
            }
            Request::Detach => self.command(Command::Detach),
            Request::UpdatePlan => self.command(Command::UpdatePlan),
            Request::Status => Reply::ok(""),
            Request::SinkLost { id, reason } => self.sink_lost(id, reason),
        };
        Response {
            reply,
            status: self.status(),
            next_pts: self.timeline.map_or(self.config.pts_base, |timeline| timeline.pts(self.next)),
            closed: std::mem::take(&mut self.offer.closed),
        }
    }

    fn command(&mut self, command: Command) -> Reply {
        self.apply(Input::Command(command)).unwrap_or_else(|| Reply::failed("the command had no answer"))
    }

    fn load(&mut self, slot: Slot) -> Reply {
        let segment = slot.segment();
        self.offer.slot = Some(slot);
        let reply = self.command(Command::Load(segment));
        if let Some(old) = self.offer.slot.take().and_then(|slot| self.program.load(slot)) {
            self.leaving.slot(old);
        }
        reply
    }

    fn switch(&mut self, boundary: Option<UtcMillis>) -> Reply {
        // A boundary needs ticks to fall on, and before the first take there are none.
        let now = self.config.clock.utc();
        let boundary = boundary.filter(|boundary| *boundary > now);
        let has_preview = self.program.preview().is_some();
        if boundary.is_some() && has_preview {
            self.start_clock();
        }
        let at = boundary.zip(self.timeline).map(|(utc, timeline)| timeline.tick_at_utc(utc));
        self.command(Command::Switch { at: at.filter(|at| *at > self.next) })
    }

    fn sink_lost(&mut self, id: SinkId, reason: String) -> Reply {
        tracing::debug!(%id, reason, "sink lost");
        self.emit(crate::events::EventKind::SinkLost { reason });
        self.happened(ControlEvent::SinkLost(id));
        for sink in self.offer.closed.drain(..) {
            self.leaving.sink(sink);
        }
        Reply::ok("")
    }
}
