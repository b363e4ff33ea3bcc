//! The channel turned by hand, on a virtual clock, with scripted segments.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use air_ts::Pts;

use super::request::{Request, Response};
use super::{Channel, ChannelConfig};
use crate::control::{Command, LiveState, PreviewState, ResultCode, SegmentId, SinkId};
use crate::events::{EventKind, EventQueue};
use crate::format::ProgramFormat;
use crate::frame::Origin;
use crate::producer::black;
use crate::testing::{Recorder, scripted};
use crate::time::{Clock, Nanos, UtcMillis, VirtualClock};

const FORMAT: &str = r#"{"video": {"width": 16, "height": 16, "frame_rate": "30000/1001"},
                         "audio": {"sample_rate": 48000, "channels": 1}}"#;
const MIDNIGHT: i64 = 1_700_000_000_000;

/// A channel with a recorder on its bus.
struct Air {
    channel: Channel,
    clock: Arc<VirtualClock>,
    events: Arc<EventQueue>,
    recorder: Recorder,
}

impl Air {
    fn new() -> Air {
        let clock = Arc::new(VirtualClock::new(UtcMillis(MIDNIGHT)));
        let events = Arc::<EventQueue>::default();
        let config = ChannelConfig {
            channel_id: 1,
            format: ProgramFormat::from_json(FORMAT).unwrap(),
            pts_base: Pts(90_000),
            hold: Duration::from_millis(250),
            clock: Arc::clone(&clock) as _,
            events: Arc::clone(&events),
        };
        let mut channel = Channel::new(config, black(16, 16).unwrap());
        let recorder = Recorder::default();
        let sink = Box::new(recorder.clone());
        channel.handle(Request::Attach { id: SinkId(1), sink, replace_existing: false });
        Air { channel, clock, events, recorder }
    }

    fn load(
        &mut self,
        segment: u64,
        script: impl IntoIterator<Item = Option<u64>>,
    ) -> (Response, Arc<AtomicBool>) {
        let (slot, stopped) = scripted(segment, script);
        (self.channel.handle(Request::Load(slot)), stopped)
    }

    fn switch(&mut self) -> Response {
        self.channel.handle(Request::Switch { boundary: None })
    }

    fn switch_at(&mut self, after_midnight_ms: i64) -> Response {
        self.channel.handle(Request::Switch { boundary: Some(UtcMillis(MIDNIGHT + after_midnight_ms)) })
    }

    /// Makes `count` ticks, each when it is due; answers where their frames came from.
    fn tick(&mut self, count: usize) -> Vec<Origin> {
        for _ in 0..count {
            self.clock.advance_to(self.channel.next_deadline());
            self.channel.tick();
        }
        self.recorder.take().iter().map(|frame| frame.origin).collect()
    }

    fn events(&self) -> Vec<EventKind> {
        std::iter::from_fn(|| self.events.next(Duration::ZERO)).map(|event| event.kind).collect()
    }
}

fn content(segment: u64, index: u64) -> Origin {
    Origin::Content { segment: SegmentId(segment), index }
}

fn forever() -> impl Iterator<Item = Option<u64>> {
    (0..10_000).map(Some)
}

/// MX-1, CK-3: before the first take there is no time, and no frame.
#[test]
fn nothing_airs_before_the_first_take() {
    let mut air = Air::new();
    air.load(1, forever());
    assert_eq!(air.channel.next_deadline(), Nanos::NEVER);
    air.channel.tick();
    assert!(air.recorder.take().is_empty());
    air.clock.advance_to(Nanos(5_000_000_000));
    let switched = air.switch();
    assert_eq!(
        (switched.reply.result_code, switched.taken.map(|it| it.pts)),
        (ResultCode::Ok, Some(Pts(90_000)))
    );
    assert_eq!(air.channel.next_deadline(), Nanos(5_000_000_000), "the first tick is due at once");
}

/// SW-2, SW-5, SW-6, TL-7, L-11: the next tick is the new segment's first frame; the old one is stopped, once.
#[test]
fn a_switch_takes_the_next_tick() {
    let mut air = Air::new();
    let (_, first_stopped) = air.load(1, forever());
    air.switch();
    assert_eq!(air.tick(2), [content(1, 0), content(1, 1)]);
    let (_, second_stopped) = air.load(2, forever());
    assert_eq!(air.tick(1), [content(1, 2)], "SL-2: loading changes nothing on air");
    let response = air.switch();
    assert_eq!(response.taken.map(|taken| taken.pts), Some(Pts(90_000 + 3 * 3003)), "SW-16");
    assert_eq!(air.tick(3), [content(2, 0), content(2, 1), content(2, 2)]);
    assert!(first_stopped.load(Ordering::Relaxed) && !second_stopped.load(Ordering::Relaxed));
    assert_eq!(air.switch().reply.result_code, ResultCode::ProtocolViolation, "CS-7");
    assert_eq!(air.tick(1), [content(2, 3)]);
}

