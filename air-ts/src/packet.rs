//! The transport packet: 188 bytes, header, adaptation field (ISO/IEC 13818-1, 2.4.3).
//!
//! [`lay_out`] writes one around a payload of any size, [`Packet`] reads one. What the payload means, and whether
//! counters and clocks make sense, is somebody else's business.

use crate::Pcr;
use std::ops::Range;

/// Bytes in a transport packet.
pub const PACKET_SIZE: usize = 188;
/// The first byte of every packet.
pub const SYNC_BYTE: u8 = 0x47;
/// The PID of packets that mean nothing.
pub const NULL_PID: u16 = 0x1FFF;

const HEADER_SIZE: usize = 4;
const RANDOM_ACCESS: u8 = 0x40;
const PCR_FLAG: u8 = 0x10;

/// What a packet to be written says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// 13 bits.
    pub pid: u16,
    /// A PES packet or a section starts in this payload.
    pub payload_unit_start_indicator: bool,
    /// 4 bits.
    pub continuity_counter: u8,
    /// A decoder may start at the access unit that starts here.
    pub random_access_indicator: bool,
    /// The clock to carry, if any.
    pub pcr: Option<Pcr>,
}

/// Writes header and adaptation field for a payload of `available` bytes, and gives the place of the payload,
/// which the caller fills: as many of the available bytes as fit. What is left over is stuffing.
///
/// With nothing available the packet has an adaptation field only.
pub fn lay_out(packet: &mut [u8; PACKET_SIZE], header: Header, available: usize) -> Range<usize> {
    let flags = if header.random_access_indicator { RANDOM_ACCESS } else { 0 }
        | if header.pcr.is_some() { PCR_FLAG } else { 0 };
    let wanted = match (flags, header.pcr) {
        (0, _) => 0,
        (_, None) => 2,
        (_, Some(_)) => 8,
    };
    let payload = available.min(PACKET_SIZE - HEADER_SIZE - wanted);
    let adaptation = PACKET_SIZE - HEADER_SIZE - payload;

    packet[0] = SYNC_BYTE;
    packet[1] = u8::from(header.payload_unit_start_indicator) << 6 | (header.pid >> 8 & 0x1F) as u8;
    packet[2] = header.pid as u8;
    let adaptation_field_control = u8::from(adaptation > 0) << 1 | u8::from(payload > 0);
    packet[3] = adaptation_field_control << 4 | header.continuity_counter & 0x0F;
    if adaptation > 0 {
        write_adaptation_field(&mut packet[HEADER_SIZE..HEADER_SIZE + adaptation], flags, header.pcr);
    }
    PACKET_SIZE - payload..PACKET_SIZE
}

fn write_adaptation_field(field: &mut [u8], flags: u8, pcr: Option<Pcr>) {
    field[0] = (field.len() - 1) as u8;
    let Some(body) = field.get_mut(1..).filter(|body| !body.is_empty()) else { return };
    body[0] = flags;
    body[1..].fill(0xFF);
    if let Some(pcr) = pcr {
        let (base, extension) = pcr.to_wire();
        // 33 bits of base, 6 reserved, 9 of extension
        let bits = base << 15 | 0x3F << 9 | u64::from(extension);
        body[1..7].copy_from_slice(&bits.to_be_bytes()[2..]);
    }
}

/// Writes a null packet.
pub fn write_null(packet: &mut [u8; PACKET_SIZE]) {
    let payload = lay_out(packet, Header { pid: NULL_PID, ..Header::default() }, PACKET_SIZE);
    packet[payload].fill(0xFF);
}

/// A packet being read. Every accessor is safe on any 188 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a [u8; PACKET_SIZE]);

impl<'a> Packet<'a> {
    /// A view of 188 bytes, whatever they are.
    pub fn new(bytes: &'a [u8; PACKET_SIZE]) -> Self {
        Self(bytes)
    }

    /// The first byte is 0x47.
    pub fn has_sync_byte(self) -> bool {
        self.0[0] == SYNC_BYTE
    }

