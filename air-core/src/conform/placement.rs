//! Placement: where in media time a block of decoded sound belongs. Knows stamps, and no samples.
//!
//! Sound is counted, and its stamps are asked only whether the count is still right (L-17):
//! - A block stamped within [`IN_STEP`] of where the last one ended follows it: containers round, and moving
//!   sound by that little is heard, while sync that much off is not seen (AU-9 leaves twice as much).
//! - A block stamped elsewhere goes there, so that a lost packet does not bring all later sound forward: the
//!   hole before it becomes silence, what overlaps is cut. The place is absolute, so no rounding adds up.
//! - Unless the next block's stamp contradicts: a stamp that does not run on with its sound is garbage.
//! - Beyond the limits of [`Joints`] a stamp begins a new count, and the block follows on.

use super::cadence::MediaNanos;
use super::joints::Joints;

/// How far a stamp may be off before the sound is moved.
const IN_STEP: MediaNanos = 20_000_000;

/// How far the stamp of a very short block may be off: the rounding of a container that counts milliseconds.
const COARSEST_ROUNDING: MediaNanos = 2_000_000;

/// How far from the start of play, or of the file, sound may begin. Longer than a leader without sound, and
/// shorter than what a garbage first stamp tells.
const FARTHEST_FIRST: MediaNanos = 60_000_000_000;

/// A block of decoded sound, as far as its place is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its timestamp, in media time.
    pub stamp: Option<MediaNanos>,
    /// How long it sounds.
    pub length: MediaNanos,
}

/// Places the blocks of one stream, in order.
#[derive(Debug)]
pub struct Placement {
    /// Stamps the first block may have.
    first: Option<(MediaNanos, MediaNanos)>,
    offset: MediaNanos,
}

impl Placement {
    /// For play from media time `origin` on, of a file that starts at `file_start`.
    pub fn new(origin: MediaNanos, file_start: MediaNanos) -> Placement {
        let (from, to) = (file_start.min(origin), origin);
        let first = (from.saturating_sub(FARTHEST_FIRST), to.saturating_add(FARTHEST_FIRST));
        Placement { first: Some(first), offset: 0 }
    }

    /// Whether `block` follows at `expected`, where the one before it ended; else [`Placement::place`] it.
    pub fn is_in_step(&self, block: Block, expected: MediaNanos) -> bool {
        let Some(stamp) = block.stamp else { return self.first.is_none() };
        let off = stamp.saturating_add(self.offset).saturating_sub(expected);
        self.first.is_none() && off.saturating_abs() < IN_STEP
    }

    /// Where `block` goes that is not in step, seen with the one after it.
    pub fn place(
        &mut self,
        block: Block,
        next: Option<Block>,
        expected: MediaNanos,
        joints: &mut Joints,
    ) -> MediaNanos {
        let first = self.first.take();
        let Some(stamp) = block.stamp else { return expected };
        let is_plausible_first = first.is_some_and(|(from, to)| (from..=to).contains(&stamp));
        match contradicts(stamp, block.length, next) {
            // What was before the in-point was, whatever follows it.
            true if is_plausible_first => stamp.min(expected),
            true => expected,
            false if is_plausible_first => stamp,
            false => joints.place(stamp, expected, &mut self.offset),
        }
    }
}

/// Whether the stamp of `next` denies that a block of `length` began at `stamp`.
fn contradicts(stamp: MediaNanos, length: MediaNanos, next: Option<Block>) -> bool {
    let Some(next) = next.and_then(|next| next.stamp) else { return false };
    let off = next.saturating_sub(stamp).saturating_sub(length);
    // Less than a block's own length, so that a stamp that stands still is found out.
    off.saturating_abs() > (length / 2).clamp(COARSEST_ROUNDING, IN_STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: MediaNanos = 1_000_000;
    const LENGTH: MediaNanos = 24 * MS;

    /// Where each block goes, in milliseconds, as the sound conform asks: each with the next one at hand.
    fn places(stamps_ms: &[Option<MediaNanos>], origin_ms: MediaNanos) -> Vec<MediaNanos> {
        let (mut placement, mut joints) = (Placement::new(origin_ms * MS, 0), Joints::default());
        let block =
            |stamp_ms: &Option<MediaNanos>| Block { stamp: stamp_ms.map(|ms| ms * MS), length: LENGTH };
        let mut expected = origin_ms * MS;
        let place = |(i, stamp): (usize, &Option<MediaNanos>)| {
            let (this, next) = (block(stamp), stamps_ms.get(i + 1).map(block));
            let start = match placement.is_in_step(this, expected) {
                true => expected,
                false => placement.place(this, next, expected, &mut joints),
            };
            expected = start + LENGTH;
            start / MS
        };
        stamps_ms.iter().enumerate().map(place).collect()
    }

    #[test]
    fn rounded_and_missing_stamps_move_nothing() {
        assert_eq!(places(&[Some(0), Some(25), None, Some(71), Some(77)], 0), [0, 24, 48, 72, 96]);
    }

    /// AU-9: a lost block leaves a hole of its length, not earlier sound.
    #[test]
    fn a_hole_is_left_where_sound_is_lost() {
        assert_eq!(places(&[Some(0), Some(24), Some(72), Some(96)], 0), [0, 24, 72, 96]);
        assert_eq!(places(&[Some(0), Some(24), Some(3048), Some(3072)], 0), [0, 24, 3048, 3072]);
    }

    #[test]
    fn what_overlaps_goes_to_its_place_too() {
        assert_eq!(places(&[Some(1000), Some(1024), Some(748), Some(772)], 1000), [1000, 1024, 748, 772]);
    }

    /// L-17: huge, backward, standing and random stamps alike.
    #[test]
    fn sound_with_garbage_stamps_is_counted() {
        let hour = 3_600_000;
        for garbage in [
            [Some(0), Some(5000), Some(48), Some(72), Some(96)],
            [Some(0), Some(24), Some(-9 * hour), Some(72), Some(96)],
            [Some(0), Some(0), Some(0), Some(0), Some(0)],
            [Some(0), Some(24), Some(hour), Some(hour + 24), Some(hour + 48)],
            [Some(0), Some(24), Some(700), Some(100), Some(3 * hour)],
        ] {
            assert_eq!(places(&garbage, 0)[..4], [0, 24, 48, 72], "{garbage:?}");
        }
    }

    #[test]
    fn the_first_block_goes_to_its_stamp_unless_that_is_absurd() {
        assert_eq!(places(&[Some(2003), Some(2027)], 0), [2003, 2027]);
        assert_eq!(places(&[Some(7), Some(31)], 600_000), [7, 31], "decoded from the start of the file");
        assert_eq!(places(&[Some(0), Some(80)], 120), [0, 80], "a hole between the first blocks");
        assert_eq!(places(&[Some(700), Some(24)], 0), [0, 24]);
        assert_eq!(places(&[Some(3_600_000), Some(3_600_024)], 0), [0, 24]);
        assert_eq!(places(&[Some(-3_600_000), Some(-3_599_976)], 0), [0, 24]);
    }
}
