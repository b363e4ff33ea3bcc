//! The control state of a channel as one pure function: no clock, lock, metric or producer.
//!
//! The caller opens segments and connects sinks before it offers them, performs the returned actions in
//! order, and adds to the reply what only it knows (an error's text, a PTS). Waiting is never done here:
//! a caller that wants to wait for a take repeats its `Switch`, which answers `Ok` once it has happened.

use super::command::{Command, Event, Input, Reply, ResultCode, SegmentId, SinkId};
use super::slots::{Cut, LiveState, OutputState, PreviewState, Session, State};
use crate::time::Tick;

/// What the caller has to do, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Show the segment from the next tick on.
    Take(SegmentId),
    /// Stop and free the segment; it will not be named again.
    Retire(SegmentId),
    /// Put the sink on the bus.
    AttachSink(SinkId),
    /// Close the sink and free it; it will not be named again.
    CloseSink(SinkId),
    /// Report [`Event::BoundaryReached`] before making this tick, or any later one.
    ArmBoundary(Tick),
}

/// The outcome of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state from now on.
    pub state: State,
    /// What the caller has to do.
    pub actions: Vec<Action>,
    /// The answer to a command; events have none.
    pub reply: Option<Reply>,
}

/// What `input` does to `state`. Total: what makes no sense is refused, what is stale is ignored.
pub fn step(state: &State, input: Input) -> Step {
    match (*state, input) {
        (State::Stopped, Input::Command(command)) => command_when_stopped(command),
        (State::Session(session), Input::Command(command)) => session.command(command),
        (State::Session(session), Input::Event(event)) => session.event(event),
        (State::Stopped, Input::Event(_)) => Step::event(State::Stopped, []),
    }
}

fn command_when_stopped(command: Command) -> Step {
    let refused = |actions: &[Action]| {
        let reply = Reply::new(ResultCode::ProtocolViolation, "the channel is not started: start it first");
        Step { state: State::Stopped, actions: actions.to_vec(), reply: Some(reply) }
    };
    match command {
        Command::Start => Session::default().reply([], Reply::ok("channel started")),
        Command::Stop => Step::command(State::Stopped, [], Reply::ok("channel is not started")),
        Command::Detach => Step::command(State::Stopped, [], Reply::ok("nothing is attached")),
        Command::Load(segment) => refused(&[Action::Retire(segment)]),
        Command::Attach { sink, .. } => refused(&[Action::CloseSink(sink)]),
        Command::Switch { .. } | Command::UpdatePlan => refused(&[]),
    }
}

impl Session {
    fn command(self, command: Command) -> Step {
        match command {
            Command::Start => self.reply([], Reply::ok("channel already started, nothing changed")),
            Command::Stop => self.stop(),
            Command::Load(segment) => self.load(segment),
            Command::Switch { at: None } => self.switch_now(),
            Command::Switch { at: Some(tick) } => self.switch_at(tick),
            Command::Attach { sink, replace_existing } => self.attach(sink, replace_existing),
            Command::Detach => self.detach(),
            Command::UpdatePlan => self.reply([], Reply::ok("plan accepted")),
        }
    }

    fn event(self, event: Event) -> Step {
        match event {
            Event::Cued(segment) => self.cued(segment),
            Event::CueFailed(segment) => self.cue_failed(segment),
            Event::BoundaryReached(now) => self.boundary(now),
            Event::LiveExhausted(segment) => self.exhausted(segment),
            Event::SinkLost(sink) if self.output == OutputState::Attached(sink) => {
                Session { output: OutputState::Detached, ..self }.acted([Action::CloseSink(sink)])
            }
            Event::SinkLost(_) => self.acted([]),
        }
    }

    /// The sink goes first: no byte after Stop (TD-5).
    fn stop(self) -> Step {
        let sink = self.output.sink().map(Action::CloseSink);
        let segments = self.preview.segment().into_iter().chain(self.live.segment()).map(Action::Retire);
        Step::command(State::Stopped, sink.into_iter().chain(segments), Reply::ok("channel stopped"))
    }

    fn load(self, segment: SegmentId) -> Step {
        if let PreviewState::Armed { .. } = self.preview {
            let busy = "a switch is armed: load again once it has happened, or stop the channel";
            return self.reply([Action::Retire(segment)], Reply::new(ResultCode::RejectedBusy, busy));
        }
        // A take that nobody asked about any more is forgotten: the next switch is about this segment.
        let preview = PreviewState::Cueing(segment);
        Session { preview, unreported_take: false, ..self }
            .reply(self.preview.segment().map(Action::Retire), Reply::ok("preview loaded"))
    }

