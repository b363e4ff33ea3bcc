//! A channel: the machine that turns ticks into frames. It is turned by hand: it has no thread, reads the
//! clock only to see whether a tick was missed, and waits for nothing.
//!
//! `Channel::tick` is the page to read first. `tick_loop` turns the machine on the master clock, `render` on a
//! virtual one; `engine` is what callers see of it.

mod engine;
mod notices;
mod render;
mod reply;
mod request;
mod session;
mod teardown;
#[cfg(test)]
mod tests;
mod tick_loop;

use std::sync::Arc;
use std::time::Duration;

use air_av::Picture;
use air_ts::Pts;

pub use engine::Engine;
pub use render::{RenderError, RenderOptions, RenderProgress, RenderSegment, RenderStats, render};
pub use reply::{AttachStreamReply, LoadPreviewReply, Status, SwitchToLiveReply};

use crate::control::{Action, Event as ControlEvent, Input, PreviewState, SegmentId, State, Step, step};
use crate::events::{EventKind, EventQueue};
use crate::format::ProgramFormat;
use crate::output::OutputBus;
use crate::program::{Entry, Left, ProgramBus, ProgramEvent, Readiness};
use crate::stats::Counters;
use crate::time::{Clock, Nanos, Stamp, Tick, Timeline, UtcMillis};
use notices::Notices;
use request::{Offer, Taken};
use teardown::Leaving;

/// A process that lost more than this has lost time: the ticks it missed are filled, and content waits.
const MISSED_AFTER: Duration = Duration::from_millis(250);

/// What a channel is made of; all of it is fixed for the session.
pub(crate) struct ChannelConfig {
    pub channel_id: i32,
    pub format: ProgramFormat,
    /// PTS of tick 0.
    pub pts_base: Pts,
    /// How long a late segment's last picture is held before black.
    pub hold: Duration,
    pub clock: Arc<dyn Clock>,
    pub events: Arc<EventQueue>,
}

/// One channel session.
pub(crate) struct Channel {
    config: ChannelConfig,
    control: State,
    /// `None` until the first take, which is the epoch.
    timeline: Option<Timeline>,
    /// The tick to be made next.
    next: Tick,
    boundary: Option<Tick>,
    /// The tick that the order to switch, if there is one, was given for.
    planned_take: Tick,
    last_take: Option<Taken>,
    program: ProgramBus,
    output: OutputBus,
    /// What came with the command in hand.
    offer: Offer,
    leaving: Leaving,
    notices: Notices,
    late_ticks: u64,
    /// Ticks missed in the present row of them.
    missed_in_a_row: u64,
}

impl Channel {
    /// A channel that has started and has nothing on air; `black` is its filler.
    pub fn new(config: ChannelConfig, black: Picture) -> Channel {
        let program = ProgramBus::new(black, config.format.audio, config.hold);
        let Step { state, .. } = step(&State::Stopped, Input::Command(crate::control::Command::Start));
        Channel {
            config,
            control: state,
            timeline: None,
            next: Tick(0),
            boundary: None,
            planned_take: Tick(0),
            last_take: None,
            program,
            output: OutputBus::default(),
            offer: Offer::default(),
            leaving: Leaving::default(),
            notices: Notices::default(),
            late_ticks: 0,
            missed_in_a_row: 0,
        }
    }

    /// When the next tick is due; never before the first take.
    pub fn next_deadline(&self) -> Nanos {
        self.timeline.map_or(Nanos::NEVER, |timeline| timeline.deadline(self.next))
    }

    /// Makes one tick: look at what has become ready, choose one frame, offer it to the output, report.
    pub fn tick(&mut self) {
        let Some(timeline) = self.timeline else { return };
        self.observe();
        self.cut_at_boundary();
        let stamp = timeline.stamp(self.next);
        let missed = self.is_missed(stamp);
        let (frame, noticed) = self.program.frame(stamp, missed);
        self.notices.tick(self.config.channel_id, &frame, &noticed);
        self.output.offer(frame);
        self.next = self.next.next();
        noticed.into_iter().for_each(|event| self.report(event));
        self.leaving.let_go();
    }

    /// Tells the control state what became of the segment in preview.
    pub fn observe(&mut self) {
        let waiting = match &self.control {
            State::Session(session) => session.preview.is_waiting_for_a_frame(),
            State::Stopped => false,
        };
        let Some(slot) = self.program.preview().filter(|_| waiting) else { return };
        let segment = slot.segment();
        match slot.source().readiness() {
            Readiness::Cueing => {}
            Readiness::Cued => self.happened(ControlEvent::Cued(segment)),
            Readiness::Failed(reason) => {
                self.emit(EventKind::CueFailed { segment: segment.0, reason });
                self.happened(ControlEvent::CueFailed(segment));
            }
        }
    }

    fn cut_at_boundary(&mut self) {
        if self.boundary.take_if(|boundary| *boundary <= self.next).is_some() {
            self.happened(ControlEvent::BoundaryReached(self.next));
        }
    }

    /// Whether the time of `stamp` passed so long ago that content must wait. Deadlines are absolute and no
    /// tick is skipped: missed ones go out at once, as hold and then black (L-30).
    fn is_missed(&mut self, stamp: Stamp) -> bool {
        let missed = self.config.clock.now().since(stamp.due) > MISSED_AFTER;
        if missed {
            self.late_ticks += 1;
            self.missed_in_a_row += 1;
        } else if self.missed_in_a_row > 0 {
            let ticks = std::mem::take(&mut self.missed_in_a_row);
            tracing::warn!(ticks, tick = stamp.tick.0, "the process lost time");
            self.emit(EventKind::Late { ticks });
        }
        missed
    }

