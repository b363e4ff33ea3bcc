//! A slot holds one segment: where its house frames come from, and the samples not yet aired.

use std::time::Duration;

use crate::control::SegmentId;
use crate::frame::HouseFrame;
use crate::time::UtcMillis;

/// Answer to "the next house frame, please". Nobody waits for it.
#[derive(Debug)]
pub enum Next {
    /// Here it is.
    Frame(HouseFrame),
    /// Not there yet; the producer is alive.
    Late,
    /// There are no more: the asset ended, or cannot be read on.
    Over,
}

/// How far a segment is on its way to air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// No house frame yet.
    Cueing,
    /// The first house frame is there: a take will be seamless.
    Cued,
    /// No house frame will ever come, for this reason.
    Failed(String),
}

/// Where the house frames of one segment come from: a worker that reads ahead, or the caller's own thread.
pub trait FrameSource: Send {
    /// Whether the first frame is there.
    fn readiness(&mut self) -> Readiness;

    /// The next house frame, without waiting.
    fn next(&mut self) -> Next;

    /// Whether all frames of the segment have been made, though some may still wait here.
    fn is_exhausted(&self) -> bool;

    /// Why there will be no more, if that is not because the asset ended.
    fn failure(&self) -> Option<String>;

    /// Frames made and not taken yet.
    fn waiting(&self) -> u64;

    /// Whether all frames of the segment have been taken.
    fn is_over(&mut self) -> bool {
        self.is_exhausted() && self.waiting() == 0
    }

    /// Damaged packets and pictures met so far.
    fn decode_errors(&self) -> u64;

    /// Asks the source to end; returns at once. No frame comes after it.
    fn stop(&mut self);

    /// Waits, no longer than `at_most`, until nothing of the stopped source runs any more; whether that is so.
    fn wait_stopped(&mut self, at_most: Duration) -> bool;
}

/// One segment, on its way to air or on it.
pub struct Slot {
    segment: SegmentId,
    asset: String,
    source: Box<dyn FrameSource>,
    channels: usize,
    start_offset_ms: u64,
    hard_stop: Option<UtcMillis>,
    /// Samples delivered and not yet aired: the fraction by which ticks and house frames differ.
    carry: Vec<i16>,
}

impl Slot {
    /// A slot for `segment`, which plays `asset` with `channels` of sound.
    pub fn new(segment: SegmentId, asset: String, channels: u16, source: Box<dyn FrameSource>) -> Slot {
        let channels = usize::from(channels);
        Slot { segment, asset, source, channels, start_offset_ms: 0, hard_stop: None, carry: Vec::new() }
    }

    /// The same, saying that its source begins `start_offset_ms` into the asset.
    pub fn starting_at(self, start_offset_ms: u64) -> Slot {
        Slot { start_offset_ms, ..self }
    }

    /// The same, with no content at or after `hard_stop` (SG-5).
    pub fn until(self, hard_stop: Option<UtcMillis>) -> Slot {
        Slot { hard_stop, ..self }
    }

    /// Where in the asset it begins.
    pub fn start_offset_ms(&self) -> u64 {
        self.start_offset_ms
    }

    /// When its content ends at the latest.
    pub fn hard_stop(&self) -> Option<UtcMillis> {
        self.hard_stop
    }

    /// The segment's id.
    pub fn segment(&self) -> SegmentId {
        self.segment
    }

    /// The asset, as it was named.
    pub fn asset(&self) -> &str {
        &self.asset
    }

    /// The source of its frames.
    pub fn source(&mut self) -> &mut dyn FrameSource {
        &mut *self.source
    }

    /// Damaged packets and pictures its producer met so far.
    pub fn decode_errors(&self) -> u64 {
        self.source.decode_errors()
    }

    /// The next house frame, its sound recut to exactly `samples` per channel.
    ///
    /// House frames deliver ⌈(k+1)·r⌉ samples in all and ticks take ⌊(n+1)·r⌋ − ⌊n·r⌋ each, so over
    /// contiguous ticks there is always enough; after a gap in them one sample may be short, and is repeated.
    pub fn next(&mut self, samples: usize) -> Next {
        let mut frame = match self.source.next() {
            Next::Frame(frame) => frame,
            other => return other,
        };
        let wanted = samples * self.channels;
        self.carry.append(&mut frame.audio);
        while self.carry.len() < wanted {
            match self.carry.len().checked_sub(self.channels) {
                Some(last) => self.carry.extend_from_within(last..),
                None => self.carry.resize(wanted, 0),
            }
        }
        let rest = self.carry.split_off(wanted);
        frame.audio = std::mem::replace(&mut self.carry, rest);
        Next::Frame(frame)
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("segment", &self.segment)
            .field("asset", &self.asset)
            .finish_non_exhaustive()
    }
}
