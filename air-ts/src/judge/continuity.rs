//! The continuity counter of every PID (TR 101 290, 5.2.1, 1.4).

use super::report::{Check, Log};
use crate::packet::{NULL_PID, PACKET_SIZE, Packet};

/// What is to be done with a packet's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It follows the one before.
    Next,
    /// It was there already.
    Duplicate,
    /// Something is missing before it.
    Broken,
}

struct Previous {
    bytes: [u8; PACKET_SIZE],
    is_duplicate: bool,
}

/// The packet before on each PID, kept from its first packet on.
pub(super) struct Continuity {
    previous: Vec<Option<Box<Previous>>>,
}

impl Continuity {
    pub(super) fn new() -> Self {
        Self { previous: (0..NULL_PID).map(|_| None).collect() }
    }

    pub(super) fn check(&mut self, index: u64, bytes: &[u8; PACKET_SIZE], log: &mut Log) -> Order {
        let packet = Packet::new(bytes);
        let pid = packet.pid();
        let Some(slot) = self.previous.get_mut(usize::from(pid)) else { return Order::Next };
        let Some(previous) = slot else {
            *slot = Some(Box::new(Previous { bytes: *bytes, is_duplicate: false }));
            return Order::Next;
        };
        let last = Packet::new(&previous.bytes);
        let (counter, step) = (packet.continuity_counter(), u8::from(packet.has_payload()));
        let expected = (last.continuity_counter() + step) & 0x0F;
        let order = if packet.discontinuity_indicator() || counter == expected {
            Order::Next
        } else if !previous.is_duplicate && is_repeat(bytes, &previous.bytes) {
            log.add(Check::DuplicatePacket, index, Some(pid), i64::from(counter), i64::from(expected));
            Order::Duplicate
        } else {
            log.add(Check::Continuity, index, Some(pid), i64::from(counter), i64::from(expected));
            Order::Broken
        };
        previous.bytes = *bytes;
        previous.is_duplicate = order == Order::Duplicate;
        order
    }
}

/// Equal but for the PCR, which a duplicate has of its own (ISO/IEC 13818-1, 2.4.3.3).
fn is_repeat(bytes: &[u8; PACKET_SIZE], previous: &[u8; PACKET_SIZE]) -> bool {
    let after_pcr = if Packet::new(bytes).pcr().is_some() { 12 } else { 4 };
    bytes[..4] == previous[..4] && bytes[after_pcr..] == previous[after_pcr..]
}