    fn report(&mut self, event: ProgramEvent) {
        match event {
            ProgramEvent::Exhausted { segment, end, reason } => self.exhausted(segment, end, reason),
            ProgramEvent::Underrun(segment) => self.emit(EventKind::Underrun { segment: segment.0 }),
            ProgramEvent::Completed(segment) => {
                self.emit(EventKind::Completed { segment: segment.0 });
                self.happened(ControlEvent::LiveExhausted(segment));
            }
        }
    }

    fn exhausted(&mut self, segment: SegmentId, end: Tick, reason: Option<String>) {
        if let Some(reason) = &reason {
            let asset = self.program.live().map(|slot| slot.asset().to_owned()).unwrap_or_default();
            tracing::warn!(segment = segment.0, asset, tick = self.next.0, reason, "cannot be played on");
        }
        let end_time_ms = self.boundary_of(end).0;
        self.emit(EventKind::Exhausted { segment: segment.0, end_tick: end.0, end_time_ms, reason });
    }

    /// The civil time that, as a boundary, falls on `tick`: a millisecond before it is due, so that the two
    /// readings of the clock between here and there cannot push it over.
    fn boundary_of(&self, tick: Tick) -> UtcMillis {
        let due = self.config.clock.utc_at(self.timeline_from_now().deadline(tick));
        UtcMillis(due.to_millis().0 - 1)
    }

    fn happened(&mut self, event: ControlEvent) {
        self.apply(Input::Event(event));
    }

    /// Moves the control state and does what it says.
    fn apply(&mut self, input: Input) -> Option<crate::control::Reply> {
        let Step { state, actions, reply } = step(&self.control, input);
        self.control = state;
        for action in actions {
            self.perform(action);
        }
        reply
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Take(segment) => self.take(segment),
            Action::Retire(segment) => {
                if let Some(slot) = self.offer.slot.take_if(|slot| slot.segment() == segment) {
                    self.leaving.slot(slot);
                } else if let Some(left) = self.program.remove(segment) {
                    self.leave(left);
                }
            }
            Action::AttachSink(id) => {
                if let Some((_, sink)) = self.offer.sink.take_if(|(offered, _)| *offered == id) {
                    self.output.attach(id, sink);
                }
            }
            Action::CloseSink(id) => {
                let offered = self.offer.sink.take_if(|(offered, _)| *offered == id).map(|(_, sink)| sink);
                if let Some(sink) = offered.or_else(|| self.output.detach(id)) {
                    self.offer.closed.push(sink);
                }
            }
            Action::ArmBoundary(tick) => {
                self.start_clock();
                self.boundary = Some(tick);
            }
        }
    }

    /// Puts preview on air from the next tick on. The first take is the epoch.
    fn take(&mut self, segment: SegmentId) {
        self.start_clock();
        self.boundary = None;
        let asset = self.program.preview().map(|slot| slot.asset().to_owned()).unwrap_or_default();
        let entry = self.entry();
        tracing::info!(segment = segment.0, asset, tick = self.next.0, "taken");
        if let Some(old) = self.program.take(&entry) {
            self.leave(old);
        }
        self.last_take = Some(Taken { pts: self.timeline_from_now().pts(self.next), time: entry.time });
        self.offer.taken = self.last_take;
        self.emit(EventKind::Taken { segment: segment.0, asset });
    }

    /// How what is in preview comes on air with the next tick.
    fn entry(&mut self) -> Entry {
        let (timeline, clock) = (self.timeline_from_now(), &self.config.clock);
        let hard_stop = self.program.preview().and_then(|slot| slot.hard_stop());
        Entry {
            planned: self.planned_take.min(self.next),
            tick: self.next,
            time: clock.utc_at(timeline.deadline(self.next)).to_millis(),
            stop_at: hard_stop.map(|utc| timeline.tick_at(clock.at_utc(utc))),
        }
    }

    /// Lets a segment end that is in no slot any more.
    fn leave(&mut self, left: Left) {
        if let Some(as_run) = left.as_run {
            self.emit(EventKind::AsRun(Box::new(as_run)));
        }
        self.leaving.slot(left.slot);
    }

    /// Makes now the epoch, unless there is one.
    fn start_clock(&mut self) {
        self.timeline = Some(self.timeline_from_now());
    }

    /// The timeline, or what it would be with its epoch now.
    fn timeline_from_now(&self) -> Timeline {
        let ChannelConfig { format, pts_base, clock, .. } = &self.config;
        self.timeline.unwrap_or_else(|| {
            Timeline::new(format.video.frame_rate, format.audio.sample_rate, *pts_base, clock.now())
        })
    }

    fn emit(&self, kind: EventKind) {
        self.config.events.push(self.next, kind);
    }

    /// Everything counted so far.
    pub fn counters(&self) -> Counters {
        let sink = self.output.totals();
        Counters {
            late_ticks: self.late_ticks,
            pictures_dropped: sink.pictures_dropped,
            bytes_written: sink.bytes_written,
            writes: sink.writes,
            stalls: sink.stalls,
            ..self.program.counters()
        }
    }

    /// Whether the segment on air, if there is one, has no more frames to show.
    pub fn live_is_over(&mut self) -> bool {
        self.program.live().is_none_or(|slot| slot.source().is_over())
    }
}

impl PreviewState {
    fn is_waiting_for_a_frame(&self) -> bool {
        use crate::control::Cut;
        match self {
            PreviewState::Cueing(_) | PreviewState::Armed { cut: Cut::WhenCued, .. } => true,
            PreviewState::Armed { cut: Cut::At { cued, .. }, .. } => !cued,
            PreviewState::Empty | PreviewState::Cued(_) | PreviewState::Failed(_) => false,
        }
    }
}
