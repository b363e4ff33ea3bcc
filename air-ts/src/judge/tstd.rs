//! The decoder's buffers for AAC, simplified: transport buffer and main buffer (ISO/IEC 13818-1, 2.4.2).
//!
//! A packet is taken to arrive at once and to be in both buffers at the same time.

use super::report::{Check, Log};
use crate::packet::PACKET_SIZE;
use std::collections::VecDeque;

const TRANSPORT_BUFFER_SIZE: i64 = 512;
const LEAK_BYTES_PER_SECOND: i64 = 2_000_000 / 8;
const MAIN_BUFFER_SIZE: i64 = 3584;
/// One byte, in the unit in which the leak is exact.
const BYTE: i64 = 27_000_000;
/// Frames in the main buffer at once; beyond, the stamps are nonsense.
const MAX_HELD: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Buffers {
    transport: i64,
    transport_at: i64,
    main: i64,
    held: VecDeque<(i64, i64)>,
}

impl Buffers {
    /// Takes a packet at decoder time `stc` with so many bytes of a unit that is decoded at `dts`, both in 27 MHz.
    pub(super) fn take(&mut self, packet: u64, pid: u16, stc: i64, bytes: i64, dts: i64, log: &mut Log) {
        let leaked = (stc - self.transport_at).clamp(0, BYTE).saturating_mul(LEAK_BYTES_PER_SECOND);
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
        self.held.push_back((dts, bytes));
        self.main += bytes;
        if self.main > MAIN_BUFFER_SIZE {
            log.add(Check::MainBuffer, packet, Some(pid), self.main, MAIN_BUFFER_SIZE);
        }
    }

    /// The clock or the stream was interrupted.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}
