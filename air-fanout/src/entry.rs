//! Where a viewer can begin: at a PAT and PMT that lead to a random access point of the video.
//!
//! Air's own mux sends its tables right before every IDR picture. Other muxes send them by the clock; then the last
//! ones are copied, to be sent first. An entry point counts once its whole access unit has come, so that whoever
//! begins there has a picture at once.

use std::sync::Arc;

use air_ts::judge::is_video;
use air_ts::packet::{PACKET_SIZE, Packet};
use air_ts::psi::{PAT_PID, Pat, Pmt, SectionReader, crc32};

use crate::ring::Entry;

/// Watches the packets of one engine's stream for entry points.
#[derive(Debug, Default)]
pub(crate) struct EntryFinder {
    pat: Table,
    pmt: Table,
    pmt_pid: Option<u16>,
    media: Media,
    /// Media of the video PID came since the last PAT began.
    video_since_pat: bool,
    /// Its access unit is still coming.
    coming: Option<Entry>,
}

/// The PIDs that the PMT names.
#[derive(Debug, Default)]
struct Media {
    /// The first video stream and its type; of a program without video, the first stream.
    lead: Option<(u16, u8)>,
    pids: Vec<u16>,
}

/// The latest packets of one table.
#[derive(Debug, Default)]
struct Table {
    reader: SectionReader,
    position: u64,
    packets: Vec<u8>,
}

impl Table {
    /// The last section that this packet completes.
    fn feed(&mut self, position: u64, bytes: &[u8; PACKET_SIZE]) -> Option<Vec<u8>> {
        let packet = Packet::new(bytes);
        if packet.payload_unit_start_indicator() {
            self.position = position;
            self.packets.clear();
        }
        // no table of ours is longer than a section of 1024 bytes
        if self.packets.len() < 6 * PACKET_SIZE {
            self.packets.extend_from_slice(bytes);
        }
        let mut found = None;
        self.reader.feed(packet.payload(), packet.payload_unit_start_indicator(), |section| {
            found = (crc32(section) == 0).then(|| section.to_vec());
        });
        found
    }
}

impl EntryFinder {
    /// Takes the packet at `position`; the entry point that is complete with the packet before it.
    pub fn take(&mut self, position: u64, bytes: &[u8; PACKET_SIZE]) -> Option<Entry> {
        let packet = Packet::new(bytes);
        let pid = packet.pid();
        if pid == PAT_PID {
            self.take_pat(position, bytes);
        } else if Some(pid) == self.pmt_pid {
            self.take_pmt(position, bytes);
        } else if let Some((_, stream_type)) = self.media.lead.filter(|(lead, _)| *lead == pid) {
            return self.take_lead(position, packet, stream_type);
        }
        None
    }

    /// The PIDs with media, for whoever has to mark each of them.
    pub fn media_pids(&self) -> &[u16] {
        &self.media.pids
    }

    fn take_pat(&mut self, position: u64, bytes: &[u8; PACKET_SIZE]) {
        if let Some(section) = self.pat.feed(position, bytes) {
            let program = Pat::parse(&section)
                .and_then(|pat| pat.programs.into_iter().find(|(program_number, _)| *program_number != 0));
            let pmt_pid = program.map(|(_, pid)| pid).or(self.pmt_pid);
            if pmt_pid != self.pmt_pid {
                // another program: what was known of the one before leads nowhere
                *self = Self { pat: std::mem::take(&mut self.pat), pmt_pid, ..Self::default() };
            }
        }
        self.video_since_pat = false;
    }

    fn take_pmt(&mut self, position: u64, bytes: &[u8; PACKET_SIZE]) {
        let Some(pmt) = self.pmt.feed(position, bytes).and_then(|section| Pmt::parse(&section)) else {
            return;
        };
        let streams = &pmt.streams;
        let lead = streams.iter().find(|stream| is_video(stream.stream_type)).or(streams.first());
        self.media = Media {
            lead: lead.map(|stream| (stream.elementary_pid, stream.stream_type)),
            pids: streams.iter().map(|stream| stream.elementary_pid).collect(),
        };
    }

