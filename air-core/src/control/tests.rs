//! The promises of the control state, each as the story of one desk; and any course of events at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::time::Tick;
use Action::{AttachSink, CloseSink, Retire, Take};

/// A channel turned by hand: ids are dealt out in order, actions are written down.
#[derive(Clone, Debug, Default)]
struct Desk {
    state: State,
    done: Vec<Action>,
    ids: u64,
}

impl Desk {
    fn started() -> Desk {
        let mut desk = Desk::default();
        assert_eq!(desk.order(Command::Start), ResultCode::Ok);
        desk
    }

    fn step(&mut self, input: Input) -> Option<Reply> {
        let step = step(&self.state, input);
        self.state = step.state;
        self.done.extend(step.actions);
        step.reply
    }

    fn order(&mut self, command: Command) -> ResultCode {
        let reply = self.step(Input::Command(command)).expect("a command has a reply");
        assert_eq!(reply.success, reply.result_code == ResultCode::Ok);
        reply.result_code
    }

    fn tell(&mut self, event: Event) {
        assert_eq!(self.step(Input::Event(event)), None);
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn load(&mut self) -> (SegmentId, ResultCode) {
        let segment = SegmentId(self.id());
        (segment, self.order(Command::Load(segment)))
    }

    /// Loads a segment and cues it.
    fn cued(&mut self) -> SegmentId {
        let segment = self.load().0;
        self.tell(Event::Cued(segment));
        segment
    }

    fn switch(&mut self) -> ResultCode {
        self.order(Command::Switch { at: None })
    }

    fn switch_at(&mut self, tick: u64) -> ResultCode {
        self.order(Command::Switch { at: Some(Tick(tick)) })
    }

    fn attach(&mut self, replace_existing: bool) -> (SinkId, ResultCode) {
        let sink = SinkId(self.id());
        (sink, self.order(Command::Attach { sink, replace_existing }))
    }

    fn session(&self) -> Session {
        *self.state.session().expect("a session")
    }

    fn done(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.done)
    }
}

/// SL-3: a cued preview goes on air, what was there is retired, preview is empty.
#[test]
fn a_switch_takes_what_is_cued() {
    let mut desk = Desk::started();
    let first = desk.cued();
    assert_eq!(desk.switch(), ResultCode::Ok);
    assert_eq!(desk.done(), [Take(first)]);
    let second = desk.cued();
    assert_eq!(desk.switch(), ResultCode::Ok);
    assert_eq!(desk.done(), [Take(second), Retire(first)]);
    assert_eq!(
        (desk.session().preview, desk.session().live),
        (PreviewState::Empty, LiveState::Rolling(second))
    );
}

/// CS-11, CS-12: NotReady completes by itself, one later switch reports it, the next is a violation.
#[test]
fn an_armed_switch_completes_once_and_is_reported_once() {
    let mut desk = Desk::started();
    let (segment, _) = desk.load();
    for _ in 0..20 {
        assert_eq!(desk.switch(), ResultCode::NotReady);
    }
    assert_eq!(desk.done(), []);
    desk.tell(Event::Cued(segment));
    assert_eq!(desk.done(), [Take(segment)]);
    assert_eq!([desk.switch(), desk.switch()], [ResultCode::Ok, ResultCode::ProtocolViolation]);
    assert_eq!(desk.done(), []);
}

/// CS-11: an order for a boundary to come is not the repetition, and a new preview makes it moot.
#[test]
fn an_unreported_take_is_reported_to_nobody_else() {
    let mut desk = Desk::started();
    let (segment, _) = desk.load();
    desk.switch();
    desk.tell(Event::Cued(segment));
    assert_eq!(desk.switch_at(100), ResultCode::ProtocolViolation);
    assert!(desk.session().unreported_take);
    desk.load();
    assert_eq!(desk.switch(), ResultCode::NotReady);
}

/// CS-9: the armed preview is untouched, the newcomer is retired.
#[test]
fn a_load_while_armed_is_refused() {
    for boundary in [false, true] {
        let mut desk = Desk::started();
        let armed = desk.load().0;
        if boundary {
            desk.switch_at(9)
        } else {
            desk.switch()
        };
        desk.done();
        let (refused, code) = desk.load();
        assert_eq!((code, desk.done()), (ResultCode::RejectedBusy, vec![Retire(refused)]));
        assert_eq!(desk.session().preview.segment(), Some(armed));
    }
}

/// CS-8
#[test]
fn a_load_replaces_what_waits_in_preview() {
    let mut desk = Desk::started();
    let (first, second) = (desk.cued(), desk.cued());
    assert_eq!(desk.done(), [Retire(first)]);
    desk.switch();
    assert_eq!(desk.done(), [Take(second)]);
}

/// a segment that opens and never gives a frame fails the switch, once; live is undisturbed.
#[test]
fn a_preview_that_failed_fails_the_switch() {
    let mut desk = Desk::started();
    let live = desk.cued();
    desk.switch();
    let (segment, _) = desk.load();
    assert_eq!(desk.switch(), ResultCode::NotReady);
    desk.tell(Event::CueFailed(segment));
    desk.done();
    assert_eq!([desk.switch(), desk.switch()], [ResultCode::Failed, ResultCode::ProtocolViolation]);
    assert_eq!(desk.done(), [Retire(segment)]);
    assert_eq!(desk.session().live, LiveState::Rolling(live));
}

