//! What callers ask of a channel, and what they get back. The payload travels with the command, the control
//! state sees its id only, and what the answer leaves unused comes back to be closed on the caller's thread.

use air_ts::Pts;

use super::reply::Status;
use super::{Channel, ControlEvent};
use crate::control::{Command, Cut, Input, PreviewState, Reply, SinkId, step};
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
    /// What would the command be answered? Does nothing.
    Would(Command),
    /// Nothing; tell how it stands.
    Status,
    /// The sink could not go on.
    SinkLost { id: SinkId, reason: String },
}

/// The answer.
pub(crate) struct Response {
    pub reply: Reply,
    pub status: Status,
    /// What this request took, or tells of for the first time.
    pub taken: Option<Taken>,
    /// Sinks that left the bus, or never came onto it.
    pub closed: Vec<Box<dyn Sink>>,
}

/// The payload of the command in hand.
#[derive(Default)]
pub(crate) struct Offer {
    pub slot: Option<Slot>,
    pub sink: Option<(SinkId, Box<dyn Sink>)>,
    /// Sinks that have no place any more.
    pub closed: Vec<Box<dyn Sink>>,
    /// What was taken.
    pub taken: Option<Taken>,
}

/// The first frame of a segment that went on air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub pts: Pts,
    /// When it is due.
    pub time: UtcMillis,
}

impl Channel {
    /// Answers one request.
    pub fn handle(&mut self, request: Request) -> Response {
        self.observe();
        self.offer.taken = None;
        let reply = match request {
            Request::Load(slot) => self.load(slot),
            Request::Switch { boundary } => self.switch(boundary),
            Request::Attach { id, sink, replace_existing } => {
                self.offer.sink = Some((id, sink));
                self.command(Command::Attach { sink: id, replace_existing })
            }
            Request::Detach => self.command(Command::Detach),
            Request::UpdatePlan => self.command(Command::UpdatePlan),
            Request::Would(command) => answer(step(&self.control, Input::Command(command)).reply),
            Request::Status => Reply::ok(""),
            Request::SinkLost { id, reason } => self.sink_lost(id, reason),
        };
        self.leaving.let_go();
        Response {
            reply,
            status: self.status(),
            taken: self.offer.taken,
            closed: std::mem::take(&mut self.offer.closed),
        }
    }

    fn command(&mut self, command: Command) -> Reply {
        answer(self.apply(Input::Command(command)))
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

    /// A boundary that lies in the past is now.
    fn switch(&mut self, boundary: Option<UtcMillis>) -> Reply {
        let clock = &self.config.clock;
        let at = boundary.filter(|boundary| boundary.to_nanos() > clock.utc());
        let at = at.map(|boundary| self.timeline_from_now().tick_at(clock.at_utc(boundary)).max(self.next));
        if at.is_some() || !self.waits_for_a_picture() {
            self.planned_take = at.unwrap_or(self.next);
        }
        let tells_of_the_last = at.is_none() && self.control.session().is_some_and(|it| it.unreported_take);
        let reply = self.command(Command::Switch { at });
        if tells_of_the_last && reply.success && self.offer.taken.is_none() {
            self.offer.taken = self.last_take;
        }
        reply
    }

    /// Whether a switch is ordered already, and waits for nothing but the first picture.
    fn waits_for_a_picture(&self) -> bool {
        let preview = self.control.session().map(|session| session.preview);
        matches!(preview, Some(PreviewState::Armed { cut: Cut::WhenCued, .. }))
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

/// Every command has an answer; the control state's type cannot say so.
fn answer(reply: Option<Reply>) -> Reply {
    reply.unwrap_or_else(|| Reply::failed("the command had no answer"))
}