    fn take_lead(&mut self, position: u64, packet: Packet<'_>, stream_type: u8) -> Option<Entry> {
        if !packet.payload_unit_start_indicator() {
            self.video_since_pat = true;
            return None;
        }
        let complete = self.coming.take();
        if packet.random_access_indicator() || is_random_access(stream_type, packet.payload()) {
            self.coming = Some(self.entry(position));
        }
        self.video_since_pat = true;
        complete
    }

    fn entry(&self, position: u64) -> Entry {
        if !self.video_since_pat && self.pat.position <= self.pmt.position {
            return Entry { position: self.pat.position, tables: None };
        }
        let tables = [&self.pat.packets[..], &self.pmt.packets].concat();
        Entry { position, tables: Some(Arc::from(tables)) }
    }
}

/// For muxes that leave `random_access_indicator` out: what a decoder needs first is in the first packet of the
/// access unit. Streams without video may be entered at every unit.
fn is_random_access(stream_type: u8, payload: &[u8]) -> bool {
    let starts = |wanted: fn(u8) -> bool| {
        payload.windows(4).any(|window| window[..3] == [0, 0, 1] && wanted(window[3]))
    };
    match stream_type {
        // sequence_header_code; the PES stream_id has 0xE0 here
        0x01 | 0x02 => starts(|code| code == 0xB3),
        // visual_object_sequence_start_code
        0x10 => starts(|code| code == 0xB0),
        // H.264: sequence parameter set, IDR slice. The PES header's 0xE0 has forbidden_zero_bit set
        0x1B => starts(|code| code & 0x80 == 0 && matches!(code & 0x1F, 5 | 7)),
        // HEVC: video and sequence parameter sets, random access pictures
        0x24 => starts(|code| code & 0x80 == 0 && matches!(code >> 1 & 0x3F, 16..=21 | 32 | 33)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shape, stream};

    fn entries(bytes: &[u8]) -> Vec<Entry> {
        let mut finder = EntryFinder::default();
        let packets = bytes.as_chunks::<PACKET_SIZE>().0.iter().zip((0..).step_by(PACKET_SIZE));
        packets.filter_map(|(packet, position)| finder.take(position, packet)).collect()
    }

    /// PAT, PMT and three packets of IDR, then four pictures of two packets and one of sound.
    #[test]
    fn tables_right_before_a_random_access_point_are_where_it_begins() {
        let found = entries(&stream(Shape::tables_first(), 3));
        let gop = Shape::tables_first().gop_bytes();
        // the last one is not complete: nothing tells yet that its access unit has ended
        let expected = [0, gop, 2 * gop].map(|position| Entry { position, tables: None });
        assert_eq!(found, expected);
    }

    #[test]
    fn tables_that_are_far_away_are_copied() {
        let shape = Shape { tables_at_picture: 2, ..Shape::tables_first() };
        let bytes = stream(shape, 3);
        let found = entries(&bytes);
        assert_eq!(found.len(), 2, "the first has no tables before it");
        for entry in found {
            let tables = entry.tables.expect("copies");
            assert_eq!(tables.len(), 2 * PACKET_SIZE);
            assert_eq!(Packet::new(tables[..188].try_into().unwrap()).pid(), PAT_PID);
            let first = &bytes[entry.position as usize..][..188];
            assert!(Packet::new(first.try_into().unwrap()).random_access_indicator());
        }
    }

    #[test]
    fn a_program_that_changes_is_entered_only_once_its_own_tables_have_come() {
        let (before, other) =
            (stream(Shape::tables_first(), 2), stream(Shape { pmt_pid: 0x1234, ..Shape::tables_first() }, 1));
        let (pat, other) = other.split_at(PACKET_SIZE);
        // pictures between the new PAT and its PMT belong to nothing that is known
        let unknown = &before[2 * PACKET_SIZE..Shape::tables_first().gop_bytes() as usize];
        let found = entries(&[&before, pat, unknown, other].concat());
        let gop = Shape::tables_first().gop_bytes();
        let positions: Vec<u64> = found.iter().map(|entry| entry.position).collect();
        assert_eq!(positions, [0, gop, before.len() as u64], "from its PAT on");
    }

    #[test]
    fn a_random_access_point_is_known_by_its_payload_too() {
        let shape = Shape { random_access_indicator: false, ..Shape::tables_first() };
        assert_eq!(entries(&stream(shape, 3)).len(), 3);
    }
}
