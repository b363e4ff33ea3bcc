//! A small transport stream with everything that a fan-out looks at, made by Air's own words for packets and tables.

use air_ts::Pcr;
use air_ts::packet::{Header, PACKET_SIZE, lay_out};
use air_ts::psi::{PAT_PID, Pat, Pmt, PmtStream, packetise};

pub(crate) const VIDEO_PID: u16 = 0x100;
pub(crate) const AUDIO_PID: u16 = 0x101;
/// The first picture of a GOP takes three packets, and the others two; each has a frame of sound after it.
const PICTURES: usize = 5;

/// What distinguishes one mux from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub tables_at_picture: usize,
    pub random_access_indicator: bool,
    pub pmt_pid: u16,
}

impl Shape {
    /// As Air's own mux has it.
    pub fn tables_first() -> Self {
        Self { tables_at_picture: 0, random_access_indicator: true, pmt_pid: 0x1000 }
    }

    pub fn gop_bytes(self) -> u64 {
        ((2 + 3 + 2 * (PICTURES - 1) + PICTURES) * PACKET_SIZE) as u64
    }
}

/// The stream of so many GOPs, and of the first packet of one more.
pub(crate) fn stream(shape: Shape, gops: usize) -> Vec<u8> {
    let mut mux = Mux { bytes: Vec::new(), counters: [0; 0x2000] };
    for picture in 0..gops * PICTURES {
        if picture % PICTURES == shape.tables_at_picture {
            mux.tables(shape);
        }
        mux.picture(shape, picture);
        let sound = Header { payload_unit_start_indicator: true, ..Header::default() };
        mux.packet(AUDIO_PID, sound, &padded(&[0, 0, 1, 0xC0, 7]));
    }
    if shape.tables_at_picture == 0 {
        mux.tables(shape);
    }
    mux.idr(shape, gops * PICTURES);
    mux.bytes
}

/// With room for a number at the end, and for an adaptation field.
fn padded(payload: &[u8]) -> Vec<u8> {
    [payload, &[0xFF; 20]].concat()
}

struct Mux {
    bytes: Vec<u8>,
    counters: [u8; 0x2000],
}

impl Mux {
    fn tables(&mut self, shape: Shape) {
        let pat = Pat { transport_stream_id: 1, version_number: 0, programs: vec![(1, shape.pmt_pid)] };
        let stream =
            |stream_type, elementary_pid| PmtStream { stream_type, elementary_pid, descriptors: vec![] };
        let streams = vec![stream(0x1B, VIDEO_PID), stream(0x0F, AUDIO_PID)];
        let pmt = Pmt { program_number: 1, version_number: 0, pcr_pid: VIDEO_PID, streams };
        for (pid, section) in
            [(PAT_PID, pat.to_section().unwrap()), (shape.pmt_pid, pmt.to_section().unwrap())]
        {
            for mut packet in packetise(pid, &section) {
                packet[3] |= self.count(pid);
                self.bytes.extend(packet);
            }
        }
    }

    fn picture(&mut self, shape: Shape, picture: usize) {
        let packets = if picture.is_multiple_of(PICTURES) {
            self.idr(shape, picture);
            2
        } else {
            let starts = Header { payload_unit_start_indicator: true, ..Header::default() };
            self.packet(VIDEO_PID, starts, &padded(&[0, 0, 1, 0xE0, 0, 0, 0, 0, 1, 0x41]));
            1
        };
        for _ in 0..packets {
            self.packet(VIDEO_PID, Header::default(), &[picture as u8; 184]);
        }
    }

    fn idr(&mut self, shape: Shape, picture: usize) {
        let header = Header {
            payload_unit_start_indicator: true,
            random_access_indicator: shape.random_access_indicator,
            pcr: Some(Pcr(picture as u64 * 1_080_000)),
            ..Header::default()
        };
        self.packet(VIDEO_PID, header, &padded(&[0, 0, 1, 0xE0, 0, 0, 0, 0, 1, 0x67]));
    }

    fn packet(&mut self, pid: u16, header: Header, payload: &[u8]) {
        let mut packet = [0; PACKET_SIZE];
        let header = Header { pid, continuity_counter: self.count(pid), ..header };
        let place = lay_out(&mut packet, header, payload.len());
        packet[place].copy_from_slice(payload);
        self.bytes.extend(packet);
    }

    fn count(&mut self, pid: u16) -> u8 {
        let counter = &mut self.counters[usize::from(pid)];
        *counter = (*counter + 1) % 16;
        *counter
    }
}

/// The same with the number of each packet in its last three bytes, where tables have stuffing. The byte before keeps
/// it from looking like a start code.
pub(crate) fn numbered_stream(shape: Shape, gops: usize) -> Vec<u8> {
    let mut bytes = stream(shape, gops);
    for (number, packet) in (0u32..).zip(bytes.as_chunks_mut::<PACKET_SIZE>().0) {
        packet[PACKET_SIZE - 4..].copy_from_slice(&(0xA5 << 24 | number).to_be_bytes());
    }
    bytes
}

/// What a packet of [`numbered_stream`] bears.
pub(crate) fn number(packet: &[u8]) -> u32 {
    packet[PACKET_SIZE - 3..].iter().fold(0, |number, &byte| number << 8 | u32::from(byte))
}
