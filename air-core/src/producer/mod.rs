//! Producers: what turns an asset into house frames.
//!
//! A producer is passive and time-blind. It knows media time and the house format; it never sees a clock,
//! a tick or a schedule (CK-4, SL-4). Adding one is one file and one arm in [`open`].

mod audio;
mod entry;
mod faults;
mod file;
mod pattern;
mod probe;
mod reader;
mod still;
mod video;

use std::path::Path;

use air_av::{Demuxer, Interrupt};
pub use pattern::black;
pub use probe::{MediaInfo, probe};

use crate::format::ProgramFormat;
use crate::frame::HouseFrame;
use crate::media_roots::MediaRoots;

/// What a producer is asked for: in which format, from where, in which files, and the token that ends
/// its waits.
#[derive(Clone, Debug)]
pub struct Cue {
    /// The house format every frame is delivered in.
    pub format: ProgramFormat,
    /// Media time of the first frame, in milliseconds from the start of the asset. The frame is the first picture
    /// that begins then or later; where there is none, also within the last picture, there is nothing to play.
    pub start_offset_ms: u64,
    /// Where the asset has to lie.
    pub media_roots: MediaRoots,
    /// Ends any wait inside the producer, at once and for good.
    pub interrupt: Interrupt,
}

/// Why an asset cannot be played, or stopped being playable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProducerError {
    /// libav, or the file beneath it, said no.
    #[error("{}", named(asset, source))]
    Media {
        /// The asset as it was named.
        asset: String,
        /// What was said.
        #[source]
        source: air_av::Error,
    },
    /// The asset must not be played, or cannot be found.
    #[error("{0}")]
    Refused(String),
    /// No pattern of this name.
    #[error("{0}: no such pattern; there are pattern:bars and pattern:black")]
    UnknownPattern(String),
    /// Nothing in the file that could be shown or heard.
    #[error("{asset}: no picture or sound at or after {start_offset_ms} ms")]
    NothingToPlay {
        /// The asset as it was named.
        asset: String,
        /// Where play was to begin.
        start_offset_ms: u64,
    },
}

/// The reason, which names the asset once.
fn named(asset: &str, source: &air_av::Error) -> String {
    let reason = source.to_string();
    if reason.starts_with(asset) { reason } else { format!("{asset}: {reason}") }
}

/// The furthest start offset, a hundred years, in milliseconds: media time and samples are counted in 64 bits,
/// and what is played from there on has to fit too.
const FURTHEST_OFFSET_MS: u64 = 100 * 365 * 24 * 3600 * 1000;

/// How long the frames of a producer go on, as far as can be said before making them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As long as somebody wants them.
    Endless,
    /// About this many milliseconds: containers guess.
    AboutMillis(u64),
    /// To an end that shows when it is there.
    Unknown,
}

/// A source of house frames.
pub trait Producer: Send {
    /// The next house frame, or `None` when the asset has no more.
    fn next_frame(&mut self) -> Result<Option<HouseFrame>, ProducerError>;

    /// How long its frames go on from the start offset.
    fn length(&self) -> Length;

    /// Damaged packets and pictures met so far; play goes on after each (FP-9).
    fn decode_errors(&self) -> u64 {
        0
    }
}

/// Opens the producer of `asset`: `pattern:NAME`, or else a local file.
pub fn open(asset: &str, cue: &Cue) -> Result<Box<dyn Producer>, ProducerError> {
    if cue.start_offset_ms > FURTHEST_OFFSET_MS {
        let (asset, start_offset_ms) = (asset.to_owned(), cue.start_offset_ms);
        return Err(ProducerError::NothingToPlay { asset, start_offset_ms });
    }
    match asset.strip_prefix("pattern:") {
        Some(name) => Ok(Box::new(pattern::PatternProducer::open(name, cue)?)),
        None => open_file(asset, cue),
    }
}

fn open_file(asset: &str, cue: &Cue) -> Result<Box<dyn Producer>, ProducerError> {
    if let Some(reason) = cue.media_roots.refusal_of(asset) {
        return Err(ProducerError::Refused(reason));
    }
    let media = |source| ProducerError::Media { asset: asset.to_owned(), source };
    let demuxer = Demuxer::open(Path::new(asset), &cue.interrupt).map_err(media)?;
    match demuxer.is_still() {
        true => Ok(Box::new(still::StillProducer::new(demuxer, asset, cue))),
        false => Ok(Box::new(file::FileProducer::new(demuxer, asset, cue)?)),
    }
}
