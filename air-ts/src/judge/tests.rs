mod lawful;

use super::*;
use crate::fixture::{GOP, run};
use crate::packet::{self, PACKET_SIZE, Packet};
use crate::{MuxRate, Pcr, Pts};

type Packets = Vec<[u8; PACKET_SIZE]>;

const TICKS: u64 = 120;
const VIDEO_PID: u16 = 0x100;
const PMT_PID: u16 = 0x1000;

fn clean(rate: MuxRate) -> Packets {
    run(rate, Pts(90_000), TICKS).1.packets()
}

fn judge_bytes(config: JudgeConfig, bytes: &[u8]) -> Report {
    let mut judge = Judge::new(config);
    judge.feed(bytes);
    judge.finish()
}

fn house(packets: &Packets) -> Report {
    judge_bytes(JudgeConfig::house(), packets.as_flattened())
}

/// A constant-rate stream with a fault planted, and the report on it.
fn with_fault(plant: impl FnOnce(&mut Packets)) -> Report {
    let mut packets = clean(MuxRate::Cbr(6_000_000));
    plant(&mut packets);
    let report = house(&packets);
    assert!(!report.is_clean());
    report
}

/// The n-th packet for which `which` holds.
fn find(packets: &Packets, n: usize, which: impl Fn(Packet<'_>) -> bool) -> usize {
    let mut all = (0..packets.len()).filter(|&index| which(Packet::new(&packets[index])));
    all.nth(n).expect("so many of them")
}

fn video_payload(packet: Packet<'_>) -> bool {
    packet.pid() == VIDEO_PID
        && packet.has_payload()
        && !packet.payload_unit_start_indicator()
        && packet.pcr().is_none()
}

fn null(bytes: &mut [u8; PACKET_SIZE]) {
    packet::write_null(bytes);
}

#[test]
fn a_clean_stream_has_no_finding_at_either_rate() {
    for rate in [MuxRate::Cbr(6_000_000), MuxRate::CappedVbr(12_000_000)] {
        let report = house(&clean(rate));
        assert_eq!(report.checks, Default::default());
        assert!(report.is_clean());
        assert_eq!(report.streams[0].period, Some((90_000 * 1001, 30_000)));
        assert!((TICKS - 2..=TICKS).contains(&report.pictures()), "{}", report.pictures());
        assert_eq!(report.idr_pictures(), TICKS / GOP);
        assert!(report.audio_frames() > 170);
        assert_eq!(report.service_name.as_deref(), Some("Air"));
        assert!(report.pat_max_gap_27m <= Pcr::from_ms(110).0);
        assert!(report.pcr_max_gap_27m <= Pcr::from_ms(35).0);
        assert!(report.duration_27m.abs_diff(Pcr::from_ms(4004).0) < Pcr::from_ms(40).0);
    }
}

#[test]
fn how_the_bytes_are_cut_makes_no_difference() {
    let mut bytes = clean(MuxRate::Cbr(6_000_000)).into_flattened();
    bytes.drain(100_000..100_077);
    let whole = judge_bytes(JudgeConfig::broadcast(), &bytes);
    for cut in [1, 187, 188, 189, 70_001] {
        let mut judge = Judge::new(JudgeConfig::broadcast());
        bytes.chunks(cut).for_each(|chunk| judge.feed(chunk));
        assert_eq!(judge.finish(), whole);
    }
}

#[test]
fn a_dropped_packet_is_a_continuity_error_where_it_was_and_no_fault_of_the_pcr() {
    // where the next packet of the PID comes soon, after a PCR, and after several
    for (pid, within) in [(VIDEO_PID, 9), (0x101, 100), (0, 400)] {
        let mut packets = run(MuxRate::Cbr(6_000_000), Pts(90_000), 300).1.packets();
        let dropped = find(&packets, packets.len() / 2, |_| true);
        let dropped = dropped + find(&packets[dropped..].to_vec(), 0, |p| p.pid() == pid && p.has_payload());
        packets.remove(dropped);
        let report = house(&packets);
        let summary = report.checks[&Check::Continuity];
        assert_eq!((summary.count, summary.worst.pid), (1, Some(pid)));
        assert!((0..within).contains(&(summary.first_packet as i64 - dropped as i64)));
        assert_eq!(report.count(Check::PcrAccuracy), 0, "the bytes are missing, the clock is right");
    }
}

#[test]
fn a_doubled_packet_is_found() {
    let report = with_fault(|packets| {
        let at = find(packets, 500, video_payload);
        packets.insert(at, packets[at]);
    });
    assert_eq!(report.count(Check::DuplicatePacket), 1);
    assert_eq!(report.count(Check::Continuity), 0);
}

#[test]
fn swapped_packets_are_continuity_errors() {
    let report = with_fault(|packets| {
        let first = find(packets, 500, video_payload);
        let second = find(packets, 501, video_payload);
        packets.swap(first, second);
    });
    assert!(report.count(Check::Continuity) >= 2);
}

fn set_pcr(bytes: &mut [u8; PACKET_SIZE], change: impl FnOnce(u64) -> u64) {
    let pcr = Pcr(change(Packet::new(bytes).pcr().expect("a PCR").0));
    let (base, extension) = pcr.to_wire();
    bytes[6..12].copy_from_slice(&(base << 15 | 0x3F << 9 | u64::from(extension)).to_be_bytes()[2..]);
}

fn has_pcr(packet: Packet<'_>) -> bool {
    packet.pcr().is_some()
}

#[test]
fn a_pcr_that_jumps_is_found_both_ways() {
    for change in [|pcr| pcr + 27_000_000, |pcr| pcr - 13_500_000] {
        let report = with_fault(|packets| {
            for bytes in packets.iter_mut().skip(1500).filter(|bytes| has_pcr(Packet::new(bytes))) {
                set_pcr(bytes, change);
            }
        });
        assert_eq!(report.count(Check::PcrDiscontinuity), 1);
    }
}

#[test]
fn a_pcr_off_by_a_microsecond_is_an_accuracy_error() {
    let mut wrong = 0;
    let report = with_fault(|packets| {
        wrong = find(packets, 70, has_pcr);
        set_pcr(&mut packets[wrong], |pcr| pcr + 27);
    });
    let summary = report.checks[&Check::PcrAccuracy];
    assert_eq!((summary.count, summary.first_packet), (1, wrong as u64));
    assert!((950..=1050).contains(&summary.worst.value), "{} ns", summary.worst.value);
}

#[test]
fn missing_pcrs_are_a_repetition_error() {
    let report = with_fault(|packets| {
        for bytes in &mut packets[1000..1400] {
            if has_pcr(Packet::new(bytes)) {
                bytes[5] &= !0x10;
            }
        }
    });
    assert!(report.count(Check::PcrRepetition) >= 1);
}

#[test]
fn a_table_that_stays_away_is_found() {
    for (pid, check) in [(0, Check::Pat), (PMT_PID, Check::Pmt)] {
        let report = with_fault(|packets| {
            for bytes in packets[1000..1800].iter_mut().filter(|bytes| Packet::new(bytes).pid() == pid) {
                null(bytes);
            }
        });
        assert_eq!(report.count(check), 1);
        assert!(report.checks[&check].worst.value > 110, "reported as soon as it is too long");
        assert!(report.pat_max_gap_27m.max(report.pmt_max_gap_27m) > Pcr::from_ms(200).0);
    }
}

#[test]
fn a_stream_without_tables_is_not_clean() {
    let report = with_fault(|packets| packets.retain(|bytes| Packet::new(bytes).pid() != 0));
    assert_eq!((report.program_number, report.count(Check::Pat)), (None, 1));
    let report = with_fault(|packets| packets.retain(|bytes| Packet::new(bytes).pid() != PMT_PID));
    assert_eq!((report.program_number, report.count(Check::Pmt)), (None, 1));
}

#[test]
fn missing_tables_are_reported_while_the_stream_runs() {
    let packets = run(MuxRate::Cbr(6_000_000), Pts(0), 300).1.packets();
    for (pid, check) in [(0, Check::Pat), (PMT_PID, Check::Pmt)] {
        let mut judge = Judge::new(JudgeConfig::house());
        for bytes in packets.iter().cycle().filter(|bytes| Packet::new(bytes).pid() != pid).take(20_000) {
            judge.feed(bytes);
        }
        let found: Vec<Check> = judge.take_findings().iter().map(|finding| finding.check).collect();
        assert!(found.contains(&check));
        assert_eq!(judge.finish().count(check), 1);
    }
}

#[test]
fn a_stream_that_is_named_and_does_not_come_is_found() {
    let mut packets = run(MuxRate::Cbr(6_000_000), Pts(90_000), 200).1.packets();
    packets.iter_mut().filter(|bytes| Packet::new(bytes).pid() == 0x101).for_each(null);
    assert_eq!(house(&packets).count(Check::Pid), 1);
}

#[test]
fn a_pts_that_goes_back_is_found() {
    let report = with_fault(|packets| {
        let at = find(packets, 60, |p| p.pid() == VIDEO_PID && p.payload_unit_start_indicator());
        let pts = PACKET_SIZE - Packet::new(&packets[at]).payload().len() + 9;
        packets[at][pts + 3] = packets[at][pts + 3].wrapping_sub(0x40); // 8192 ticks
        packets[at][pts + 2] -= 2;
    });
    assert!(report.count(Check::DtsOrder) + report.count(Check::PtsGrid) > 0);
}

#[test]
fn a_picture_or_frame_that_is_missing_is_found() {
    for pid in [VIDEO_PID, 0x101] {
        let report = with_fault(|packets| {
            let from = find(packets, 60, |p| p.pid() == pid && p.payload_unit_start_indicator());
            let to = find(packets, 61, |p| p.pid() == pid && p.payload_unit_start_indicator());
            packets[from..to].iter_mut().filter(|bytes| Packet::new(bytes).pid() == pid).for_each(null);
        });
        let expected = if pid == VIDEO_PID { Check::PtsRegularity } else { Check::Continuity };
        assert_eq!(report.count(expected), 1);
    }
}

#[test]
fn a_stream_that_changes_its_pid_is_found() {
    let report = with_fault(|packets| {
        for bytes in packets[1500..].iter_mut().filter(|bytes| Packet::new(bytes).pid() == VIDEO_PID) {
            bytes[2] = 0x22;
        }
    });
    assert_eq!(report.count(Check::UnreferencedPid), 1);
    assert!(report.count(Check::PcrRepetition) > 0);
}

#[test]
fn a_pmt_with_other_pids_is_found() {
    let report = with_fault(|packets| {
        for bytes in packets[1500..].iter_mut().filter(|bytes| Packet::new(bytes).pid() == PMT_PID) {
            let section = 5..5 + 3 + usize::from(bytes[7]);
            bytes[section.start + 19] = 0x33; // the second stream's PID
            let crc = section.end - 4;
            let sum = crate::psi::crc32(&bytes[section.start..crc]);
            bytes[crc..section.end].copy_from_slice(&sum.to_be_bytes());
        }
    });
    assert_eq!((report.count(Check::PidSet), report.count(Check::PsiContent)), (1, 1));
}

/// MX-8
#[test]
fn an_idr_without_parameter_sets_is_found() {
    for nal_header in [0x67, 0x68] {
        let report = with_fault(|packets| {
            let at = find(packets, 3, |p| p.random_access_indicator());
            let nal =
                packets[at].windows(5).position(|w| w == [0, 0, 0, 1, nal_header]).expect("a parameter set");
            packets[at][nal + 4] = 0x0C; // filler data
        });
        assert_eq!(report.count(Check::IdrParameterSets), 1);
    }
}

#[test]
fn idr_pictures_too_far_apart_are_found() {
    let packets = clean(MuxRate::Cbr(6_000_000));
    let config = JudgeConfig { idr_interval: Pcr::from_ms(400), ..JudgeConfig::house() };
    let report = judge_bytes(config, packets.as_flattened());
    assert_eq!(report.count(Check::IdrInterval), TICKS / GOP);
}

#[test]
fn a_bad_crc_is_found() {
    let report = with_fault(|packets| {
        let at = find(packets, 5, |p| p.pid() == PMT_PID);
        packets[at][17] ^= 1;
    });
    assert_eq!(report.count(Check::Crc), 1);
}

#[test]
fn transport_errors_sync_bytes_and_flags_are_found() {
    let report = with_fault(|packets| {
        let at = find(packets, 700, video_payload);
        packets[at][1] |= 0x80;
    });
    assert_eq!(report.count(Check::Transport), 1);
    let report = with_fault(|packets| packets[900][0] = 0x46);
    assert_eq!((report.count(Check::SyncByte), report.count(Check::SyncLoss)), (1, 0));
    let report = with_fault(|packets| {
        let at = find(packets, 40, has_pcr);
        packets[at][5] |= 0x80;
    });
    assert_eq!(report.count(Check::DiscontinuityIndicator), 1);
}

#[test]
fn garbage_between_packets_is_a_sync_loss_and_the_rest_is_judged() {
    let mut bytes = clean(MuxRate::Cbr(6_000_000)).into_flattened();
    let garbage = [0x11; 500];
    bytes.splice(188 * 1000..188 * 1000, garbage);
    let report = judge_bytes(JudgeConfig::house(), &bytes);
    let summary = report.checks[&Check::SyncLoss];
    assert_eq!((summary.count, summary.worst.value, summary.first_packet), (1, 500, 1000));
    assert_eq!(report.count(Check::Continuity), 0);
}

#[test]
fn units_that_come_too_late_are_found() {
    let (_, capture) = run(MuxRate::Cbr(3_100_000), Pts(0), 300); // less than the streams need
    let report = judge_bytes(JudgeConfig::house(), &capture.bytes);
    assert!(report.count(Check::ArrivesLate) > 0);
}

#[test]
fn findings_are_capped_and_counted() {
    let mut packets = clean(MuxRate::Cbr(6_000_000));
    packets.iter_mut().for_each(|bytes| bytes[1] |= 0x80);
    let mut judge = Judge::new(JudgeConfig { max_findings_per_check: 7, ..JudgeConfig::house() });
    judge.feed(packets.as_flattened());
    let findings = judge.take_findings();
    assert_eq!(findings.len(), 7);
    assert_eq!(findings[0].to_string(), "packet 0: 2.1 Transport_error on PID 0x0000: 1  (limit 0)");
    assert_eq!(judge.finish().count(Check::Transport), packets.len() as u64);
}

#[test]
fn findings_taken_make_room_for_more() {
    let packets = clean(MuxRate::Cbr(6_000_000));
    let mut judge = Judge::new(JudgeConfig { max_findings_per_check: 7, ..JudgeConfig::house() });
    for seconds in 1..=3 {
        for bytes in &packets[..100] {
            let mut bytes = *bytes;
            bytes[1] |= 0x80;
            judge.feed(&bytes);
        }
        assert_eq!(judge.take_findings().len(), 7);
        assert_eq!(judge.report().count(Check::Transport), 100 * seconds);
    }
}

#[test]
fn the_report_of_a_running_stream_is_that_of_its_end_so_far() {
    let packets = clean(MuxRate::Cbr(6_000_000));
    let mut judge = Judge::new(JudgeConfig::house());
    judge.feed(packets.as_flattened());
    let live = judge.report();
    assert!(live.is_clean());
    let end = judge.finish();
    assert_eq!(live.packets, end.packets);
    assert_eq!(live.duration_27m, end.duration_27m);
    assert_eq!(live.streams[1].first_pts, end.streams[1].first_pts);
    assert!(end.pictures() - live.pictures() <= 1 && end.audio_frames() - live.audio_frames() <= 2);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_judge_panic(seed: Vec<u8>, flips in proptest::collection::vec((0..400_000_usize, proptest::prelude::any::<u8>()), 0..200)) {
        let mut bytes = run(MuxRate::CappedVbr(12_000_000), Pts(0), 20).1.bytes;
        let size = bytes.len();
        flips.iter().for_each(|&(at, value)| bytes[at % size] = value);
        bytes.splice(size / 2..size / 2, seed);
        judge_bytes(JudgeConfig::house(), &bytes);
    }
}
