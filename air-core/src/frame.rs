//! The two frames of playout: the house frame a producer makes, and the program frame the bus chooses.
//!
//! Both carry their own sound, so there is no second queue that could run dry beside the picture.

use air_av::Picture;

use crate::control::SegmentId;
use crate::time::Stamp;

/// One frame of a segment in the channel's house format: picture and sound of the same instant.
#[derive(Clone, Debug)]
pub struct HouseFrame {
    /// Its number within the segment, from 0; its media time is segment start + `index` / rate.
    pub index: u64,
    /// The picture due at that time, in house size and 4:2:0.
    pub picture: Picture,
    /// Which of the asset's pictures it is; `None` for one that the asset does not have, such as black under sound.
    pub source: Option<SourcePicture>,
    /// Interleaved samples. After frame k a segment has delivered ⌈(k+1)·r⌉ of them per channel,
    /// r being samples per frame, so that any starting tick can be served.
    pub audio: Vec<i16>,
}

/// A picture of an asset, for the record of what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePicture {
    /// Its number in display order, from 0. After a start in the middle of an asset it is what the asset's rate
    /// makes of the time, and counted from there; of an asset whose rate varies it is an estimate.
    /// Fields shown one by one have the number of their picture.
    pub number: u64,
    /// Its media time in milliseconds, from the start of the asset.
    pub media_ms: u64,
}

/// Where a program frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// House frame `index` of a segment.
    Content {
        /// The segment on air.
        segment: SegmentId,
        /// Number of the house frame.
        index: u64,
    },
    /// The last picture of the segment on air, again: its producer is late.
    Hold {
        /// The segment on air.
        segment: SegmentId,
    },
    /// Black and silence.
    Black,
}

/// What airs at one tick: there is exactly one for each.
#[derive(Clone, Debug)]
pub struct ProgramFrame {
    /// The tick and all that it means in time.
    pub stamp: Stamp,
    /// The picture, in house format.
    pub picture: Picture,
    /// Exactly `stamp.samples` interleaved samples per channel.
    pub audio: Vec<i16>,
    /// Where picture and sound came from.
    pub origin: Origin,
    /// Whether a viewer should be able to enter here: the first picture of a segment.
    pub random_access: bool,
}
