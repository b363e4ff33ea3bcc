//! Counters: what aired, what was held, what was lost. They only rise.

use crate::frame::Origin;
use crate::program::ProgramEvent;

/// All counters of a channel session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// House frames of a segment that aired.
    pub content_frames: u64,
    /// Ticks filled with the last picture of the segment on air.
    pub held_frames: u64,
    /// Ticks filled with black.
    pub black_frames: u64,
    /// Times a living producer was late.
    pub underruns: u64,
    /// Times a segment was over and nothing had been taken.
    pub failsafe_entries: u64,
    /// Damaged packets and pictures passed over.
    pub decode_errors: u64,
    /// Ticks that came so late that they were filled without content.
    pub late_ticks: u64,
    /// Pictures the sink left out, because it or its reader was too slow.
    pub pictures_dropped: u64,
    /// Bytes written to transports.
    pub bytes_written: u64,
    /// Writes to transports.
    pub writes: u64,
    /// Times a transport took too long to take a write.
    pub stalls: u64,
}

impl Counters {
    /// The two of them made one, count by count.
    pub fn combined(self, other: Counters, how: fn(u64, u64) -> u64) -> Counters {
        Counters {
            content_frames: how(self.content_frames, other.content_frames),
            held_frames: how(self.held_frames, other.held_frames),
            black_frames: how(self.black_frames, other.black_frames),
            underruns: how(self.underruns, other.underruns),
            failsafe_entries: how(self.failsafe_entries, other.failsafe_entries),
            decode_errors: how(self.decode_errors, other.decode_errors),
            late_ticks: how(self.late_ticks, other.late_ticks),
            pictures_dropped: how(self.pictures_dropped, other.pictures_dropped),
            bytes_written: how(self.bytes_written, other.bytes_written),
            writes: how(self.writes, other.writes),
            stalls: how(self.stalls, other.stalls),
        }
    }

    /// Counts one tick and what was noticed in it.
    pub(crate) fn count(&mut self, origin: Origin, events: &[ProgramEvent]) {
        match origin {
            Origin::Content { .. } => self.content_frames += 1,
            Origin::Hold { .. } => self.held_frames += 1,
            Origin::Black => self.black_frames += 1,
        }
        for event in events {
            match event {
                ProgramEvent::Underrun(_) => self.underruns += 1,
                ProgramEvent::Completed(_) => self.failsafe_entries += 1,
                ProgramEvent::Exhausted { .. } => {}
            }
        }
    }
}