/// SW-7, CK-2: every tick has its own stamp, whatever airs; a segment's first picture is a place to join.
#[test]
fn stamps_go_on_across_switches() {
    let mut air = Air::new();
    for segment in 1..=50 {
        air.load(segment, (0..3).map(Some));
        air.switch();
        for _ in 0..4 {
            air.clock.advance_to(air.channel.next_deadline());
            air.channel.tick();
        }
    }
    let frames = air.recorder.take();
    assert_eq!(frames.len(), 200);
    for (n, frame) in (0_u64..).zip(&frames) {
        assert_eq!(frame.stamp.pts, Pts(90_000 + n * 3003));
        assert_eq!(frame.random_access, n % 4 == 0, "tick {n}");
        assert_eq!(frame.origin == Origin::Black, n % 4 == 3, "tick {n}");
    }
}

/// CS-9, CS-11, L-26: not ready means armed; it completes by itself, is reported once, and cannot be displaced.
#[test]
fn a_switch_that_is_not_ready_completes_by_itself() {
    let mut air = Air::new();
    air.load(1, forever());
    air.switch();
    air.tick(1);
    air.load(2, [None; 6].into_iter().chain(forever()));
    assert_eq!(air.switch().reply.result_code, ResultCode::NotReady);
    assert_eq!(air.switch().reply.result_code, ResultCode::NotReady, "CS-12");
    let (busy, newcomer_stopped) = air.load(3, forever());
    assert_eq!(busy.reply.result_code, ResultCode::RejectedBusy);
    assert!(newcomer_stopped.load(Ordering::Relaxed));
    let origins = air.tick(6);
    let cut = origins.iter().position(|origin| *origin == content(2, 0)).expect("it is taken");
    let is_old = |origin: &Origin| matches!(origin, Origin::Content { segment: SegmentId(1), .. });
    assert!(cut > 0 && origins[..cut].iter().all(is_old));
    let told = air.switch();
    assert_eq!(told.reply.result_code, ResultCode::Ok, "the take that nobody was told of");
    assert_eq!(told.taken.map(|taken| taken.pts), Some(Pts(90_000 + (1 + cut as u64) * 3003)), "SW-16");
    assert_eq!(air.switch().reply.result_code, ResultCode::ProtocolViolation);
}

/// §1 extension, L-12: a boundary falls on the first tick at or after its time, whether or not preview is ready.
#[test]
fn a_boundary_is_cut_by_the_clock() {
    let mut air = Air::new();
    air.load(1, forever());
    air.switch();
    air.tick(1);
    air.load(2, forever());
    let armed = air.switch_at(100);
    assert_eq!(armed.reply.result_code, ResultCode::Ok);
    assert!(matches!(armed.status.preview, PreviewState::Armed { .. }));
    // 100 ms are 2.997 periods: the first tick at or after is number 3.
    assert_eq!(air.tick(4), [content(1, 1), content(1, 2), content(2, 0), content(2, 1)]);
    air.load(3, std::iter::repeat_n(None, 40).chain(forever()));
    air.switch_at(200);
    assert_eq!(air.tick(3)[1..], [Origin::Black, Origin::Black], "a cut is on time, ready or not");
}

/// LC-1…LC-6, BF-1, SL-5: the end of a segment is two events and black; nothing else happens by itself.
#[test]
fn the_end_of_a_segment_is_told_and_followed_by_black() {
    let mut air = Air::new();
    air.load(1, [Some(0), Some(1)]);
    air.switch();
    air.load(2, forever());
    let origins = air.tick(300);
    assert_eq!(origins[..2], [content(1, 0), content(1, 1)]);
    assert!(origins[2..].iter().all(|origin| *origin == Origin::Black));
    let [taken, exhausted, completed] = &air.events()[..] else { panic!("three events") };
    assert!(matches!(taken, EventKind::Taken { segment: 1, .. }), "{taken}");
    let end_time_ms = MIDNIGHT + 65;
    assert_eq!(*exhausted, EventKind::Exhausted { segment: 1, end_tick: 2, end_time_ms, reason: None });
    assert_eq!(*completed, EventKind::Completed { segment: 1 });
    let status = air.channel.status();
    assert_eq!(status.live, LiveState::Exhausted(SegmentId(1)));
    assert_eq!((status.preview, status.counters.failsafe_entries), (PreviewState::Cued(SegmentId(2)), 1));
}

