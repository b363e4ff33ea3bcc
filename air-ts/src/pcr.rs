//! The two clocks of a transport stream: [`Pcr`] at 27 MHz and [`Pts`] at 90 kHz.
//!
//! Inside the crate both count in 64 bits and never wrap; the 33 bits of the wire are dealt with here and only
//! here, by [`Pts::to_wire`] on the way out and [`Unwrapper`] on the way in.

use std::fmt;

/// Ticks of the system clock in one second (ISO/IEC 13818-1, 2.4.2.1).
pub const SYSTEM_CLOCK_HZ: u64 = 27_000_000;
/// Values of a PTS or DTS before it starts again at zero.
pub const PTS_WRAP: u64 = 1 << 33;
/// Values of a PCR before it starts again at zero.
pub const PCR_WRAP: u64 = PTS_WRAP * 300;

/// A moment of the system time clock in 27 MHz ticks, unwrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pcr(pub u64);

impl Pcr {
    /// The moment `ms` milliseconds after zero; also used for durations.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(SYSTEM_CLOCK_HZ / 1000))
    }

    /// Whole milliseconds, rounded down.
    pub const fn as_ms(self) -> u64 {
        self.0 / (SYSTEM_CLOCK_HZ / 1000)
    }

    /// The 90 kHz tick this moment lies in.
    pub const fn to_pts(self) -> Pts {
        Pts(self.0 / 300)
    }

    /// Later by `other`; stops at the end of the range.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Earlier by `other`; stops at zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `program_clock_reference_base` (33 bits) and `program_clock_reference_extension` (0 to 299).
    pub const fn to_wire(self) -> (u64, u16) {
        (self.0 / 300 % PTS_WRAP, (self.0 % 300) as u16)
    }
}

impl fmt::Display for Pcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0 / 27;
        write!(f, "{}.{:06} s", us / 1_000_000, us % 1_000_000)
    }
}

/// A presentation or decoding time in 90 kHz ticks, unwrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pts(pub u64);

impl Pts {
    /// The same moment on the 27 MHz clock, exactly; stops at the end of the range.
    pub const fn to_pcr(self) -> Pcr {
        Pcr(self.0.saturating_mul(300))
    }

    /// Later by `other`; stops at the end of the range.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Earlier by `other`; stops at zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The 33 bits that go on the wire.
    pub const fn to_wire(self) -> u64 {
        self.0 % PTS_WRAP
    }
}

impl fmt::Display for Pts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_pcr().fmt(f)
    }
}

/// Distance from `from` to `to` on a counter that wraps at `wrap`, the short way round: at most half the range
/// forwards or backwards.
pub const fn wrapped_distance(from: u64, to: u64, wrap: u64) -> i64 {
    let forward = (to % wrap + wrap - from % wrap) % wrap;
    if forward >= wrap / 2 { forward as i64 - wrap as i64 } else { forward as i64 }
}

/// Follows a wrapping counter and gives it back in 64 bits.
///
/// The first value is placed one whole range above zero, so that a counter which first steps back stays positive.
#[derive(Clone, Copy, Debug)]
pub struct Unwrapper {
    wrap: u64,
    last: Option<u64>,
}

impl Unwrapper {
    /// A follower of a counter that runs from 0 to `wrap` − 1.
    pub const fn new(wrap: u64) -> Self {
        Self { wrap, last: None }
    }

    /// The 64-bit value of `wire`, taken as the one nearest to the value before.
    pub fn unwrap(&mut self, wire: u64) -> u64 {
        let value = match self.last {
            None => self.wrap + wire % self.wrap,
            Some(last) => nearest(last, wire, self.wrap),
        };
        self.last = Some(value);
        value
    }
}

/// The unwrapped value nearest to `reference` that reads `wire` on a counter wrapping at `wrap`.
pub const fn nearest(reference: u64, wire: u64, wrap: u64) -> u64 {
    reference.saturating_add_signed(wrapped_distance(reference, wire, wrap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_wraps_and_the_clock_does_not() {
        assert_eq!(Pts(PTS_WRAP + 5).to_wire(), 5);
        assert_eq!(Pcr(PCR_WRAP + 301).to_wire(), (1, 1));
        assert_eq!(Pcr(PCR_WRAP - 1).to_wire(), (PTS_WRAP - 1, 299));
    }

    #[test]
    fn unwrapping_follows_the_short_way_round() {
        let mut clock = Unwrapper::new(PTS_WRAP);
        let first = clock.unwrap(PTS_WRAP - 3);
        assert_eq!(clock.unwrap(4) - first, 7);
        assert_eq!(first + 7 - clock.unwrap(PTS_WRAP - 1), 5);
    }

    #[test]
    fn moments_read_as_seconds() {
        assert_eq!(Pts(90_001).to_string(), "1.000011 s");
        assert_eq!(Pcr::from_ms(100).as_ms(), 100);
    }
}
