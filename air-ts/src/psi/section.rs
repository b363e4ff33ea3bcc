//! Sections as bytes: checksum, gathering from packets, cutting into packets.

use crate::packet::{self, PACKET_SIZE, lay_out};

/// Bytes of the longest section there is (a private one; PAT, PMT and SDT end at 1024).
pub const MAX_SECTION_SIZE: usize = 4096;

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 != 0 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The CRC of ISO/IEC 13818-1 Annex A. Zero over a whole section, its `CRC_32` included, means that it is sound.
pub fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| crc << 8 ^ CRC_TABLE[(crc >> 24 ^ u32::from(byte)) as usize])
}

/// Cuts a section into packets of `pid`, continuity counters left at zero: the sender counts.
pub fn packetise(pid: u16, section: &[u8]) -> Vec<[u8; PACKET_SIZE]> {
    let mut packets = Vec::new();
    let mut rest = section;
    while packets.is_empty() || !rest.is_empty() {
        let first = packets.is_empty();
        let mut bytes = [0xFF; PACKET_SIZE];
        let header = packet::Header { pid, payload_unit_start_indicator: first, ..packet::Header::default() };
        let mut payload = lay_out(&mut bytes, header, PACKET_SIZE);
        if first {
            bytes[payload.start] = 0; // pointer_field: the section starts at once
            payload.start += 1;
        }
        let (now, later) = rest.split_at(rest.len().min(payload.len()));
        // what stays 0xFF after the section is its stuffing
        bytes[payload.start..payload.start + now.len()].copy_from_slice(now);
        rest = later;
        packets.push(bytes);
    }
    packets
}

/// Gathers the sections of one PID from packet payloads.
#[derive(Clone, Debug, Default)]
pub struct SectionReader {
    gathered: Vec<u8>,
    in_section: bool,
}

impl SectionReader {
    /// Takes one packet's payload and hands every section it completes to `found`.
    pub fn feed(&mut self, payload: &[u8], starts: bool, mut found: impl FnMut(&[u8])) {
        if !starts {
            self.gather(payload, &mut found);
            return;
        }
        let Some((&pointer_field, rest)) = payload.split_first() else { return };
        let (tail, head) = rest.split_at(rest.len().min(usize::from(pointer_field)));
        self.gather(tail, &mut found);
        self.gathered.clear();
        self.in_section = true;
        self.gather(head, &mut found);
    }

    /// Forgets an unfinished section, as after lost packets.
    pub fn reset(&mut self) {
        self.gathered.clear();
        self.in_section = false;
    }

    fn gather(&mut self, bytes: &[u8], found: &mut impl FnMut(&[u8])) {
        if !self.in_section {
            return;
        }
        self.gathered.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(&table_id) = self.gathered.get(start) {
            if table_id == 0xFF {
                self.in_section = false;
                break;
            }
            let Some(section) = first_section(&self.gathered[start..]) else { break };
            found(section);
            start += section.len();
        }
        if !self.in_section || start == self.gathered.len() {
            self.gathered.clear();
        } else {
            self.gathered.drain(..start);
        }
    }
}

fn first_section(bytes: &[u8]) -> Option<&[u8]> {
    let &[_, high, low, ..] = bytes else { return None };
    bytes.get(..3 + (usize::from(high & 0x0F) << 8 | usize::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;

    fn section(size: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        bytes[1] = 0xB0 | ((size - 3) >> 8) as u8;
        bytes[2] = (size - 3) as u8;
        bytes
    }

    #[test]
    fn the_crc_is_that_of_annex_a() {
        assert_eq!(crc32(b"123456789"), 0x0376_E6E7); // the catalogued check value of CRC-32/MPEG-2
    }

    #[test]
    fn sections_of_any_size_survive_packets() {
        for size in [3, 182, 183, 184, 367, 368, 1024] {
            let sent = section(size);
            let mut reader = SectionReader::default();
            let mut got = Vec::new();
            for bytes in packetise(0x1000, &sent) {
                let packet = Packet::new(&bytes);
                let starts = packet.payload_unit_start_indicator();
                reader.feed(packet.payload(), starts, |section| got.push(section.to_vec()));
            }
            assert_eq!(got, [sent]);
        }
    }

    #[test]
    fn two_sections_in_one_packet_are_two() {
        let mut payload = vec![0];
        payload.extend(section(20));
        payload.extend(section(30));
        payload.resize(184, 0xFF);
        let mut sizes = Vec::new();
        SectionReader::default().feed(&payload, true, |section| sizes.push(section.len()));
        assert_eq!(sizes, [20, 30]);
    }
}
