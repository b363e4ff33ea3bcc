//! What streams may do: nothing here is a fault.

use super::*;
use crate::fixture::{run_edited, sound};
use crate::psi::packetise;
use crate::{AccessUnit, BufferModel, ElementaryStream, MuxConfig, StreamKind};

const CBR: MuxRate = MuxRate::Cbr(6_000_000);
const DATA_PID: u16 = 0x102;
const SCTE_35: u8 = 0x86;

fn broadcast(packets: &Packets) -> Report {
    judge_bytes(JudgeConfig::broadcast(), packets.as_flattened())
}

/// Six seconds and a half of a program with a third stream, of which nothing comes.
fn with_data_stream(stream_type: u8) -> Packets {
    let mut config = MuxConfig { rate: CBR, ..MuxConfig::default() };
    config.streams.push(ElementaryStream {
        kind: StreamKind::Audio,
        stream_type,
        stream_id: 0xBD,
        ..ElementaryStream::h264(DATA_PID)
    });
    run_edited(config, Pts(0), 200, |_, unit| Some(unit)).1.packets()
}

#[test]
fn pictures_may_pause_while_the_clock_goes_on() {
    for rate in [CBR, MuxRate::CappedVbr(8_000_000)] {
        let is_left_out = |n: u64, unit: &AccessUnit| unit.stream == 0 && (61..75).contains(&n);
        let config = MuxConfig { rate, ..MuxConfig::default() };
        let (mux, capture) =
            run_edited(config, Pts(0), 150, |n, unit| (!is_left_out(n, &unit)).then_some(unit));
        assert_eq!(mux.counters().late_units, 0);
        let report = broadcast(&capture.packets());
        assert_eq!(report.count(Check::ArrivesLate), 0);
        assert_eq!(report.checks[&Check::PtsRegularity].severity, Severity::Soft);
        assert!(report.is_clean(), "{:?}", report.checks);
        assert!(!house(&capture.packets()).is_clean(), "a promise of a constant rate is one");
    }
}

#[test]
fn six_channels_have_the_buffers_of_six_channels() {
    let mut streams = MuxConfig::default().streams;
    streams[1].buffer = BufferModel::aac(6);
    let config = MuxConfig { rate: CBR, streams, ..MuxConfig::default() };
    let six_channels = |_, mut unit: AccessUnit| {
        if unit.stream == 1 {
            unit.data = sound(1600); // 600 kb/s
            unit.data[2] |= 1; // channel_configuration 2 becomes 6
        }
        Some(unit)
    };
    let report = house(&run_edited(config, Pts(0), 150, six_channels).1.packets());
    assert_eq!(report.checks, Default::default());
}

#[test]
fn sections_are_not_read_as_pes_packets() {
    let mut packets = with_data_stream(SCTE_35);
    let section = [0xFC, 0x30, 17, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xF0, 0, 0, 0, 0, 0x7A, 0x4F, 0xBF, 0xFF];
    let nulls = packets.iter_mut().filter(|bytes| Packet::new(bytes).pid() == packet::NULL_PID);
    for (bytes, counter) in nulls.step_by(20).zip((0..16).cycle()) {
        *bytes = packetise(DATA_PID, &section)[0];
        bytes[3] |= counter;
    }
    let report = broadcast(&packets);
    assert_eq!(report.checks, Default::default());
    assert!(report.streams[2].packets > 50);
}

#[test]
fn a_data_stream_may_be_silent() {
    for stream_type in [SCTE_35, 0x06] {
        let report = broadcast(&with_data_stream(stream_type));
        let summary = report.checks[&Check::DataPid];
        assert_eq!((summary.count, summary.severity), (1, Severity::Soft));
        assert!(report.is_clean());
    }
}

#[test]
fn what_is_scrambled_is_not_read() {
    let mut packets = clean(CBR);
    for bytes in
        packets[1500..].iter_mut().filter(|bytes| [VIDEO_PID, 0x101].contains(&Packet::new(bytes).pid()))
    {
        let payload = PACKET_SIZE - Packet::new(bytes).payload().len();
        if Packet::new(bytes).has_payload() {
            bytes[3] |= 0x80;
            bytes[payload..].iter_mut().for_each(|byte| *byte ^= 0x5A);
        }
    }
    assert_eq!(broadcast(&packets).checks, Default::default());
}
