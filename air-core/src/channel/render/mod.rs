//! Rendering: the same channel on a virtual clock, into a file, as fast as the machine allows. The same plan
//! and files give the same bytes.

mod draft;
mod rendering;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use air_av::Interrupt;

use crate::config::SinkConfig;
use crate::format::ProgramFormat;
use crate::media_roots::MediaRoots;
use crate::output::PackError;
use crate::producer::{self, Cue, Length, ProducerError};
use crate::program::AsRun;
use crate::stats::Counters;
use crate::transport::TransportError;
use draft::Draft;
use rendering::Rendering;

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
    /// Whether black airs in the place of an asset that cannot be played, for its duration if it has one. Default:
    /// no, it is an error.
    pub failsafe: bool,
    /// Ends the rendering at once, also while it waits for a file.
    pub interrupt: Interrupt,
}

impl RenderOptions {
    /// Defaults for `format`.
    pub fn new(format: ProgramFormat) -> RenderOptions {
        RenderOptions {
            format,
            sink: SinkConfig::default(),
            pts_base: 90_000,
            failsafe: false,
            interrupt: Interrupt::new(),
        }
    }
}

/// How far a rendering is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderProgress {
    /// Output frames made.
    pub ticks: u64,
    /// Output frames there will be, about; `None` when an asset does not tell its length.
    pub total_ticks: Option<u64>,
}

/// What was rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderStats {
    /// Output frames.
    pub ticks: u64,
    /// Everything counted.
    pub counters: Counters,
    /// What became of each segment, in order.
    pub as_run: Vec<AsRun>,
}

/// Why a plan was not rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// An asset cannot be opened; nothing was written.
    #[error(transparent)]
    Asset(#[from] ProducerError),
    /// An asset that could be opened has nothing to show.
    #[error("{0}")]
    Unplayable(String),
    /// No thread, or no memory for a black picture.
    #[error("cannot begin: {0}")]
    Start(String),
    /// The plan has nothing to show.
    #[error("the plan is empty: it has no segment, one that lasts no time, or nothing that can be played")]
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

/// Renders `plan` into the file `out`. `progress` is told from time to time how far it is, and answers whether to
/// go on. Every asset is opened once before anything is written, and `out` is there only when it is whole.
pub fn render(
    plan: &[RenderSegment],
    out: &Path,
    options: &RenderOptions,
    progress: &mut dyn FnMut(RenderProgress) -> bool,
) -> Result<RenderStats, RenderError> {
    air_av::install_log();
    let (pts_base, mux_delay_ms) = (options.pts_base, options.sink.mux_delay_ms(&options.format));
    if pts_base < mux_delay_ms.saturating_mul(90) {
        return Err(RenderError::PtsBase { pts_base, mux_delay_ms });
    }
    if plan.is_empty() || plan.iter().any(|segment| segment.duration_ms == Some(0)) {
        return Err(RenderError::Empty);
    }
    let plan =
        plan.iter().map(|segment| PlanEntry::of(segment, out, options)).collect::<Result<Vec<_>, _>>()?;
    let draft = Draft::of(out);
    let mut rendering = Rendering::start(draft.path(), options, total_ticks(&plan, options), progress)?;
    let mut entries = plan.iter().enumerate();
    if let Err(error) = entries.try_for_each(|(number, entry)| rendering.air(entry, plan.get(number + 1))) {
        rendering.abandon();
        return Err(error);
    }
    let stats = rendering.finish()?;
    if stats.ticks == 0 {
        return Err(RenderError::Empty);
    }
    draft.publish()?;
    Ok(stats)
}

/// A segment whose asset has been looked at.
struct PlanEntry<'a> {
    segment: &'a RenderSegment,
    /// How long it will be on air; `None`: that will show.
    length_ms: Option<u64>,
    /// Why its asset cannot be played.
    trouble: Option<String>,
}

impl<'a> PlanEntry<'a> {
    fn of(segment: &'a RenderSegment, out: &Path, options: &RenderOptions) -> Result<Self, RenderError> {
        let asset = Path::new(&segment.asset);
        if [out, &draft::beside(out)].into_iter().any(|written| is_same_file(written, asset)) {
            return Err(RenderError::SameFile(segment.asset.clone()));
        }
        let duration_ms = segment.duration_ms;
        match producer::open(&segment.asset, &segment.cue(options)).map(|producer| producer.length()) {
            Ok(Length::Endless) if duration_ms.is_none() => Err(RenderError::Endless(segment.asset.clone())),
            Ok(Length::AboutMillis(length)) => {
                Ok(PlanEntry { segment, length_ms: duration_ms.or(Some(length)), trouble: None })
            }
            Ok(Length::Endless | Length::Unknown) => {
                Ok(PlanEntry { segment, length_ms: duration_ms, trouble: None })
            }
            Err(_) if options.interrupt.is_tripped() => Err(RenderError::Cancelled),
            Err(error) if options.failsafe => {
                if duration_ms.is_none() {
                    tracing::warn!(%error, "left out: it cannot be played, and has no duration to be black for");
                }
                let length_ms = duration_ms.or(Some(0));
                Ok(PlanEntry { segment, length_ms, trouble: Some(error.to_string()) })
            }
            Err(error) => Err(RenderError::Asset(error)),
        }
    }

    /// How long it has to be on air; `None`: to its asset's own end.
    fn duration_ms(&self) -> Option<u64> {
        // What cannot be played has no end of its own to wait for.
        self.segment.duration_ms.or(self.trouble.is_some().then_some(0))
    }
}

impl RenderSegment {
    fn cue(&self, options: &RenderOptions) -> Cue {
        let interrupt = options.interrupt.child();
        let (format, media_roots) = (options.format, MediaRoots::default());
        Cue { format, start_offset_ms: self.start_offset_ms, media_roots, interrupt }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

fn total_ticks(plan: &[PlanEntry<'_>], options: &RenderOptions) -> Option<u64> {
    let millis = plan
        .iter()
        .map(|entry| entry.length_ms)
        .try_fold(0_u64, |sum, millis| Some(sum.saturating_add(millis?)))?;
    Some(options.format.video.frame_rate.units_to_frames_ceil(millis, 1000))
}