    /// Some equipment upstream knows that this packet is damaged.
    pub fn transport_error_indicator(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    /// A PES packet or a section starts in the payload.
    pub fn payload_unit_start_indicator(self) -> bool {
        self.0[1] & 0x40 != 0
    }

    /// 13 bits.
    pub fn pid(self) -> u16 {
        u16::from(self.0[1] & 0x1F) << 8 | u16::from(self.0[2])
    }

    /// 0 = not scrambled.
    pub fn transport_scrambling_control(self) -> u8 {
        self.0[3] >> 6
    }

    /// 4 bits.
    pub fn continuity_counter(self) -> u8 {
        self.0[3] & 0x0F
    }

    /// The packet has a payload, maybe of no bytes.
    pub fn has_payload(self) -> bool {
        self.0[3] & 0x10 != 0
    }

    fn has_adaptation_field(self) -> bool {
        self.0[3] & 0x20 != 0
    }

    /// The adaptation field fits in the packet, and one of field and payload is there.
    pub fn is_well_formed(self) -> bool {
        match (self.has_adaptation_field(), self.has_payload()) {
            (false, payload) => payload,
            (true, true) => self.0[4] <= 182,
            (true, false) => self.0[4] == 183,
        }
    }

    fn flags(self) -> u8 {
        if self.has_adaptation_field() && self.0[4] > 0 { self.0[5] } else { 0 }
    }

    /// The clock or the counter may jump here.
    pub fn discontinuity_indicator(self) -> bool {
        self.flags() & 0x80 != 0
    }

    /// A decoder may start at the access unit that starts here.
    pub fn random_access_indicator(self) -> bool {
        self.flags() & RANDOM_ACCESS != 0
    }

    /// The clock reference as on the wire: 27 MHz ticks, less than [`crate::pcr::PCR_WRAP`].
    pub fn pcr(self) -> Option<Pcr> {
        if self.flags() & PCR_FLAG == 0 || self.0[4] < 7 {
            return None;
        }
        let bits = self.0[6..12].iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        Some(Pcr((bits >> 15) * 300 + (bits & 0x1FF)))
    }

    /// The payload; empty if there is none or the packet is malformed.
    pub fn payload(self) -> &'a [u8] {
        if !self.has_payload() {
            return &[];
        }
        let start =
            if self.has_adaptation_field() { HEADER_SIZE + 1 + usize::from(self.0[4]) } else { HEADER_SIZE };
        self.0.get(start..).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_with_pcr_and_stuffing_has_these_bytes() {
        let mut bytes = [0; PACKET_SIZE];
        let header = Header {
            pid: 0x100,
            payload_unit_start_indicator: true,
            continuity_counter: 9,
            random_access_indicator: true,
            pcr: Some(Pcr((1 << 32) * 300 + 257)),
        };
        let payload = lay_out(&mut bytes, header, 100);
        assert_eq!(payload, 88..188);
        assert_eq!(bytes[0], 0x47, "sync_byte");
        assert_eq!(bytes[1..3], [0x41, 0x00], "payload_unit_start_indicator, PID");
        assert_eq!(bytes[3], 0x39, "adaptation_field_control 3, continuity_counter 9");
        assert_eq!(bytes[4], 83, "adaptation_field_length");
        assert_eq!(bytes[5], 0x50, "random_access_indicator, PCR_flag");
        assert_eq!(bytes[6..10], [0x80, 0, 0, 0], "program_clock_reference_base, upper 32 bits");
        assert_eq!(bytes[10..12], [0x7F, 0x01], "base's last bit, reserved, extension 257");
        assert_eq!(bytes[12..88], [0xFF; 76], "stuffing_byte");
    }

    #[test]
    fn what_is_written_reads_back_at_every_payload_size() {
        for available in 0..=200 {
            let mut bytes = [0; PACKET_SIZE];
            let header = Header { pid: 0x1234, continuity_counter: 3, ..Header::default() };
            let payload = lay_out(&mut bytes, header, available);
            bytes[payload.clone()].fill(0xAB);
            let packet = Packet::new(&bytes);
            assert!(packet.is_well_formed() && packet.has_sync_byte());
            assert_eq!((packet.pid(), packet.continuity_counter()), (0x1234, 3));
            assert_eq!(packet.payload(), vec![0xAB; available.min(184)]);
        }
    }

    #[test]
    fn an_adaptation_field_that_overruns_is_malformed_and_has_no_payload() {
        let mut bytes = [0xFF; PACKET_SIZE];
        bytes[3] = 0x30;
        assert!(!Packet::new(&bytes).is_well_formed());
        assert!(Packet::new(&bytes).payload().is_empty());
    }
}
