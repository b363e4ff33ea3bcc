//! The byte clock: when each packet of a stream at a given rate departs.

use crate::packet::PACKET_SIZE;
use crate::{Pcr, pcr::SYSTEM_CLOCK_HZ};

const SLOT_BITS: u128 = PACKET_SIZE as u128 * 8;
/// The byte that carries the last bit of `program_clock_reference_base`, whose arrival a PCR tells
/// (ISO/IEC 13818-1, 2.4.2.2).
const PCR_BYTE: u128 = 10;

/// Slots of 188 bytes from an origin on, every one computed from the origin.
#[derive(Clone, Debug)]
pub(super) struct SlotClock {
    origin: Pcr,
    bps: u64,
}

impl SlotClock {
    pub(super) fn new(origin: Pcr, bps: u64) -> Self {
        Self { origin, bps }
    }

    /// When the first byte of a slot departs.
    pub(super) fn departure(&self, slot: u64) -> Pcr {
        self.bit_time(u128::from(slot) * SLOT_BITS)
    }

    /// The PCR of a packet in this slot.
    pub(super) fn pcr(&self, slot: u64) -> Pcr {
        self.bit_time(u128::from(slot) * SLOT_BITS + PCR_BYTE * 8)
    }

    /// The first slot that departs at or after `at`.
    pub(super) fn first_at(&self, at: Pcr) -> u64 {
        let ticks = u128::from(at.saturating_sub(self.origin).0);
        // ⌊s · 1504 · 27 MHz / rate⌋ ≥ ticks means s ≥ ticks · rate / (1504 · 27 MHz)
        (ticks * u128::from(self.bps)).div_ceil(SLOT_BITS * u128::from(SYSTEM_CLOCK_HZ)) as u64
    }

    /// The duration of one slot, rounded up.
    pub(super) fn slot_duration(&self) -> Pcr {
        Pcr((SLOT_BITS as u64 * SYSTEM_CLOCK_HZ).div_ceil(self.bps))
    }

    fn bit_time(&self, bits: u128) -> Pcr {
        let ticks = bits * u128::from(SYSTEM_CLOCK_HZ) / u128::from(self.bps);
        self.origin.saturating_add(Pcr(u64::try_from(ticks).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_later_slots_are_still_exact() {
        let clock = SlotClock::new(Pcr(7), 10_000_001);
        let slot = 574_468_142;
        assert_eq!(clock.departure(slot).0, 7 + (slot as u128 * 1504 * 27_000_000 / 10_000_001) as u64);
        assert_eq!(clock.pcr(slot).0, 7 + ((slot as u128 * 1504 + 80) * 27_000_000 / 10_000_001) as u64);
    }

    proptest! {
        #[test]
        fn the_first_slot_at_a_time_is_the_first(origin in 0..1u64 << 42, bps in 500_000..1u64 << 33, later in 0..1u64 << 42) {
            let clock = SlotClock::new(Pcr(origin), bps);
            let at = Pcr(origin + later);
            let slot = clock.first_at(at);
            prop_assert!(clock.departure(slot) >= at);
            prop_assert!(slot == 0 || clock.departure(slot - 1) < at);
        }
    }
}