/// PAINS 2, L-24: a host that cues ahead and switches at the end it is told loses no tick, wherever that end falls.
#[test]
fn a_switch_at_the_told_end_follows_without_a_gap() {
    let mut air = Air::new();
    air.load(1, (0..1).map(Some));
    air.switch();
    for segment in 1..40 {
        let mut origins = air.tick(1);
        air.load(segment + 1, (0..segment + 1).map(Some));
        origins.extend(air.tick(segment as usize - 1));
        assert_eq!(origins, (0..segment).map(|index| content(segment, index)).collect::<Vec<_>>());
        let end = air.events().into_iter().find_map(|event| match event {
            EventKind::Exhausted { end_time_ms, .. } => Some(end_time_ms),
            _ => None,
        });
        air.switch_at(end.expect("its end is told") - MIDNIGHT);
    }
    assert_eq!(air.tick(1), [content(40, 0)]);
    assert_eq!(air.channel.status().counters.black_frames, 0);
}

/// SL-11: a segment that leaves the air has its record, with the tick it was meant for.
#[test]
fn a_segment_that_leaves_the_air_is_recorded() {
    let mut air = Air::new();
    air.load(1, [Some(0), Some(1)]);
    air.switch();
    air.tick(2);
    air.load(2, [None; 5].into_iter().chain(forever()));
    assert_eq!(air.switch().reply.result_code, ResultCode::NotReady);
    air.tick(1);
    assert_eq!(
        air.switch().reply.result_code,
        ResultCode::NotReady,
        "asked again, the plan is the first order"
    );
    air.tick(4);
    air.channel.teardown();
    let records =
        std::iter::from_fn(|| air.events.next(Duration::ZERO)).filter_map(|event| match event.kind {
            EventKind::AsRun(record) => Some(*record),
            _ => None,
        });
    let [first, second] = &records.collect::<Vec<_>>()[..] else { panic!("two records") };
    assert_eq!((first.first_tick, first.content, first.black), (0, 2, second.first_tick - 2));
    assert_eq!((first.segment, first.asset.as_str(), first.first_time_ms), (1, "script 1", MIDNIGHT));
    assert_eq!((second.planned_first_tick, second.last_tick), (2, Some(6)));
    assert!(second.first_tick > 2, "{second:?}");
}

/// L-30, R-6, TL-12: a process that lost three seconds makes every missed tick at once, as hold and then black;
/// content goes on with its next frame, and the wall clock is met again.
#[test]
fn lost_time_is_filled_and_content_waits() {
    let mut air = Air::new();
    air.load(1, forever());
    air.switch();
    air.tick(10);
    air.clock.advance_to(air.clock.now().after(Duration::from_secs(3)));
    let mut origins = Vec::new();
    while air.channel.next_deadline() <= air.clock.now() {
        origins.extend(air.tick(1));
    }
    let held = origins.iter().filter(|origin| matches!(origin, Origin::Hold { .. })).count();
    let blacks = origins.iter().filter(|origin| **origin == Origin::Black).count();
    let contents: Vec<_> = origins.iter().filter(|origin| matches!(origin, Origin::Content { .. })).collect();
    assert_eq!(origins.len(), 89, "three seconds of ticks");
    assert_eq!((held, blacks), (8, 74), "a quarter second of hold, then black");
    assert_eq!(
        contents,
        [10, 11, 12, 13, 14, 15, 16].map(|index| content(1, index)).iter().collect::<Vec<_>>()
    );
    assert_eq!(air.tick(1), [content(1, 17)]);
    let late = air.events().into_iter().find(|event| matches!(event, EventKind::Late { .. }));
    assert_eq!(late, Some(EventKind::Late { ticks: 82 }));
}

/// OB-1, OB-3, R-20: without a sink time runs on; a new one begins where time is.
#[test]
fn time_runs_on_without_a_sink() {
    let mut air = Air::new();
    air.load(1, forever());
    air.switch();
    air.tick(1);
    assert_eq!(air.channel.handle(Request::Detach).closed.len(), 1);
    assert!(air.tick(30).is_empty());
    let sink = Box::new(air.recorder.clone());
    air.channel.handle(Request::Attach { id: SinkId(2), sink, replace_existing: false });
    assert_eq!(air.tick(1), [content(1, 31)]);
    let refused = Box::new(Recorder::default());
    let response =
        air.channel.handle(Request::Attach { id: SinkId(3), sink: refused, replace_existing: false });
    assert_eq!((response.reply.success, response.closed.len()), (false, 1), "the newcomer comes back");
    let replacing = Box::new(air.recorder.clone());
    let response =
        air.channel.handle(Request::Attach { id: SinkId(4), sink: replacing, replace_existing: true });
    assert_eq!((response.reply.success, response.closed.len()), (true, 1), "the old one comes back");
}

