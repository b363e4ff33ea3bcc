//! Any units at any times: the mux takes or refuses them, and what it sends is a sound multiplex.
#![no_main]

use air_ts::{AccessUnit, Check, Judge, JudgeConfig, Mux, MuxConfig, MuxRate, Pcr, Pts, Report};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

/// Bytes of the largest audio frame that surely fits its main buffer.
const MAX_FRAME: usize = 3000;

/// Whatever the units are.
const NEVER: [Check; 12] = [
    Check::SyncLoss,
    Check::SyncByte,
    Check::Continuity,
    Check::DuplicatePacket,
    Check::Crc,
    Check::PacketSyntax,
    Check::PsiVersion,
    Check::PsiContent,
    Check::PidSet,
    Check::PesSyntax,
    Check::PesLength,
    Check::DtsOrder,
];
/// Where no slots were skipped.
const NEVER_IN_ONE_PIECE: [Check; 3] = [Check::PcrDiscontinuity, Check::Pat, Check::Pmt];
/// And where the rate is constant; elsewhere the judge guesses how long the last packets took.
const NEVER_AT_A_CONSTANT_RATE: [Check; 4] =
    [Check::PcrAccuracy, Check::PcrRepetition, Check::TransportBuffer, Check::MainBuffer];

#[derive(Arbitrary, Debug)]
struct Input {
    constant_rate: bool,
    rate_kbps: u16,
    origin: u32,
    pids: [u16; 3],
    pcr_stream: bool,
    pcr_ms: u8,
    psi_ms: u8,
    sdt_ms: u16,
    descriptors: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Push { stream: u8, dts_step: u16, reorder: u8, random_access: bool, size: u16 },
    Advance { ms: u8 },
    Skip { ms: u8 },
}

impl Input {
    fn config(&self) -> MuxConfig {
        let bps = u64::from(self.rate_kbps) * 1000;
        let mut config = MuxConfig {
            rate: if self.constant_rate { MuxRate::Cbr(bps) } else { MuxRate::CappedVbr(bps) },
            pmt_pid: self.pids[2],
            pcr_stream: usize::from(self.pcr_stream),
            pcr_interval: Pcr::from_ms(u64::from(self.pcr_ms)),
            psi_interval: Pcr::from_ms(u64::from(self.psi_ms)),
            sdt_interval: Pcr::from_ms(u64::from(self.sdt_ms)),
            ..MuxConfig::default()
        };
        for (stream, pid) in config.streams.iter_mut().zip(self.pids) {
            stream.pid = pid;
        }
        config.streams[0].descriptors = vec![0; usize::from(self.descriptors)];
        config
    }

    fn is_in_one_piece(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Skip { .. }))
    }
}

/// A mux, the judge of what it sends, and where its streams are.
struct Run {
    mux: Mux,
    judge: Judge,
    dts: [Pts; 2],
}

impl Run {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Push { stream, dts_step, reorder, random_access, size } => {
                let stream = usize::from(stream % 3);
                let size = usize::from(size);
                let data = if stream == 1 { frame(size % MAX_FRAME) } else { vec![0x5A; size] };
                let before = self.dts.get(stream).copied().unwrap_or_default();
                let dts = Pts(before.0 + u64::from(dts_step));
                let pts = Pts(dts.0 + u64::from(reorder) * 100);
                let unit = AccessUnit { stream, pts, dts, random_access, data };
                if self.mux.push(unit).is_ok() {
                    self.dts[stream] = dts;
                }
            }
            Step::Advance { ms } => {
                let until = self.mux.now().saturating_add(Pcr::from_ms(u64::from(ms)));
                self.mux.advance(until, &mut |_, packet| self.judge.feed(packet));
            }
            Step::Skip { ms } => {
                self.mux.skip_to(self.mux.now().saturating_add(Pcr::from_ms(u64::from(ms))));
            }
        }
    }
}

/// Stereo in ADTS, from 7 bytes on.
fn frame(size: usize) -> Vec<u8> {
    let mut data = vec![0x5A; size];
    if let Some(header) = data.first_chunk_mut() {
        *header =
            [0xFF, 0xF1, 0x4C, 0x80 | (size >> 11) as u8, (size >> 3) as u8, (size << 5) as u8 | 0x1F, 0xFC];
    }
    data
}

fn assert_never(checks: &[Check], report: &Report) {
    for check in checks {
        assert_eq!(report.checks.get(check), None);
    }
}

fuzz_target!(|input: Input| {
    let config = input.config();
    let origin = Pts(u64::from(input.origin) << 2);
    let Ok(mux) = Mux::new(config.clone(), origin.to_pcr()) else { return };
    let is_in_one_piece = input.is_in_one_piece();
    let is_constant = input.constant_rate && is_in_one_piece;
    // times are known to a PCR interval
    let table_interval = config.psi_interval.saturating_add(config.pcr_interval);
    let judge = Judge::new(JudgeConfig {
        constant_rate: Some(is_constant),
        pat_interval: table_interval,
        pmt_interval: table_interval,
        // a PCR among sound waits for the transport buffer of 512 bytes at 2 Mb/s
        pcr_interval: config.pcr_interval.saturating_add(Pcr::from_ms(1)),
        ..JudgeConfig::broadcast()
    });
    let mut run = Run { mux, judge, dts: [origin; 2] };
    let end = Step::Advance { ms: 100 }; // time for tables, whatever came before
    input.steps.iter().take(200).chain([&end]).for_each(|step| run.take(step));
    let report = run.judge.finish();
    assert_never(&NEVER, &report);
    if is_in_one_piece {
        assert_never(&NEVER_IN_ONE_PIECE, &report);
    }
    if is_constant {
        assert_never(&NEVER_AT_A_CONSTANT_RATE, &report);
    }
});