/// L-12: the cut is on the boundary, never before, whether or not the segment is cued.
#[test]
fn a_boundary_cuts_on_time_cued_or_not() {
    for cued in [false, true] {
        let mut desk = Desk::started();
        let segment = desk.load().0;
        assert_eq!(desk.switch_at(100), ResultCode::Ok);
        if cued {
            desk.tell(Event::Cued(segment));
        }
        desk.tell(Event::BoundaryReached(Tick(99)));
        assert_eq!(desk.done(), [Action::ArmBoundary(Tick(100))]);
        desk.tell(Event::BoundaryReached(Tick(100)));
        assert_eq!(desk.done(), [Take(segment)]);
        assert_eq!(desk.switch(), ResultCode::ProtocolViolation, "the first reply said it all");
        desk.tell(Event::CueFailed(segment));
        let ended = if cued { LiveState::Exhausted(segment) } else { desk.session().live };
        assert_eq!(desk.session().live, ended);
    }
}

/// §1: a plain switch while a boundary is armed takes at once, or as soon as it can.
#[test]
fn a_plain_switch_overrides_a_boundary() {
    let mut desk = Desk::started();
    let first = desk.cued();
    desk.switch_at(100);
    assert_eq!(desk.switch(), ResultCode::Ok);
    let (second, _) = desk.load();
    desk.switch_at(100);
    desk.done();
    assert_eq!(desk.switch(), ResultCode::NotReady);
    desk.tell(Event::BoundaryReached(Tick(100)));
    assert_eq!(desk.done(), []);
    desk.tell(Event::Cued(second));
    assert_eq!(desk.done(), [Take(second), Retire(first)]);
}

/// L-23: when the cue fails before its boundary there is still time to load another.
#[test]
fn a_boundary_lapses_when_its_segment_fails() {
    let mut desk = Desk::started();
    let (segment, _) = desk.load();
    desk.switch_at(100);
    desk.tell(Event::CueFailed(segment));
    let replacement = desk.cued();
    desk.done();
    desk.tell(Event::BoundaryReached(Tick(100)));
    assert_eq!((desk.done(), desk.session().preview), (vec![], PreviewState::Cued(replacement)));
}

/// OB-3, TR-6
#[test]
fn a_second_sink_needs_leave_to_displace_the_first() {
    let mut desk = Desk::started();
    let (first, code) = desk.attach(false);
    assert_eq!((code, desk.done()), (ResultCode::Ok, vec![AttachSink(first)]));
    let (refused, code) = desk.attach(false);
    assert_eq!((code, desk.done()), (ResultCode::RejectedBusy, vec![CloseSink(refused)]));
    let (second, code) = desk.attach(true);
    assert_eq!((code, desk.done()), (ResultCode::Ok, vec![CloseSink(first), AttachSink(second)]));
    desk.tell(Event::SinkLost(first));
    assert_eq!(desk.session().output, OutputState::Attached(second), "the loss of an old sink is stale");
    desk.tell(Event::SinkLost(second));
    assert_eq!((desk.done(), desk.session().output), (vec![CloseSink(second)], OutputState::Detached));
}

/// TD-5: the sink is closed before anything is retired.
#[test]
fn a_stop_closes_the_sink_first_and_retires_everything() {
    let mut desk = Desk::started();
    let live = desk.cued();
    desk.switch();
    let (preview, _) = desk.load();
    let (sink, _) = desk.attach(false);
    desk.switch();
    desk.done();
    assert_eq!(desk.order(Command::Stop), ResultCode::Ok);
    assert_eq!(desk.done(), [CloseSink(sink), Retire(preview), Retire(live)]);
    assert_eq!((desk.order(Command::Stop), desk.state), (ResultCode::Ok, State::Stopped));
}

/// A random course of inputs; a number picks the segment or sink, often one that is long gone.
fn course() -> impl Strategy<Value = Vec<(u8, u64, bool)>> {
    prop::collection::vec((0u8..14, 0u64..8, any::<bool>()), 0..200)
}

fn turn(desk: &mut Desk, (choice, back, flag): (u8, u64, bool)) {
    let recent = desk.ids.saturating_sub(back);
    let (segment, sink) = (SegmentId(recent), SinkId(recent));
    match choice {
        0 => drop(desk.order(Command::Start)),
        1 if flag => drop(desk.order(Command::Stop)),
        1..4 => drop(desk.load()),
        4 | 5 => drop(desk.switch()),
        6 => drop(desk.switch_at(back)),
        7 => drop(desk.attach(flag)),
        8 => drop(desk.order(Command::Detach)),
        9 => desk.tell(Event::Cued(segment)),
        10 => desk.tell(Event::CueFailed(segment)),
        11 => desk.tell(Event::BoundaryReached(Tick(back))),
        12 => desk.tell(Event::LiveExhausted(segment)),
        _ => desk.tell(Event::SinkLost(sink)),
    }
}

proptest! {
    /// Whatever happens, each segment is retired exactly once, taken at most once and before that; each
    /// sink is closed exactly once, and one at most is attached.
    #[test]
    fn every_segment_and_sink_is_freed_exactly_once(course in course()) {
        let mut desk = Desk::default();
        course.into_iter().for_each(|input| turn(&mut desk, input));
        desk.order(Command::Stop);
        let mut fates: BTreeMap<u64, Vec<&str>> = (1..=desk.ids).map(|id| (id, vec![])).collect();
        let mut attached = None;
        for action in desk.done() {
            let (id, fate) = match action {
                Take(segment) => (segment.0, "take"),
                Retire(segment) => (segment.0, "free"),
                AttachSink(sink) => { prop_assert_eq!(attached.replace(sink), None); (sink.0, "take") }
                CloseSink(sink) => { attached = attached.filter(|held| *held != sink); (sink.0, "free") }
                Action::ArmBoundary(_) => continue,
            };
            fates.get_mut(&id).expect("an id that was dealt out").push(fate);
        }
        for (id, fate) in fates {
            prop_assert!(fate == ["free"] || fate == ["take", "free"], "{}: {:?}", id, fate);
        }
    }
}