/// MC-6: the host's clock is set while the channel runs. Pace does not notice; a boundary is where UTC now says.
#[test]
fn a_step_of_civil_time_moves_boundaries_not_the_pace() {
    let mut air = Air::new();
    air.load(1, forever());
    air.switch();
    air.tick(1);
    air.clock.step_utc(-2_000);
    assert_eq!(air.tick(3), [content(1, 1), content(1, 2), content(1, 3)], "no burst and no stall");
    air.load(2, forever());
    // At tick 3, 100.1 ms into the session, it is two seconds before midnight again.
    air.switch_at(-1_800);
    assert_eq!(
        air.tick(3),
        [content(1, 4), content(1, 5), content(2, 0)],
        "200 ms after the step's midnight"
    );
}

/// §1 extension: a boundary before the next tick is cut at the next tick, ready or not, and is a boundary still.
#[test]
fn a_boundary_within_the_present_tick_is_the_next_one() {
    let mut air = Air::new();
    air.load(1, forever());
    air.switch();
    air.tick(1);
    air.load(2, std::iter::repeat_n(None, 40).chain(forever()));
    let armed = air.switch_at(12);
    assert_eq!((armed.reply.result_code, armed.taken), (ResultCode::Ok, None));
    assert_eq!(air.tick(2), [Origin::Black, Origin::Black], "the clock decides when");
}

/// A switch that is refused starts nothing, least of all the clock.
#[test]
fn a_refused_boundary_starts_no_clock() {
    let mut air = Air::new();
    assert_eq!(air.switch_at(500).reply.result_code, ResultCode::ProtocolViolation);
    air.load(1, [None, None]);
    air.channel.observe();
    assert_eq!(air.switch_at(500).reply.result_code, ResultCode::Failed);
    assert_eq!(air.channel.next_deadline(), Nanos::NEVER);
}

/// CS-9: what a load would be answered can be asked before a file is opened for it.
#[test]
fn a_question_changes_nothing() {
    let mut air = Air::new();
    air.load(1, [None; 6]);
    let would =
        |air: &mut Air| air.channel.handle(Request::Would(Command::Load(SegmentId(9)))).reply.result_code;
    assert_eq!(would(&mut air), ResultCode::Ok);
    assert_eq!(air.switch().reply.result_code, ResultCode::NotReady);
    assert_eq!(would(&mut air), ResultCode::RejectedBusy);
}

/// SL-11, L-46: whatever is asked when, every tick from the first take to the stop is in exactly one record.
#[test]
fn records_account_for_every_tick() {
    let mut state = 7_u64;
    let mut draw = move |below: u64| {
        // Knuth's multiplier; the high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut air = Air::new();
    for segment in 1..150 {
        let script: Vec<_> = (0..draw(9)).map(|index| (draw(4) > 0).then_some(index)).collect();
        let (slot, _) = scripted(segment, script);
        let after_midnight = |ms: i64| MIDNIGHT + (air.clock.now().0 / 1_000_000) as i64 + ms;
        let stop = (draw(3) == 0).then(|| UtcMillis(after_midnight(draw(300) as i64 - 50)));
        let boundary = (draw(3) == 0).then(|| UtcMillis(after_midnight(draw(300) as i64 - 50)));
        air.channel.handle(Request::Load(slot.until(stop)));
        if draw(4) > 0 {
            air.channel.handle(Request::Switch { boundary });
        }
        if draw(20) == 0 {
            air.clock.advance_to(air.clock.now().after(Duration::from_millis(draw(2_000))));
        }
        air.tick(draw(9) as usize);
    }
    air.switch();
    air.tick(1);
    let end = air.channel.next.0;
    air.channel.teardown();
    let mut next = None;
    for event in std::iter::from_fn(|| air.events.next(Duration::ZERO)) {
        let EventKind::AsRun(record) = event.kind else { continue };
        assert_eq!(record.first_tick, next.unwrap_or(record.first_tick), "{record:?}");
        assert!(record.planned_first_tick <= record.first_tick, "{record:?}");
        let after = record.last_tick.map_or(record.first_tick, |last| last + 1);
        assert_eq!(record.content + record.held + record.black, after - record.first_tick, "{record:?}");
        next = Some(after);
    }
    assert_eq!(next, Some(end));
}
