//! The decoder's buffers as the mux believes them to be: the T-STD of ISO/IEC 13818-1, 2.4.2, made a little
//! stricter. A whole packet is taken to arrive at once, and a whole access unit from its first packet on.

use crate::packet::PACKET_SIZE;
use crate::{Pcr, Pts, pcr::SYSTEM_CLOCK_HZ};
use std::collections::VecDeque;

/// Bytes of every transport buffer.
const TRANSPORT_BUFFER_SIZE: u64 = 512;
/// Bits per second that leave the transport buffer of PSI (2.4.2.3).
pub(super) const PSI_LEAK_BPS: u64 = 1_000_000;

/// The decoder's buffers for one stream. The transport buffer of 512 bytes is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferModel {
    /// Rx: bits per second that leave the transport buffer for the main buffer.
    pub leak_bps: u64,
    /// Bytes the main buffer holds; a unit's bytes leave it at its DTS.
    pub main_buffer_size: u64,
}

impl BufferModel {
    /// AAC in ADTS (ISO/IEC 13818-1, 2.4.2.3): 3584 bytes filled at 2 Mb/s for up to two channels.
    pub const fn aac(channels: u8) -> Self {
        match channels {
            0..=2 => Self { leak_bps: 2_000_000, main_buffer_size: 3584 },
            3..=8 => Self { leak_bps: 5_529_600, main_buffer_size: 8976 },
            _ => Self { leak_bps: 8_294_400, main_buffer_size: 12804 },
        }
    }

    /// H.264 at a maximum bit rate, in bits per second, with a coded picture buffer of so many bits: either the
    /// stream's own HRD parameters or those of its level.
    pub const fn h264(max_bps: u64, cpb_bits: u64) -> Self {
        Self { leak_bps: max_bps, main_buffer_size: cpb_bits / 8 }
    }

    /// H.264 at the limits of its level (ITU-T H.264, table A-1), `level_idc` as in the SPS: 40 = level 4.0.
    /// `None` for a level the table does not have.
    pub fn h264_level(profile_idc: u8, level_idc: u8) -> Option<Self> {
        let (max_br, max_cpb) = match level_idc {
            10 => (64, 175),
            9 => (128, 350),
            11 => (192, 500),
            12 => (384, 1_000),
            13 => (768, 2_000),
            20 => (2_000, 2_000),
            21 | 22 => (4_000, 4_000),
            30 => (10_000, 10_000),
            31 => (14_000, 14_000),
            32 => (20_000, 20_000),
            40 => (20_000, 25_000),
            41 | 42 => (50_000, 62_500),
            50 => (135_000, 135_000),
            51 | 52 | 60 => (240_000, 240_000),
            61 => (480_000, 480_000),
            62 => (800_000, 800_000),
            _ => return None,
        };
        // cpbBrNalFactor of table A-2: CAVLC 4:4:4 Intra, High 4:2:2 and 4:4:4; High 10; High; the rest
        let factor = match profile_idc {
            44 | 122 | 244 => 4800,
            110 => 3600,
            100 => 1500,
            _ => 1200,
        };
        Some(Self::h264(max_br * factor, max_cpb * factor))
    }
}

/// 512 bytes that leak at a constant rate; exact, in bits times ticks per second.
#[derive(Clone, Debug)]
pub(super) struct TransportBuffer {
    leak_bps: u64,
    fullness: u64,
    at: Pcr,
}

impl TransportBuffer {
    const BYTE: u64 = 8 * SYSTEM_CLOCK_HZ;

    pub(super) fn new(leak_bps: u64) -> Self {
        Self { leak_bps, fullness: 0, at: Pcr(0) }
    }

    /// When the next packet fits.
    pub(super) fn ready_at(&self) -> Pcr {
        let room_for_one = (TRANSPORT_BUFFER_SIZE - PACKET_SIZE as u64) * Self::BYTE;
        let excess = self.fullness.saturating_sub(room_for_one);
        self.at.saturating_add(Pcr(excess.div_ceil(self.leak_bps)))
    }

    /// Takes a packet at `now`, not before any earlier one.
    pub(super) fn take(&mut self, now: Pcr) {
        let leaked = now.saturating_sub(self.at).0.saturating_mul(self.leak_bps);
        self.fullness = self.fullness.saturating_sub(leaked) + PACKET_SIZE as u64 * Self::BYTE;
        self.at = now;
    }
}

/// What waits in the decoder for its decoding time.
#[derive(Clone, Debug)]
pub(super) struct MainBuffer {
    size: u64,
    grace: Pcr,
    fullness: u64,
    held: VecDeque<(Pcr, u64)>,
}

impl MainBuffer {
    /// Units are taken to stay for `grace` after their DTS.
    pub(super) fn new(size: u64, grace: Pcr) -> Self {
        Self { size, grace, fullness: 0, held: VecDeque::new() }
    }

    /// When there is room for a unit of `bytes`; for one larger than the buffer, when the buffer is empty.
    pub(super) fn room_at(&self, bytes: u64) -> Pcr {
        let mut excess = (self.fullness + bytes.min(self.size)).saturating_sub(self.size);
        for &(leaves_at, held) in &self.held {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(held);
            if excess == 0 {
                return leaves_at;
            }
        }
        Pcr(0)
    }

    /// Takes a whole unit.
    pub(super) fn take(&mut self, now: Pcr, bytes: u64, dts: Pts) {
        while let Some((_, left)) = self.held.pop_front_if(|(leaves_at, _)| *leaves_at <= now) {
            self.fullness -= left;
        }
        let bytes = bytes.min(self.size);
        self.fullness += bytes;
        self.held.push_back((dts.to_pcr().saturating_add(self.grace), bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_packets_fit_at_once_and_the_third_when_it_has_room() {
        let mut buffer = TransportBuffer::new(2_000_000);
        let now = Pcr(1_000_000);
        buffer.take(now);
        assert!(buffer.ready_at() <= now);
        buffer.take(now);
        // 564 bytes would be 52 too many: 208 µs at 2 Mb/s
        assert_eq!(buffer.ready_at(), Pcr(now.0 + 208 * 27));
    }

    #[test]
    fn a_unit_waits_until_earlier_ones_are_decoded() {
        let mut buffer = MainBuffer::new(3584, Pcr(0));
        for n in 1..=6 {
            assert_eq!(buffer.room_at(526), Pcr(0));
            buffer.take(Pcr(0), 526, Pts(n * 1920));
        }
        assert_eq!(buffer.room_at(526), Pts(1920).to_pcr());
        assert_eq!(buffer.room_at(1052), Pts(2 * 1920).to_pcr());
        assert_eq!(buffer.room_at(100_000), Pts(6 * 1920).to_pcr(), "larger than the buffer: alone in it");
    }

    #[test]
    fn levels_scale_with_the_profile() {
        assert_eq!(BufferModel::h264_level(77, 31), Some(BufferModel::h264(16_800_000, 16_800_000)));
        assert_eq!(BufferModel::h264_level(100, 40), Some(BufferModel::h264(30_000_000, 37_500_000)));
        assert_eq!(BufferModel::h264_level(110, 40), Some(BufferModel::h264(72_000_000, 90_000_000)));
        assert_eq!(BufferModel::h264_level(122, 40), Some(BufferModel::h264(96_000_000, 120_000_000)));
        assert_eq!(BufferModel::h264_level(100, 62), Some(BufferModel::h264(1_200_000_000, 1_200_000_000)));
        assert_eq!(BufferModel::h264_level(100, 99), None);
    }
}
