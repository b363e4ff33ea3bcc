//! Cadence: which source picture is due at a media time. Decided by PTS, never by a declared rate.
//!
//! The choice is stateless: the picture due at time t is the latest that starts at or before t, whatever
//! was shown before (L-08). A declared rate serves one purpose, to undo the rounding of PTS that a coarse
//! time base caused: a picture less than one time-base tick from the rate's grid is put back on it. A time base
//! as coarse as the grid itself says nothing of rounding: all stamps would lie near the grid.

use air_av::{Picture, Rational, StreamInfo};

/// The time base of [`MediaNanos`].
pub const NANOS: Rational = Rational { num: 1, den: 1_000_000_000 };

/// Nanoseconds of media time; may be negative, for files that start before zero.
pub type MediaNanos = i64;

/// Two instants closer than this are the same: above the rounding of a nanosecond, far below the smallest
/// distance (16 µs) at which pictures of two broadcast rates can lie.
pub const SAME_INSTANT: MediaNanos = 1_000;

/// A picture and the span of media time it is shown for.
#[derive(Clone, Debug)]
pub struct TimedPicture {
    /// First instant at which it is due.
    pub start: MediaNanos,
    /// First instant at which it is over, unless nothing follows.
    pub end: MediaNanos,
    /// The picture, not conformed yet.
    pub picture: Picture,
}

/// Turns the PTS of one stream into exact media times.
#[derive(Clone, Debug)]
pub struct SourceTimes {
    time_base: Rational,
    zero: Option<i64>,
    rates: Vec<Rational>,
    /// How far behind its picture's own instant a PTS lies.
    late: i64,
}

impl SourceTimes {
    /// The times of `stream`, whose pictures are stamped `late` units of its time base after their instants.
    pub fn new(stream: &StreamInfo, late: i64) -> SourceTimes {
        let rates = [stream.frame_rate(), stream.declared_frame_rate()].into_iter().flatten();
        SourceTimes {
            time_base: stream.time_base(),
            zero: stream.start_time(),
            rates: rates.filter(|rate| rate.num > 0 && rate.den > 0).collect(),
            late,
        }
    }

    /// Media time of `pts`; the first PTS asked for is the grid's zero when the stream names none.
    pub fn at(&mut self, pts: i64) -> MediaNanos {
        let pts = pts.saturating_sub(self.late);
        let zero = *self.zero.get_or_insert(pts);
        let zero_ns = rescale(zero, self.time_base);
        let relative = rescale(pts.saturating_sub(zero), self.time_base);
        let tick = rescale(1, self.time_base) + 1;
        let exact = self.rates.iter().find_map(|rate| on_grid(relative, *rate, tick));
        zero_ns.saturating_add(exact.unwrap_or(relative))
    }

    /// Number of the picture that starts at media time `start`, as the stream's rate has it.
    pub fn number_at(&self, start: MediaNanos) -> u64 {
        let zero = rescale(self.zero.unwrap_or(0), self.time_base);
        let period = match self.rates.first() {
            Some(rate) => Rational { num: rate.den, den: rate.num },
            None => Rational { num: 1, den: 25 },
        };
        air_av::rescale_nearest(start.saturating_sub(zero).max(0), NANOS, period).unsigned_abs()
    }

    /// Length of `ticks` of the time base, or else of one frame at the stream's rate.
    pub fn duration(&self, ticks: i64) -> MediaNanos {
        /// A picture of a stream that tells nothing at all lasts as long as one of film or PAL would.
        const UNKNOWN: MediaNanos = 40_000_000;
        match self.rates.first() {
            _ if ticks > 0 => rescale(ticks, self.time_base),
            Some(rate) => rescale(1, Rational { num: rate.den, den: rate.num }),
            None => UNKNOWN,
        }
    }
}

fn rescale(value: i64, base: Rational) -> MediaNanos {
    air_av::rescale_nearest(value, base, NANOS)
}

/// The instant of `rate`'s grid that `time` was rounded from, if one lies within `tolerance`.
fn on_grid(time: MediaNanos, rate: Rational, tolerance: MediaNanos) -> Option<MediaNanos> {
    let period = Rational { num: rate.den, den: rate.num };
    if tolerance > rescale(1, period) / 4 {
        return None;
    }
    let number = air_av::rescale_nearest(time, NANOS, period);
    let exact = rescale(number, period);
    (exact.abs_diff(time) <= tolerance.unsigned_abs()).then_some(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(time_base: (i32, i32), rate: (i32, i32)) -> SourceTimes {
        SourceTimes {
            time_base: Rational { num: time_base.0, den: time_base.1 },
            zero: Some(0),
            rates: vec![Rational { num: rate.0, den: rate.1 }],
            late: 0,
        }
    }

    /// L-01: milliseconds of a Matroska file are put back on the 29.97 grid they were rounded from.
    #[test]
    fn rounded_times_return_to_the_grid() {
        let mut times = times((1, 1000), (30_000, 1001));
        for n in [1_i64, 2, 3, 100, 9_999] {
            let exact = n * 1001 * 1_000_000_000 / 30_000;
            let rounded = (exact + 500_000) / 1_000_000;
            assert!(times.at(rounded).abs_diff(exact) <= 1, "picture {n}");
        }
    }

    /// L-09: a picture that is not on the declared grid keeps its own time.
    #[test]
    fn a_time_off_the_grid_is_believed() {
        let mut times = times((1, 90_000), (60, 1));
        assert_eq!(times.at(1_000), 11_111_111);
    }

    /// L-09: uneven pictures counted in sixtieths, 40 of them a second on average.
    #[test]
    fn a_coarse_time_base_puts_no_picture_on_the_grid_of_the_average() {
        let mut times = times((1, 60), (40, 1));
        assert_eq!([0, 1, 2, 3].map(|pts| times.at(pts)), [0, 16_666_667, 33_333_333, 50_000_000]);
    }

    #[test]
    fn a_picture_without_a_duration_lasts_one_frame_of_the_rate() {
        assert_eq!(times((1, 1000), (25, 1)).duration(0), 40_000_000);
        assert_eq!(times((1, 1000), (25, 1)).duration(33), 33_000_000);
    }
}
