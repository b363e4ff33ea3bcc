//! Channel time: what a tick number means on the master clock, in PTS, in samples and in UTC.
//!
//! The epoch is set once, by the first take, and never moves (CK-2, CK-3). Everything below is a pure
//! function of the tick, so no switch, underrun or late tick can bend it.

use air_ts::Pts;

use super::units::{FrameRate, Nanos, Tick};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Everything that one tick number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The tick.
    pub tick: Tick,
    /// When it is due on the master clock: epoch + ⌊n·den·10⁹/num⌋.
    pub due: Nanos,
    /// PTS of its picture: base + ⌊n·90000·den/num⌋.
    pub pts: Pts,
    /// PTS of the next tick's picture.
    pub next_pts: Pts,
    /// Number of its first sample since the epoch: ⌊n·r⌋, r being samples per frame.
    pub first_sample: u64,
    /// How many samples it carries: ⌊(n+1)·r⌋ − ⌊n·r⌋.
    pub samples: usize,
}

/// The exact arithmetic of one channel session.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    rate: FrameRate,
    sample_rate: u32,
    pts_base: Pts,
    /// Deadline of tick 0.
    epoch: Nanos,
}

impl Timeline {
    /// The timeline of a session whose tick 0 is `epoch` and whose first picture has PTS `pts_base`.
    pub fn new(rate: FrameRate, sample_rate: u32, pts_base: Pts, epoch: Nanos) -> Timeline {
        Timeline { rate, sample_rate, pts_base, epoch }
    }

    /// When tick `tick` is due: epoch + ⌊n·den·10⁹/num⌋.
    pub fn deadline(&self, tick: Tick) -> Nanos {
        Nanos(self.epoch.0.saturating_add(self.rate.frames_to_units(tick.0, NANOS_PER_SECOND)))
    }

    /// PTS of the picture of `tick`: base + ⌊n·90000·den/num⌋.
    pub fn pts(&self, tick: Tick) -> Pts {
        Pts(self.pts_base.0 + self.rate.frames_to_units(tick.0, 90_000))
    }

    /// All that `tick` means, at once.
    pub fn stamp(&self, tick: Tick) -> Stamp {
        let first_sample = self.first_sample(tick);
        Stamp {
            tick,
            due: self.deadline(tick),
            pts: self.pts(tick),
            next_pts: self.pts(tick.next()),
            first_sample,
            samples: (self.first_sample(tick.next()) - first_sample) as usize,
        }
    }

    fn first_sample(&self, tick: Tick) -> u64 {
        self.rate.frames_to_units(tick.0, u64::from(self.sample_rate))
    }

    /// The first tick due at or after `instant`; tick 0 for what lies before the epoch.
    pub fn tick_at(&self, instant: Nanos) -> Tick {
        let since_epoch = instant.0.saturating_sub(self.epoch.0);
        // Deadlines are rounded down, so the tick before may be due at this very nanosecond too.
        let tick = Tick(self.rate.units_to_frames_ceil(since_epoch, NANOS_PER_SECOND));
        match tick.0.checked_sub(1).map(Tick) {
            Some(before) if self.deadline(before) >= instant => before,
            _ => tick,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(num: u32, den: u32) -> Timeline {
        Timeline::new(FrameRate::new(num, den).unwrap(), 48_000, Pts(27_000), Nanos(7_000_000_000))
    }

    /// L-06, CK-2: a day of ticks, and every one is where the formula says.
    #[test]
    fn a_day_of_ticks_never_drifts() {
        for (num, den) in [(24000, 1001), (30000, 1001), (60000, 1001), (60, 1)] {
            let time = timeline(num, den);
            let ticks_a_day = 86_400 * u64::from(num) / u64::from(den);
            for n in (0..ticks_a_day).step_by(9973).chain([ticks_a_day]) {
                let exact = u128::from(n) * u128::from(den) * 1_000_000_000 / u128::from(num);
                assert_eq!(u128::from(time.deadline(Tick(n)).0), 7_000_000_000 + exact);
                assert_eq!(time.tick_at(time.deadline(Tick(n))), Tick(n));
            }
        }
    }

    /// AU-8: samples tile the ticks without a hole, whatever the ratio.
    #[test]
    fn the_samples_of_all_ticks_add_up() {
        let time = timeline(30000, 1001);
        let per_tick: Vec<usize> = (0..5).map(|n| time.stamp(Tick(n)).samples).collect();
        assert_eq!(per_tick, [1601, 1602, 1601, 1602, 1602]);
        let total: u64 = (0..30_000).map(|n| time.stamp(Tick(n)).samples as u64).sum();
        assert_eq!(total, 1001 * 48_000);
    }

    /// §1 extension: a boundary is the first tick at or after its time, never before.
    #[test]
    fn a_boundary_falls_on_the_first_tick_at_or_after_it() {
        let time = timeline(25, 1);
        let at = |ms: i64| time.tick_at(Nanos(7_000_000_000_u64.saturating_add_signed(ms * 1_000_000)));
        assert_eq!([at(-5), at(0), at(1), at(40), at(41)], [Tick(0), Tick(0), Tick(1), Tick(1), Tick(2)]);
    }
}
