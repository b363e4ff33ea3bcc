//! Rendering: the same channel on a virtual clock, into a file, as fast as the machine allows. The same plan
//! and files give the same bytes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use air_av::Interrupt;
use air_ts::Pts;

use super::request::Request;
use super::{Channel, ChannelConfig};
use crate::config::SinkConfig;
use crate::control::{SegmentId, SinkId};
use crate::format::ProgramFormat;
use crate::output::{InlineSink, PackError};
use crate::producer::{self, Cue, ProducerError};
use crate::program::{Inline, Slot};
use crate::stats::Counters;
use crate::time::{Tick, UtcMillis, VirtualClock};
use crate::transport::{self, TransportError};

/// Ticks between two reports of progress.
const REPORT_EVERY: u64 = 25;

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderSegment {
    /// A local file, or `pattern:NAME`.
    pub asset: String,
    /// Where in the asset to begin, in milliseconds.
    pub start_offset_ms: u64,
    /// How long the segment is on air, in milliseconds; an asset that is shorter is followed by black.
    /// `None`: to the asset's own end.
    pub duration_ms: Option<u64>,
}

/// How a plan is rendered.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The house format.
    pub format: ProgramFormat,
    /// The sink. Where it leaves the number of threads open, one is used: x264's slice threads look at each
    /// other's progress when they share out bits, so with more of them the bytes may differ from run to run.
    pub sink: SinkConfig,
    /// PTS of the first picture, in 90 kHz ticks. Default one second.
    pub pts_base: u64,
    /// Ends the rendering at once, also while it waits for a file.
    pub interrupt: Interrupt,
}

impl RenderOptions {
    /// Defaults for `format`.
    pub fn new(format: ProgramFormat) -> RenderOptions {
        RenderOptions { format, sink: SinkConfig::default(), pts_base: 90_000, interrupt: Interrupt::new() }
    }
}

/// What was rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderStats {
    /// Output frames.
    pub ticks: u64,
    /// Everything counted.
    pub counters: Counters,
}

