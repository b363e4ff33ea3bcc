//! A channel under way on its virtual clock. The next asset is read ahead while one is on air.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use air_ts::Pts;

use super::{PlanEntry, RenderError, RenderOptions, RenderProgress, RenderStats};
use crate::channel::request::Request;
use crate::channel::{Channel, ChannelConfig};
use crate::config::SinkConfig;
use crate::control::{SegmentId, SinkId};
use crate::events::{EventKind, EventQueue};
use crate::output::InlineSink;
use crate::producer;
use crate::program::{AsRun, Awaited, FrameSource, Missing, ReadAhead, Readiness, Slot};
use crate::time::{Bell, Tick, UtcMillis, VirtualClock};
use crate::transport;

/// Ticks between two reports of progress.
const REPORT_EVERY: u64 = 25;

/// Longest wait for a worker that was told to end.
const READER_ENDS_WITHIN: Duration = Duration::from_millis(200);

/// A plan on its way into a file.
pub(super) struct Rendering<'a> {
    options: &'a RenderOptions,
    total_ticks: Option<u64>,
    progress: &'a mut dyn FnMut(RenderProgress) -> bool,
    channel: Channel,
    clock: Arc<VirtualClock>,
    lost: Arc<OnceLock<String>>,
    /// What is read ahead for the next entry.
    upcoming: Option<Box<dyn FrameSource>>,
    planned: Planned,
    records: Records,
}

/// What became of the segments, and what only the plan knows of it.
struct Records {
    events: Arc<EventQueue>,
    /// Where each segment so far was to end.
    ends: Vec<Option<Tick>>,
    as_run: Vec<AsRun>,
}

/// Where the plan stands: durations are summed from the last segment that ended by itself, so that rounding
/// each to a tick never adds up.
#[derive(Clone, Copy, Default)]
struct Planned {
    since: Tick,
    millis: u64,
}

