//! Joints: where the timestamps of a file jump, as at the seams of joined captures, and how far.
//!
//! Stamps place what they stamp, so that a hole stays a hole and sync holds. A jump further than any hole that
//! anybody would air is a new count instead: what comes after it follows on. Both tracks of a file meet the
//! same jump, each at its own time; the second to come takes the distance that the first one found, because two
//! distances of their own would put the difference of the tracks' ends between picture and sound.

use std::collections::VecDeque;

use super::cadence::MediaNanos;

/// The longest hole that is kept: recorders lose seconds of signal, and their clocks start anywhere in a day.
const LONGEST_HOLE: MediaNanos = 10_000_000_000;

/// The longest overlap that is cut away: above what a muxer lets the streams of a capture lie apart.
const LONGEST_OVERLAP: MediaNanos = 2_000_000_000;

/// Counts that are remembered, so that garbage stamps cannot fill the memory: each track is in one, and the
/// two are rarely more than a joint apart.
const REMEMBERED: usize = 8;

/// The counts of timestamps met in one file, by their distance from media time.
#[derive(Debug)]
pub struct Joints {
    /// What to add to a stamp, per count; latest first.
    offsets: VecDeque<MediaNanos>,
}

impl Default for Joints {
    /// No joint yet: stamps are media time.
    fn default() -> Joints {
        Joints { offsets: VecDeque::from([0]) }
    }
}

impl Joints {
    /// Media time of `stamp`, when that of the sound or picture before it ends at `expected`. `offset` is that
    /// of the track so far, and changes at a joint.
    pub fn place(&mut self, stamp: MediaNanos, expected: MediaNanos, offset: &mut MediaNanos) -> MediaNanos {
        let fits = |by: &MediaNanos| {
            let distance = stamp.saturating_add(*by).saturating_sub(expected);
            (-LONGEST_OVERLAP..=LONGEST_HOLE).contains(&distance)
        };
        if !fits(offset) {
            let known = self.offsets.iter().copied().find(fits);
            *offset = known.unwrap_or_else(|| self.remember(expected.saturating_sub(stamp)));
        }
        stamp.saturating_add(*offset)
    }

    fn remember(&mut self, offset: MediaNanos) -> MediaNanos {
        self.offsets.truncate(REMEMBERED - 1);
        self.offsets.push_front(offset);
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: MediaNanos = 1_000_000_000;

    #[test]
    fn a_hole_is_kept_and_an_overlap_is_seen() {
        let (mut joints, mut offset) = (Joints::default(), 0);
        for stamp in [5, 15, 4] {
            assert_eq!(joints.place(stamp * SECOND, 5 * SECOND, &mut offset), stamp * SECOND);
        }
        assert_eq!(offset, 0);
    }

    /// AU-9: the second track goes over the joint with the first one's distance, whichever is first.
    #[test]
    fn what_lies_beyond_a_jump_follows_on_and_both_tracks_agree() {
        for jump in [4000 * SECOND, -4000 * SECOND, -3 * SECOND] {
            let (mut joints, mut video, mut audio) = (Joints::default(), 0, 0);
            let (ends, audio_ends) = (20 * SECOND, 20 * SECOND - SECOND / 2);
            assert_eq!(joints.place(ends + jump, ends, &mut video), ends);
            let start = joints.place(audio_ends + jump, audio_ends, &mut audio);
            assert_eq!((start, audio), (audio_ends, video), "jump of {jump}");
        }
    }

    /// L-17
    #[test]
    fn after_a_garbage_stamp_the_right_one_counts_again() {
        let (mut joints, mut offset) = (Joints::default(), 0);
        for garbage in [MediaNanos::MAX, MediaNanos::MIN, -50 * SECOND, 3600 * SECOND] {
            joints.place(garbage, 7 * SECOND, &mut offset);
            assert_eq!(joints.place(8 * SECOND, 8 * SECOND, &mut offset), 8 * SECOND);
        }
    }
}
