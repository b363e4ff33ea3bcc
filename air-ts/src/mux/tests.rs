use super::*;
use crate::fixture::{self, Capture, DELAY, run, tick, units};
use crate::packet::{NULL_PID, Packet};
use crate::pcr::PCR_WRAP;
use crate::psi::{PAT_PID, SDT_PID};

const CBR: MuxRate = MuxRate::Cbr(6_000_000);
const VBR: MuxRate = MuxRate::CappedVbr(12_000_000);
const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;

fn pids(capture: &Capture) -> Vec<u16> {
    capture.packets().iter().map(|bytes| Packet::new(bytes).pid()).collect()
}

/// Departures of the packets for which `which` holds.
fn times(capture: &Capture, which: impl Fn(Packet<'_>) -> bool) -> Vec<Pcr> {
    let packets = capture.packets();
    let all = packets.iter().zip(&capture.departures);
    all.filter(|(bytes, _)| which(Packet::new(bytes))).map(|(_, &departure)| departure).collect()
}

fn longest_gap(times: &[Pcr]) -> Pcr {
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().expect("several of them")
}

/// MX-3, MX-8, L-15
#[test]
fn psi_then_idr_with_pcr_go_first_and_sound_follows_at_once() {
    for rate in [CBR, VBR] {
        let (_, capture) = run(rate, Pts(900_000), 3);
        assert_eq!(pids(&capture)[..4], [PAT_PID, PMT_PID, SDT_PID, VIDEO_PID]);
        let packets = capture.packets();
        let first = Packet::new(&packets[3]);
        assert!(first.random_access_indicator() && first.payload_unit_start_indicator());
        assert!(first.pcr().is_some());
        let sound = times(&capture, |packet| packet.pid() == AUDIO_PID)[0];
        assert!(sound.saturating_sub(Pts(900_000).to_pcr()) < Pcr::from_ms(10));
    }
}

/// MX-3, R-33
#[test]
fn psi_comes_ten_times_a_second_and_before_each_idr() {
    let (_, capture) = run(VBR, Pts(0), 300);
    let pat = times(&capture, |packet| packet.pid() == PAT_PID);
    assert!(longest_gap(&pat) <= Pcr::from_ms(100));
    assert!(pat.len() <= 12 * 10 + 1, "{} PATs in 10 s", pat.len());
    let sdt = times(&capture, |packet| packet.pid() == SDT_PID);
    assert!(longest_gap(&sdt) <= Pcr::from_ms(1100));
    let idr = times(&capture, |packet| packet.random_access_indicator());
    assert_eq!(idr.len() as u64, 300 / fixture::GOP);
    for at in idr {
        assert!(pat.iter().any(|&sent| sent < at && at.saturating_sub(sent) < Pcr::from_ms(25)));
    }
}

/// MX-6
#[test]
fn every_pcr_is_the_exact_time_of_its_byte() {
    for (rate, bps) in [(CBR, 6_000_000_u128), (VBR, 12_000_000)] {
        let origin = Pts(12_345).to_pcr();
        let (_, capture) = run(rate, origin.to_pts(), 300);
        let mut clocks = Vec::new();
        for (bytes, departure) in capture.packets().iter().zip(&capture.departures) {
            let Some(pcr) = Packet::new(bytes).pcr() else { continue };
            let slot = (u128::from(departure.0 - origin.0) * bps).div_ceil(1504 * 27_000_000);
            let exact = u128::from(origin.0) + (slot * 1504 + 80) * 27_000_000 / bps;
            assert_eq!(u128::from(pcr.0), exact);
            clocks.push(pcr);
        }
        assert!(longest_gap(&clocks) <= Pcr::from_ms(35));
    }
}

#[test]
fn at_a_constant_rate_every_slot_is_filled() {
    let (mux, capture) = run(CBR, Pts(0), 300);
    for (slot, departure) in capture.departures.iter().enumerate() {
        assert_eq!(departure.0, slot as u64 * 1504 * 27_000_000 / 6_000_000);
    }
    let nulls = pids(&capture).iter().filter(|&&pid| pid == NULL_PID).count() as u64;
    assert_eq!(mux.counters().null_packets, nulls);
    assert_eq!(mux.counters().packets, capture.departures.len() as u64);
    assert_eq!(mux.counters().late_units, 0);
}

#[test]
fn at_a_varying_rate_no_two_packets_share_a_slot_of_the_peak() {
    let (_, capture) = run(VBR, Pts(0), 300);
    let slots: Vec<u128> = capture
        .departures
        .iter()
        .map(|departure| (u128::from(departure.0) * 12_000_000).div_ceil(1504 * 27_000_000))
        .collect();
    assert!(slots.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(!pids(&capture).contains(&NULL_PID));
}

/// Sizes and departures of the audio packets, against the decoder's 3584 bytes and 512 at 2 Mb/s.
#[test]
fn the_audio_buffers_never_overflow() {
    for rate in [CBR, VBR] {
        let origin = Pts(0);
        let (_, capture) = run(rate, origin, 600);
        let (mut frame, mut main, mut transport) = (0_u64, Vec::new(), 0_i64);
        let mut before = Pcr(0);
        for (bytes, &now) in capture.packets().iter().zip(&capture.departures) {
            let packet = Packet::new(bytes);
            if packet.pid() != AUDIO_PID {
                continue;
            }
            frame += u64::from(packet.payload_unit_start_indicator());
            let decoded_at = Pts(DELAY.0 + (frame - 1) * 1920).to_pcr();
            main.push((decoded_at, packet.payload().len()));
            main.retain(|&(decoded_at, _)| decoded_at > now);
            let fullness: usize = main.iter().map(|&(_, bytes)| bytes).sum();
            assert!(fullness <= 3584, "{fullness} bytes at {now}");
            let leaked = (now.0 - before.0) as i64 * 250_000;
            transport = (transport - leaked).max(0) + 188 * 27_000_000;
            assert!(transport <= 512 * 27_000_000, "transport buffer at {now}");
            before = now;
        }
        assert!(frame > 900);
    }
}

/// MX-5
#[test]
fn a_packet_without_payload_does_not_count() {
    let config = MuxConfig { rate: VBR, ..MuxConfig::default() };
    let mut mux = Mux::new(config, Pcr(0)).expect("a valid mux");
    let mut capture = Capture::default();
    capture.advance(&mut mux, Pcr::from_ms(1000));
    let video: Vec<_> =
        capture.packets().into_iter().filter(|bytes| Packet::new(bytes).pid() == VIDEO_PID).collect();
    assert!(video.len() >= 28, "the clock runs without pictures");
    assert!(video.iter().all(|bytes| !Packet::new(bytes).has_payload()));
    assert!(video.iter().all(|bytes| Packet::new(bytes).continuity_counter() == 0x0F));
    mux.push(units(Pts(90_000), 0).remove(0)).expect("a picture");
    let mut later = Capture::default();
    later.advance(&mut mux, Pcr::from_ms(1100));
    let first = later
        .packets()
        .into_iter()
        .find(|bytes| Packet::new(bytes).has_payload() && Packet::new(bytes).pid() == VIDEO_PID);
    assert_eq!(Packet::new(&first.expect("the picture")).continuity_counter(), 0);
}

#[test]
fn clocks_wrap_on_the_wire_only() {
    let origin = Pts((1 << 33) - 900_000);
    let (mux, capture) = run(CBR, origin, 600);
    assert_eq!(mux.counters().late_units, 0);
    let clocks: Vec<u64> =
        capture.packets().iter().filter_map(|bytes| Packet::new(bytes).pcr()).map(|pcr| pcr.0).collect();
    assert!(clocks.iter().all(|&pcr| pcr < PCR_WRAP));
    let back = clocks.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    assert_eq!(back, 1, "one wrap in 20 s around it");
    assert!(clocks.windows(2).all(|pair| (pair[1] + PCR_WRAP - pair[0]) % PCR_WRAP <= Pcr::from_ms(35).0));
}

#[test]
fn the_same_units_give_the_same_bytes_however_time_is_cut() {
    for rate in [CBR, VBR] {
        let (_, whole) = run(rate, Pts(0), 60);
        let mut mux = Mux::new(MuxConfig { rate, ..MuxConfig::default() }, Pcr(0)).expect("a valid mux");
        let mut cut = Capture::default();
        for n in 0..60 {
            units(Pts(0), n).into_iter().for_each(|unit| mux.push(unit).expect("units in order"));
            let (from, to) = (tick(Pts(0), n).to_pcr().0, tick(Pts(0), n + 1).to_pcr().0);
            for step in (from..to).step_by(31_337).skip(1).chain([to]) {
                cut.advance(&mut mux, Pcr(step));
            }
        }
        assert!(whole.bytes == cut.bytes && whole.departures == cut.departures);
    }
}

/// MX-5
#[test]
fn after_a_skip_tables_come_first_and_counters_go_on() {
    let (mut mux, mut capture) = run(VBR, Pts(0), 30);
    let skipped_at = capture.departures.len();
    let resume = tick(Pts(0), 60);
    mux.skip_to(resume.to_pcr());
    for unit in units(Pts(0), 60) {
        mux.push(unit).expect("units in order");
    }
    capture.advance(&mut mux, tick(Pts(0), 61).to_pcr());
    assert!(capture.departures[skipped_at] >= resume.to_pcr());
    assert_eq!(pids(&capture)[skipped_at..skipped_at + 3], [PAT_PID, PMT_PID, SDT_PID]);
    let mut counters = [None; 0x2000];
    for bytes in capture.packets() {
        let packet = Packet::new(&bytes);
        let counter = &mut counters[usize::from(packet.pid())];
        if let Some(before) = counter.filter(|_| packet.has_payload()) {
            assert_eq!(packet.continuity_counter(), (before + 1) % 16);
        }
        *counter = Some(packet.continuity_counter());
    }
}

#[test]
fn a_unit_that_cannot_be_in_time_is_sent_and_counted() {
    let mut mux = Mux::new(MuxConfig { rate: CBR, ..MuxConfig::default() }, Pcr(0)).expect("a valid mux");
    let data = fixture::picture(true, 300_000); // 400 ms at 6 Mb/s
    mux.push(AccessUnit { stream: 0, pts: DELAY, dts: DELAY, random_access: true, data }).expect("a picture");
    Capture::default().advance(&mut mux, Pcr::from_ms(1000));
    assert!(mux.is_idle());
    assert_eq!((mux.counters().units, mux.counters().late_units), (1, 1));
}

/// Tables that take longer than they count as fresh, at a rate that leaves room for little else.
#[test]
fn large_tables_at_a_low_rate_leave_room_for_pictures() {
    for descriptors in [0, 200, 400, 600, 800] {
        let mut config = MuxConfig {
            rate: MuxRate::Cbr(245_000),
            pcr_interval: Pcr::from_ms(100),
            ..MuxConfig::default()
        };
        config.streams[0].descriptors = vec![0; descriptors];
        let mut mux = Mux::new(config, Pcr(0)).expect("a valid mux");
        let data = fixture::picture(true, 3000);
        mux.push(AccessUnit { stream: 0, pts: DELAY, dts: DELAY, random_access: true, data })
            .expect("a picture");
        Capture::default().advance(&mut mux, Pcr::from_ms(1000));
        assert!(mux.is_idle(), "{descriptors} bytes of descriptors");
    }
}

#[test]
fn bad_configurations_are_refused_with_the_reason() {
    let refused = |change: fn(&mut MuxConfig)| {
        let mut config = MuxConfig::default();
        change(&mut config);
        Mux::new(config, Pcr(0)).expect_err("refused")
    };
    assert_eq!(refused(|c| c.program_number = 0), MuxError::ProgramNumberZero);
    assert_eq!(refused(|c| c.pmt_pid = 0x1FFF), MuxError::PidOutOfRange { pid: 0x1FFF });
    assert_eq!(refused(|c| c.pmt_pid = 0x100), MuxError::PidTwice { pid: 0x100 });
    assert_eq!(refused(|c| c.pcr_stream = 2), MuxError::NoSuchStream { stream: 2, streams: 2 });
    assert_eq!(refused(|c| c.streams[1].buffer.leak_bps = 0), MuxError::EmptyBufferModel { pid: 0x101 });
    assert!(matches!(refused(|c| c.rate = MuxRate::Cbr(1000)), MuxError::RateOutOfRange { bps: 1000, .. }));
    assert!(matches!(
        refused(|c| c.pcr_interval = Pcr(0)),
        MuxError::IntervalOutOfRange { name: "pcr_interval", .. }
    ));
    assert!(matches!(
        refused(|c| {
            (c.rate, c.pcr_interval) = (MuxRate::Cbr(245_000), Pcr::from_ms(100));
            c.streams[0].descriptors = vec![0; 980];
        }),
        MuxError::TablesTooSlow { .. }
    ));
    assert!(matches!(refused(|c| c.service_name = "x".repeat(300)), MuxError::Table(_)));
}

#[test]
fn bad_units_are_refused_and_change_nothing() {
    let mut mux = Mux::new(MuxConfig::default(), Pcr(0)).expect("a valid mux");
    let unit = |stream, pts, dts, data| AccessUnit {
        stream,
        pts: Pts(pts),
        dts: Pts(dts),
        random_access: false,
        data,
    };
    assert!(matches!(
        mux.push(unit(2, 1, 1, vec![0])),
        Err(MuxError::NoSuchStream { stream: 2, streams: 2 })
    ));
    assert!(matches!(mux.push(unit(0, 1, 1, vec![])), Err(MuxError::EmptyUnit { .. })));
    assert!(matches!(mux.push(unit(0, 1, 2, vec![0])), Err(MuxError::PtsBeforeDts { .. })));
    assert!(matches!(mux.push(unit(1, 1, 1, vec![0; 65_530])), Err(MuxError::UnitTooLarge { .. })));
    assert!(mux.is_idle());
    mux.push(unit(0, 9, 9, vec![0])).expect("the first");
    assert!(matches!(mux.push(unit(0, 9, 9, vec![0])), Err(MuxError::DtsOrder { .. })));
}
