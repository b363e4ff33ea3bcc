//! Exact ratios and the conversions between time bases.
//!
//! Everything is integer arithmetic in 128 bits: no float ever touches a timestamp.

use std::fmt;

use ffmpeg_sys_next as ff;

/// A ratio as libav and the standards write it: a time base (seconds per unit), a frame rate (frames per
/// second), or an aspect ratio. Not reduced; `0/1` means unknown where the getter says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    /// Numerator.
    pub num: i32,
    /// Denominator.
    pub den: i32,
}

impl Rational {
    /// The ratio `num/den`, as given.
    pub const fn new(num: i32, den: i32) -> Self {
        Self { num, den }
    }

    /// `den/num`: the frame rate of a frame duration, and back.
    pub const fn inverse(self) -> Self {
        Self { num: self.den, den: self.num }
    }

    /// Whether both terms are above zero, as every real rate, time base and aspect ratio has them.
    pub const fn is_positive(self) -> bool {
        self.num > 0 && self.den > 0
    }

    pub(crate) fn positive(self) -> Option<Self> {
        self.is_positive().then_some(self)
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl From<ff::AVRational> for Rational {
    fn from(r: ff::AVRational) -> Self {
        Self { num: r.num, den: r.den }
    }
}

impl From<Rational> for ff::AVRational {
    fn from(r: Rational) -> Self {
        Self { num: r.num, den: r.den }
    }
}

/// `value` units of `from` in units of `to`, rounded towards minus infinity; saturates at the ends of `i64`.
///
/// A time base that is not positive is no time base: the result is then 0.
pub fn rescale_floor(value: i64, from: Rational, to: Rational) -> i64 {
    let Some((scaled, divisor)) = scale(value, from, to) else { return 0 };
    saturate(scaled.div_euclid(divisor))
}

/// As [`rescale_floor`], rounded to the nearest unit, halves upwards.
pub fn rescale_nearest(value: i64, from: Rational, to: Rational) -> i64 {
    let Some((scaled, divisor)) = scale(value, from, to) else { return 0 };
    saturate((2 * scaled + divisor).div_euclid(2 * divisor))
}

/// Numerator and divisor of the exact quotient. 64 + 31 + 31 bits fit in 128 with one to spare for doubling.
fn scale(value: i64, from: Rational, to: Rational) -> Option<(i128, i128)> {
    (from.is_positive() && to.is_positive()).then(|| {
        let scaled = i128::from(value) * i128::from(from.num) * i128::from(to.den);
        (scaled, i128::from(from.den) * i128::from(to.num))
    })
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TS: Rational = Rational::new(1, 90_000);
    const NTSC_FRAME: Rational = Rational::new(1001, 30_000);

    #[test]
    fn frames_of_ntsc_land_on_exact_90_khz_instants() {
        assert_eq!(rescale_floor(1, NTSC_FRAME, TS), 3003);
        assert_eq!(rescale_floor(30_000 * 1_000_000, NTSC_FRAME, TS), 30_000 * 1_000_000 * 3003);
    }

    #[test]
    fn floor_goes_down_and_nearest_to_the_closer_side_on_both_sides_of_zero() {
        let ms = Rational::new(1, 1000);
        assert_eq!(rescale_floor(-1, TS, ms), -1);
        assert_eq!(rescale_floor(89, TS, ms), 0);
        assert_eq!(rescale_nearest(-44, TS, ms), 0);
        assert_eq!(rescale_nearest(45, TS, ms), 1);
        assert_eq!(rescale_nearest(-46, TS, ms), -1);
    }

    #[test]
    fn extremes_saturate_and_broken_bases_give_zero() {
        let coarse = Rational::new(i32::MAX, 1);
        assert_eq!(rescale_floor(i64::MAX, coarse, TS), i64::MAX);
        assert_eq!(rescale_nearest(i64::MIN, coarse, Rational::new(1, i32::MAX)), i64::MIN);
        assert_eq!(rescale_floor(5, Rational::new(1, 0), TS), 0);
        assert_eq!(rescale_floor(5, TS, Rational::new(-1, 1)), 0);
    }
}