impl<'a> Rendering<'a> {
    /// A rendering into the file at `out` that has nothing on air yet.
    pub fn start(
        out: &Path,
        options: &'a RenderOptions,
        total_ticks: Option<u64>,
        progress: &'a mut dyn FnMut(RenderProgress) -> bool,
    ) -> Result<Rendering<'a>, RenderError> {
        let clock = Arc::new(VirtualClock::new(UtcMillis(0)));
        let events = Arc::<EventQueue>::default();
        let format = options.format;
        let black = producer::black(format.video.width, format.video.height)
            .map_err(|error| RenderError::Start(error.to_string()))?;
        let config = ChannelConfig {
            channel_id: 0,
            format,
            pts_base: Pts(options.pts_base),
            hold: Duration::ZERO,
            clock: Arc::clone(&clock) as _,
            events: Arc::clone(&events),
        };
        let mut channel = Channel::new(config, black);
        let lost = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&lost);
        let on_lost = move |reason| {
            // The first reason is the one that counts.
            let _ = theirs.set(reason);
        };
        let file = transport::create_file(out)?;
        let config = SinkConfig { threads: options.sink.threads.max(1), ..options.sink.clone() };
        let sink = Box::new(InlineSink::open(&config, &format, file, on_lost)?);
        channel.handle(Request::Attach { id: SinkId(0), sink, replace_existing: false });
        Ok(Rendering {
            options,
            total_ticks,
            progress,
            channel,
            clock,
            lost,
            upcoming: None,
            planned: Planned::default(),
            records: Records { events, ends: Vec::new(), as_run: Vec::new() },
        })
    }

    /// Takes `entry`, begins to read `next`, and makes the ticks of `entry`.
    pub fn air(&mut self, entry: &PlanEntry<'_>, next: Option<&PlanEntry<'_>>) -> Result<(), RenderError> {
        let source = self.source_of(entry)?;
        self.upcoming = next.map(|next| self.read(next)).transpose()?;
        let id = SegmentId(self.records.ends.len() as u64 + 1);
        let channels = self.options.format.audio.channels;
        let slot = Slot::new(id, entry.segment.asset.clone(), channels, source);
        self.channel.handle(Request::Load(slot.starting_at(entry.segment.start_offset_ms)));
        self.channel.handle(Request::Switch { boundary: None });
        let end = entry.duration_ms().map(|duration| self.end_after(duration));
        self.records.ends.push(end);
        while !self.is_over(end) {
            self.tick()?;
        }
        if end.is_none() {
            self.planned = Planned { since: self.channel.next, millis: 0 };
        }
        self.records.collect();
        Ok(())
    }

    /// Ends the file whole.
    pub fn finish(self) -> Result<RenderStats, RenderError> {
        let Rendering { mut channel, mut records, lost, .. } = self;
        let ticks = channel.next.0;
        let mut counters = channel.counters();
        for sink in channel.handle(Request::Detach).closed {
            let totals = sink.close(false);
            (counters.bytes_written, counters.writes) = (totals.bytes_written, totals.writes);
        }
        channel.teardown();
        records.collect();
        match lost.get() {
            Some(reason) => Err(RenderError::Lost { tick: ticks, reason: reason.clone() }),
            None => Ok(RenderStats { ticks, counters, as_run: records.as_run }),
        }
    }

    /// Ends it before its time: what reads ahead is waited for, not for long.
    pub fn abandon(self) {
        if let Some(mut source) = self.upcoming {
            source.stop();
            if !source.wait_stopped(READER_ENDS_WITHIN) {
                tracing::warn!("a stuck reader was abandoned");
            }
        }
        self.channel.teardown();
    }

    /// Starts a worker on the asset of `entry`.
    fn read(&self, entry: &PlanEntry<'_>) -> Result<Box<dyn FrameSource>, RenderError> {
        if let Some(reason) = entry.trouble.clone() {
            return Ok(Box::new(Missing { reason }));
        }
        let cue = entry.segment.cue(self.options);
        let worker = ReadAhead::start("air-render-read".into(), &entry.segment.asset, cue, Bell::new());
        let worker = worker.map_err(|error| RenderError::Start(error.to_string()))?;
        Ok(Box::new(Awaited::new(worker)))
    }

    /// What is read for `entry`, with its first frame there.
    fn source_of(&mut self, entry: &PlanEntry<'_>) -> Result<Box<dyn FrameSource>, RenderError> {
        let upcoming = self.upcoming.take();
        let mut source = upcoming.map_or_else(|| self.read(entry), Ok)?;
        match source.readiness() {
            Readiness::Failed(_) if self.options.interrupt.is_tripped() => Err(RenderError::Cancelled),
            Readiness::Failed(reason) if self.options.failsafe => Ok(Box::new(Missing { reason })),
            Readiness::Failed(reason) => Err(RenderError::Unplayable(reason)),
            Readiness::Cued | Readiness::Cueing => Ok(source),
        }
    }

    fn tick(&mut self) -> Result<(), RenderError> {
        self.clock.advance_to(self.channel.next_deadline());
        self.channel.tick();
        let ticks = self.channel.next.0;
        if let Some(reason) = self.lost.get() {
            return Err(RenderError::Lost { tick: ticks, reason: reason.clone() });
        }
        let report = RenderProgress { ticks, total_ticks: self.total_ticks };
        let goes_on = !ticks.is_multiple_of(REPORT_EVERY) || (self.progress)(report);
        if goes_on && !self.options.interrupt.is_tripped() { Ok(()) } else { Err(RenderError::Cancelled) }
    }

    /// The tick after a segment that lasts `duration_ms`.
    fn end_after(&mut self, duration_ms: u64) -> Tick {
        self.planned.millis = self.planned.millis.saturating_add(duration_ms);
        let ticks = self.options.format.video.frame_rate.units_to_frames_ceil(self.planned.millis, 1000);
        Tick(self.planned.since.0 + ticks)
    }

    fn is_over(&mut self, end: Option<Tick>) -> bool {
        match end {
            Some(end) => self.channel.next >= end,
            None => self.channel.live_is_over(),
        }
    }
}

impl Records {
    /// Keeps those of the segments that have left the air.
    fn collect(&mut self) {
        while let Some(event) = self.events.next(Duration::ZERO) {
            if let EventKind::AsRun(as_run) = event.kind {
                let end = self.ends.get(self.as_run.len()).copied().flatten();
                let planned_last_tick = end.and_then(|end| end.0.checked_sub(1));
                self.as_run.push(AsRun { planned_last_tick, ..*as_run });
            }
        }
    }
}
