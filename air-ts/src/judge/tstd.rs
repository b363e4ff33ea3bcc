//! The decoder's buffers for AAC, simplified: transport buffer and main buffer (ISO/IEC 13818-1, 2.4.2).
//!
//! A packet is taken to arrive at once and to be in both buffers at the same time.

use super::report::{Check, Log};
use super::stream::Media;
use crate::packet::PACKET_SIZE;
use std::collections::VecDeque;

const TRANSPORT_BUFFER_SIZE: i64 = 512;
/// One byte, in the unit in which the leak is exact.
const BYTE: i64 = 27_000_000;
/// Frames in the main buffer at once; beyond, the stamps are nonsense.
const MAX_HELD: usize = 256;

/// What depends on the number of channels.
#[derive(Clone, Copy, Debug)]
struct Size {
    leak_bytes_per_second: i64,
    main_buffer: i64,
}

impl Size {
    /// By the ADTS `channel_configuration`, of which 3 to 7 are 3 to 8 channels. One that tells nothing gets the
    /// larger buffers: who cannot know does not accuse.
    const fn of(channel_configuration: u8) -> Self {
        match channel_configuration {
            1 | 2 => Self { leak_bytes_per_second: 2_000_000 / 8, main_buffer: 3584 },
            _ => Self { leak_bytes_per_second: 5_529_600 / 8, main_buffer: 8976 },
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Buffers {
    transport: i64,
    transport_at: i64,
    main: i64,
    held: VecDeque<(i64, i64)>,
}

impl Buffers {
    /// Takes a packet that arrives at decoder time `stc` and belongs to a unit that is decoded at `dts`, both in
    /// 27 MHz.
    pub(super) fn take(&mut self, packet: u64, pid: u16, media: Media, stc: i64, dts: i64, log: &mut Log) {
        let size = Size::of(media.channel_configuration);
        let leaked = (stc - self.transport_at).clamp(0, BYTE).saturating_mul(size.leak_bytes_per_second);
        self.transport = (self.transport - leaked).max(0) + PACKET_SIZE as i64 * BYTE;
        self.transport_at = stc;
        let fullness = self.transport / BYTE;
        if fullness > TRANSPORT_BUFFER_SIZE {
            log.add(Check::TransportBuffer, packet, Some(pid), fullness, TRANSPORT_BUFFER_SIZE);
            self.transport = TRANSPORT_BUFFER_SIZE * BYTE;
        }
        while let Some((_, left)) = self.held.pop_front_if(|(decoded_at, _)| *decoded_at <= stc) {
            self.main -= left;
        }
        if self.held.len() == MAX_HELD {
            return;
        }
        self.held.push_back((dts, i64::from(media.bytes)));
        self.main += i64::from(media.bytes);
        if self.main > size.main_buffer {
            log.add(Check::MainBuffer, packet, Some(pid), self.main, size.main_buffer);
        }
    }

    /// The clock or the stream was interrupted.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}
