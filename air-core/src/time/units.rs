//! Units of time as types: monotonic nanoseconds, UTC milliseconds, ticks, and the exact frame rate
//! that converts between a tick number and everything else.

use std::fmt;
use std::time::Duration;

/// Nanoseconds on the master clock, which is monotonic and has an arbitrary zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Later than every instant a channel can reach: a wait without a deadline.
    pub const NEVER: Nanos = Nanos(u64::MAX);

    /// This instant moved `by` into the future.
    pub fn after(self, by: Duration) -> Nanos {
        Nanos(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Time from `earlier` to this instant, zero when `earlier` is later.
    pub fn since(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds since the Unix epoch, UTC. Places hard stops and boundaries; never paces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMillis(pub i64);

impl UtcMillis {
    /// The same instant in nanoseconds.
    pub fn to_nanos(self) -> UtcNanos {
        UtcNanos(self.0.saturating_mul(1_000_000))
    }
}

/// Nanoseconds since the Unix epoch, UTC: what a clock reads, up to the year 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcNanos(pub i64);

impl UtcNanos {
    /// The millisecond this instant lies in.
    pub fn to_millis(self) -> UtcMillis {
        UtcMillis(self.0.div_euclid(1_000_000))
    }
}

/// Number of an output frame since the channel's epoch; channel time is counted in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick after this one.
    pub fn next(self) -> Tick {
        Tick(self.0 + 1)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a frame rate was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("frame rate {num}/{den} is not a positive rational of at most 1000 frames per second")]
pub struct FrameRateError {
    /// Numerator as given.
    pub num: u32,
    /// Denominator as given.
    pub den: u32,
}

/// Frames per second as the ratio `num / den`, for example 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// A rate of `num / den` frames per second: both positive, at most 1000 frames per second.
    pub fn new(num: u32, den: u32) -> Result<FrameRate, FrameRateError> {
        if num == 0 || den == 0 || u64::from(num) > 1000 * u64::from(den) {
            return Err(FrameRateError { num, den });
        }
        Ok(FrameRate { num, den })
    }

    /// Numerator.
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator.
    pub fn den(self) -> u32 {
        self.den
    }

    /// ⌊frames · units_per_second · den / num⌋: the start of frame number `frames` in any unit.
    pub fn frames_to_units(self, frames: u64, units_per_second: u64) -> u64 {
        let units = u128::from(frames) * u128::from(units_per_second) * u128::from(self.den);
        u64::try_from(units / u128::from(self.num)).unwrap_or(u64::MAX)
    }

    /// ⌈frames · units_per_second · den / num⌉: the same, rounded up.
    pub fn frames_to_units_ceil(self, frames: u64, units_per_second: u64) -> u64 {
        let units = u128::from(frames) * u128::from(units_per_second) * u128::from(self.den);
        u64::try_from(units.div_ceil(u128::from(self.num))).unwrap_or(u64::MAX)
    }

    /// The first frame whose start is at or after `units`: ⌈units · num / (units_per_second · den)⌉.
    pub fn units_to_frames_ceil(self, units: u64, units_per_second: u64) -> u64 {
        let frames = u128::from(units) * u128::from(self.num);
        let per_frame = u128::from(units_per_second) * u128::from(self.den);
        u64::try_from(frames.div_ceil(per_frame)).unwrap_or(u64::MAX)
    }

    /// Length of one frame, rounded down to a nanosecond: for bounds and waits, never for summing.
    pub fn period(self) -> Duration {
        Duration::from_nanos(self.frames_to_units(1, 1_000_000_000))
    }

    /// Frames in one second rounded to the nearest whole frame, at least 1.
    pub fn frames_per_second_rounded(self) -> u32 {
        (((u64::from(self.num) + u64::from(self.den) / 2) / u64::from(self.den)) as u32).max(1)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    /// L-06: thirty seconds are this many ticks, at every rate of the field.
    #[test]
    fn thirty_seconds_are_the_right_number_of_ticks() {
        let table = [(24000, 1001, 720), (24, 1, 720), (25, 1, 750), (30000, 1001, 900), (30, 1, 900)];
        let fast = [(50, 1, 1500), (60000, 1001, 1799), (60, 1, 1800)];
        for (num, den, ticks) in table.into_iter().chain(fast) {
            let whole = rate(num, den).units_to_frames_ceil(30_000, 1000);
            assert!(whole.abs_diff(ticks) <= 1, "{num}/{den}: {whole}");
        }
    }

    /// PF-8, L-06, L-07: after an hour the PTS is exact to the tick.
    #[test]
    fn an_hour_at_29_97_is_exact() {
        assert_eq!(rate(30000, 1001).frames_to_units(107_892, 90_000), 107_892 * 3003);
        let film = rate(24000, 1001);
        let steps: Vec<u64> =
            (0..4).map(|n| film.frames_to_units(n + 1, 90_000) - film.frames_to_units(n, 90_000)).collect();
        assert_eq!(steps, [3753, 3754, 3754, 3754]);
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused() {
        for (num, den) in [(0, 1), (1, 0), (0, 0), (1001, 1), (u32::MAX, 1)] {
            assert_eq!(FrameRate::new(num, den), Err(FrameRateError { num, den }));
        }
    }
}