/// Why a plan was not rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// An asset cannot be played; nothing was written.
    #[error(transparent)]
    Asset(#[from] ProducerError),
    /// The plan has nothing to show.
    #[error("the plan is empty: it has no segment, or one that lasts no time")]
    Empty,
    /// The rendering would overwrite what it reads.
    #[error("{0} is both read and written")]
    SameFile(String),
    /// A segment without a duration would never end.
    #[error("{0} never ends: give it a duration")]
    Endless(String),
    /// The first picture's PTS is less than the mux delay.
    #[error("a first PTS of {pts_base} is less than the mux delay of {mux_delay_ms} ms")]
    PtsBase {
        /// As given.
        pts_base: u64,
        /// As configured.
        mux_delay_ms: u64,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Output(#[from] TransportError),
    /// The finished file cannot be put in its place.
    #[error("{}: {source}", path.display())]
    Place {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The sink cannot be opened.
    #[error(transparent)]
    Sink(#[from] PackError),
    /// The sink failed midway.
    #[error("rendering stopped at tick {tick}: {reason}")]
    Lost {
        /// The tick it failed at.
        tick: u64,
        /// Why.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Renders `plan` into the file `out`. `progress` is told the ticks done from time to time and answers whether
/// to go on. Every asset is opened once before anything is written, and `out` is there only when it is whole.
pub fn render(
    plan: &[RenderSegment],
    out: &Path,
    options: &RenderOptions,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<RenderStats, RenderError> {
    air_av::install_log();
    let (pts_base, mux_delay_ms) = (options.pts_base, options.sink.mux_delay_ms(&options.format));
    if pts_base < mux_delay_ms.saturating_mul(90) {
        return Err(RenderError::PtsBase { pts_base, mux_delay_ms });
    }
    if plan.is_empty() || plan.iter().any(|segment| segment.duration_ms == Some(0)) {
        return Err(RenderError::Empty);
    }
    for segment in plan {
        if is_same_file(out, Path::new(&segment.asset)) {
            return Err(RenderError::SameFile(segment.asset.clone()));
        }
        let producer = producer::open(&segment.asset, &cue(segment, options))?;
        if segment.duration_ms.is_none() && producer.is_endless() {
            return Err(RenderError::Endless(segment.asset.clone()));
        }
    }
    let draft = Draft::of(out);
    let mut rendering = Rendering::start(draft.path(), options)?;
    for (number, segment) in (1..).zip(plan) {
        rendering.air(SegmentId(number), segment, options, progress)?;
    }
    let stats = rendering.finish()?;
    draft.publish()?;
    Ok(stats)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

/// Where a rendering is written until it is whole: beside its place, or at once to what is no regular file.
struct Draft {
    place: PathBuf,
    part: Option<PathBuf>,
}

impl Draft {
    fn of(place: &Path) -> Draft {
        let is_special = fs::metadata(place).is_ok_and(|there| !there.is_file());
        let mut part = place.as_os_str().to_owned();
        part.push(".part");
        Draft { place: place.to_owned(), part: (!is_special).then(|| part.into()) }
    }

    fn path(&self) -> &Path {
        self.part.as_ref().unwrap_or(&self.place)
    }

    fn publish(mut self) -> Result<(), RenderError> {
        let Some(part) = self.part.take() else { return Ok(()) };
        fs::rename(part, &self.place)
            .map_err(|source| RenderError::Place { path: self.place.clone(), source })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // It may never have been made.
            let _ = fs::remove_file(part);
        }
    }
}

fn cue(segment: &RenderSegment, options: &RenderOptions) -> Cue {
    let interrupt = options.interrupt.clone();
    Cue { format: options.format, start_offset_ms: segment.start_offset_ms, interrupt }
}

/// A channel under way on its virtual clock.
struct Rendering {
    channel: Channel,
    clock: Arc<VirtualClock>,
    lost: Arc<std::sync::OnceLock<String>>,
    planned: Planned,
}

/// Where the plan stands: durations are summed from the last segment that ended by itself, so that rounding
/// each to a tick never adds up.
#[derive(Clone, Copy, Default)]
struct Planned {
    since: Tick,
    millis: u64,
}

impl Rendering {
    fn start(out: &Path, options: &RenderOptions) -> Result<Rendering, RenderError> {
        let clock = Arc::new(VirtualClock::new(UtcMillis(0)));
        let format = options.format;
        let black = producer::black(format.video.width, format.video.height)
            .map_err(|source| ProducerError::Media { asset: "black".into(), source })?;
        let config = ChannelConfig {
            channel_id: 0,
            format,
            pts_base: Pts(options.pts_base),
            hold: Duration::ZERO,
            clock: Arc::clone(&clock) as _,
            events: Arc::default(),
        };
        let mut channel = Channel::new(config, black);
        let lost = Arc::new(std::sync::OnceLock::new());
        let theirs = Arc::clone(&lost);
        let on_lost = move |reason| {
            // The first reason is the one that counts.
            let _ = theirs.set(reason);
        };
        let file = transport::create_file(out)?;
        let config = SinkConfig { threads: options.sink.threads.max(1), ..options.sink.clone() };
        let sink = Box::new(InlineSink::open(&config, &format, file, on_lost)?);
        channel.handle(Request::Attach { id: SinkId(0), sink, replace_existing: false });
        Ok(Rendering { channel, clock, lost, planned: Planned::default() })
    }

    /// Takes one segment and makes its ticks.
    fn air(
        &mut self,
        id: SegmentId,
        segment: &RenderSegment,
        options: &RenderOptions,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), RenderError> {
        let source = Box::new(Inline::open(&segment.asset, &cue(segment, options))?);
        let slot = Slot::new(id, segment.asset.clone(), options.format.audio.channels, source);
        self.channel.handle(Request::Load(slot));
        self.channel.handle(Request::Switch { boundary: None });
        let end = segment.duration_ms.map(|duration| {
            self.planned.millis = self.planned.millis.saturating_add(duration);
            let ticks = options.format.video.frame_rate.units_to_frames_ceil(self.planned.millis, 1000);
            Tick(self.planned.since.0 + ticks)
        });
        while !self.is_over(end) {
            self.clock.advance_to(self.channel.next_deadline());
            self.channel.tick();
            let tick = self.channel.next.0;
            if let Some(reason) = self.lost.get() {
                return Err(RenderError::Lost { tick, reason: reason.clone() });
            }
            if tick.is_multiple_of(REPORT_EVERY) && !progress(tick) {
                return Err(RenderError::Cancelled);
            }
        }
        if end.is_none() {
            self.planned = Planned { since: self.channel.next, millis: 0 };
        }
        Ok(())
    }

    /// Ends the file whole.
    fn finish(mut self) -> Result<RenderStats, RenderError> {
        let ticks = self.channel.next.0;
        let mut counters = self.channel.counters();
        for sink in self.channel.handle(Request::Detach).closed {
            let totals = sink.close(false);
            (counters.bytes_written, counters.writes) = (totals.bytes_written, totals.writes);
        }
        self.channel.teardown();
        match self.lost.get() {
            Some(reason) => Err(RenderError::Lost { tick: ticks, reason: reason.clone() }),
            None => Ok(RenderStats { ticks, counters }),
        }
    }

    fn is_over(&mut self, end: Option<Tick>) -> bool {
        match end {
            Some(end) => self.channel.next >= end,
            None => self.channel.live_is_over(),
        }
    }
}
