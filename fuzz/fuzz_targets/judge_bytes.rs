//! Any bytes, cut anywhere: the judge never panics, and the cut makes no difference.
//!
//! Bytes alone would never make a table with a sound CRC, so a program comes first, and packets of its streams are
//! made from headers that are right and content that is not.
#![no_main]

use air_ts::packet::{self, PACKET_SIZE};
use air_ts::psi::{PAT_PID, Pat, Pmt, PmtStream, packetise};
use air_ts::{Judge, JudgeConfig, Pcr, Pts, pes};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

const PMT_PID: u16 = 0x20;
const FIRST_PID: u16 = 0x100;
/// H.264, HEVC, AAC, MPEG-2 video, private PES and SCTE 35, on consecutive PIDs; the PCR is on the first.
const STREAM_TYPES: [u8; 6] = [0x1B, 0x24, 0x0F, 0x02, 0x06, 0x86];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    cut: u16,
    pieces: Vec<Piece<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Raw(&'a [u8]),
    Tables,
    Packet {
        stream: u8,
        random_access: bool,
        pcr_step: Option<u32>,
        start: Option<Stamps>,
        payload: &'a [u8],
    },
}

#[derive(Arbitrary, Debug)]
struct Stamps {
    dts: u32,
    reorder: u16,
    length: u16,
}

/// Keeps counters and the clock, so that faults are those of the input.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    counters: [u8; STREAM_TYPES.len()],
    table_counter: u8,
    pcr: Pcr,
}

impl Writer {
    fn write(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Raw(bytes) => self.bytes.extend_from_slice(bytes),
            Piece::Tables => self.tables(),
            Piece::Packet { stream, random_access, pcr_step, start, payload } => {
                let stream = usize::from(*stream) % STREAM_TYPES.len();
                let mut unit = Vec::new();
                if let Some(stamps) = start {
                    let header = pes_header(stamps);
                    unit.extend_from_slice(&header.write()[..header.size()]);
                }
                unit.extend_from_slice(payload);
                if let Some(step) = pcr_step {
                    self.pcr.0 += u64::from(*step);
                }
                let pcr = pcr_step.map(|_| self.pcr);
                self.packet(stream, start.is_some(), *random_access, pcr, &unit);
            }
        }
    }

    fn packet(&mut self, stream: usize, starts: bool, random_access: bool, pcr: Option<Pcr>, unit: &[u8]) {
        let mut bytes = [0; PACKET_SIZE];
        let counter = &mut self.counters[stream];
        *counter = (*counter + u8::from(!unit.is_empty())) & 0x0F;
        let header = packet::Header {
            pid: FIRST_PID + stream as u16,
            payload_unit_start_indicator: starts,
            continuity_counter: *counter,
            random_access_indicator: random_access,
            pcr,
        };
        let room = packet::lay_out(&mut bytes, header, unit.len());
        let size = room.len();
        bytes[room].copy_from_slice(&unit[..size]);
        self.bytes.extend_from_slice(&bytes);
    }

    fn tables(&mut self) {
        let pat = Pat { transport_stream_id: 1, version_number: 0, programs: vec![(1, PMT_PID)] };
        let streams = (FIRST_PID..).zip(STREAM_TYPES).map(|(elementary_pid, stream_type)| PmtStream {
            stream_type,
            elementary_pid,
            descriptors: Vec::new(),
        });
        let pmt =
            Pmt { program_number: 1, version_number: 0, pcr_pid: FIRST_PID, streams: streams.collect() };
        for (pid, section) in [(PAT_PID, pat.to_section()), (PMT_PID, pmt.to_section())] {
            for mut bytes in packetise(pid, &section.expect("a short table")) {
                bytes[3] |= self.table_counter;
                self.bytes.extend_from_slice(&bytes);
            }
        }
        self.table_counter = (self.table_counter + 1) & 0x0F;
    }
}

fn pes_header(stamps: &Stamps) -> pes::Header {
    let dts = Pts(u64::from(stamps.dts));
    pes::Header {
        stream_id: 0xE0,
        pes_packet_length: stamps.length,
        data_alignment_indicator: true,
        pts: Some(dts.saturating_add(Pts(u64::from(stamps.reorder)))),
        dts: Some(dts),
    }
}

fuzz_target!(|input: Input<'_>| {
    let mut writer = Writer::default();
    writer.tables();
    input.pieces.iter().for_each(|piece| writer.write(piece));
    let mut whole = Judge::new(JudgeConfig::broadcast());
    whole.feed(&writer.bytes);
    let mut pieces = Judge::new(JudgeConfig::broadcast());
    writer.bytes.chunks(usize::from(input.cut) + 1).for_each(|chunk| pieces.feed(chunk));
    assert_eq!(whole.report(), pieces.report());
    assert_eq!(whole.finish(), pieces.finish());
});