    fn switch_now(self) -> Step {
        let failed = "preview gave no picture and was dropped: load another segment";
        let not_ready = "preview is not cued yet: armed, will be taken as soon as it is";
        match self.preview {
            PreviewState::Empty if self.unreported_take => Session { unreported_take: false, ..self }
                .reply([], Reply::ok("preview was taken as soon as it was cued")),
            PreviewState::Empty => self.nothing_in_preview(),
            PreviewState::Failed(segment) => Session { preview: PreviewState::Empty, ..self }
                .reply([Action::Retire(segment)], Reply::failed(failed)),
            PreviewState::Cued(segment)
            | PreviewState::Armed { segment, cut: Cut::At { cued: true, .. } } => {
                self.take(segment, Some(Reply::ok("preview taken")))
            }
            PreviewState::Cueing(segment) | PreviewState::Armed { segment, .. } => {
                let preview = PreviewState::Armed { segment, cut: Cut::WhenCued };
                Session { preview, ..self }.reply([], Reply::new(ResultCode::NotReady, not_ready))
            }
        }
    }

    fn nothing_in_preview(self) -> Step {
        let violation = "nothing is in preview: load a segment first";
        self.reply([], Reply::new(ResultCode::ProtocolViolation, violation))
    }

    /// A boundary to come is a new order, never the repetition that an unreported take waits for.
    fn switch_at(self, tick: Tick) -> Step {
        let (segment, cued) = match self.preview {
            PreviewState::Empty => return self.nothing_in_preview(),
            PreviewState::Failed(_) => return self.switch_now(),
            PreviewState::Cueing(segment) => (segment, false),
            PreviewState::Cued(segment) => (segment, true),
            PreviewState::Armed { segment, cut } => (segment, matches!(cut, Cut::At { cued: true, .. })),
        };
        let preview = PreviewState::Armed { segment, cut: Cut::At { tick, cued } };
        Session { preview, ..self }.reply([Action::ArmBoundary(tick)], Reply::ok("armed for the boundary"))
    }

    fn attach(self, sink: SinkId, replace_existing: bool) -> Step {
        if self.output.sink().is_some() && !replace_existing {
            let busy = "a sink is attached: detach it first, or attach with replace_existing";
            return self.reply([Action::CloseSink(sink)], Reply::new(ResultCode::RejectedBusy, busy));
        }
        let closed = self.output.sink().map(Action::CloseSink);
        Session { output: OutputState::Attached(sink), ..self }
            .reply(closed.into_iter().chain([Action::AttachSink(sink)]), Reply::ok("attached"))
    }

    fn detach(self) -> Step {
        let said = if self.output.sink().is_some() { "detached" } else { "nothing is attached" };
        Session { output: OutputState::Detached, ..self }
            .reply(self.output.sink().map(Action::CloseSink), Reply::ok(said))
    }

    fn cued(self, id: SegmentId) -> Step {
        match self.preview {
            PreviewState::Cueing(segment) if segment == id => {
                Session { preview: PreviewState::Cued(id), ..self }.acted([])
            }
            PreviewState::Armed { segment, cut: Cut::WhenCued } if segment == id => {
                Session { unreported_take: true, ..self }.take(id, None)
            }
            PreviewState::Armed { segment, cut: Cut::At { tick, .. } } if segment == id => {
                let cut = Cut::At { tick, cued: true };
                Session { preview: PreviewState::Armed { segment, cut }, ..self }.acted([])
            }
            _ => self.acted([]),
        }
    }

    /// Before the take the order to switch lapses, so that another segment can be loaded in time; after
    /// it (a boundary does not wait for a first frame) the segment is merely over.
    fn cue_failed(self, id: SegmentId) -> Step {
        match self.preview {
            PreviewState::Cueing(segment)
            | PreviewState::Armed { segment, cut: Cut::WhenCued | Cut::At { cued: false, .. } }
                if segment == id =>
            {
                Session { preview: PreviewState::Failed(id), ..self }.acted([])
            }
            _ => self.exhausted(id),
        }
    }

    fn boundary(self, now: Tick) -> Step {
        match self.preview {
            PreviewState::Armed { segment, cut: Cut::At { tick, .. } } if tick <= now => {
                self.take(segment, None)
            }
            _ => self.acted([]),
        }
    }

    fn exhausted(self, id: SegmentId) -> Step {
        let ends = self.live == LiveState::Rolling(id);
        let live = if ends { LiveState::Exhausted(id) } else { self.live };
        Session { live, ..self }.acted([])
    }

    fn take(self, segment: SegmentId, reply: Option<Reply>) -> Step {
        let old = self.live.segment().map(Action::Retire);
        let taken = Session { preview: PreviewState::Empty, live: LiveState::Rolling(segment), ..self };
        Step { reply, ..taken.acted([Action::Take(segment)].into_iter().chain(old)) }
    }

    fn reply(self, actions: impl IntoIterator<Item = Action>, reply: Reply) -> Step {
        Step::command(State::Session(self), actions, reply)
    }

    fn acted(self, actions: impl IntoIterator<Item = Action>) -> Step {
        Step::event(State::Session(self), actions)
    }
}

impl Step {
    fn command(state: State, actions: impl IntoIterator<Item = Action>, reply: Reply) -> Step {
        Step { reply: Some(reply), ..Step::event(state, actions) }
    }

    fn event(state: State, actions: impl IntoIterator<Item = Action>) -> Step {
        Step { state, actions: actions.into_iter().collect(), reply: None }
    }
}
