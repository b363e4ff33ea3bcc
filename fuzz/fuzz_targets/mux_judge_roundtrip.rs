//! Any units at any times: the mux takes or refuses them, and what it sends is a sound multiplex.
#![no_main]

use air_ts::{AccessUnit, Check, Judge, JudgeConfig, Mux, MuxConfig, MuxRate, Pcr, Pts};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    constant_rate: bool,
    rate_kbps: u16,
    origin: u32,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Push { stream: u8, dts_step: u16, reorder: u8, random_access: bool, size: u16 },
    Advance { ms: u8 },
    Skip { ms: u8 },
}

fuzz_target!(|input: Input| {
    let bps = u64::from(input.rate_kbps) * 1000;
    let rate = if input.constant_rate { MuxRate::Cbr(bps) } else { MuxRate::CappedVbr(bps) };
    let origin = Pts(u64::from(input.origin) << 2);
    let Ok(mut mux) = Mux::new(MuxConfig { rate, ..MuxConfig::default() }, origin.to_pcr()) else { return };
    let mut judge = Judge::new(JudgeConfig { constant_rate: Some(false), ..JudgeConfig::broadcast() });
    let mut dts = [origin; 2];
    let mut skipped = false;
    for step in input.steps.into_iter().take(200) {
        match step {
            Step::Push { stream, dts_step, reorder, random_access, size } => {
                let stream = usize::from(stream % 3);
                let stamp = dts.get(stream).map_or(origin, |dts| Pts(dts.0 + u64::from(dts_step)));
                let pts = Pts(stamp.0 + u64::from(reorder) * 100);
                let data = vec![0x5A; usize::from(size)];
                if mux.push(AccessUnit { stream, pts, dts: stamp, random_access, data }).is_ok() {
                    dts[stream] = stamp;
                }
            }
            Step::Advance { ms } => {
                let until = Pcr(mux.now().0 + Pcr::from_ms(u64::from(ms)).0);
                mux.advance(until, &mut |_, packet| judge.feed(packet));
            }
            Step::Skip { ms } => {
                skipped = true;
                mux.skip_to(Pcr(mux.now().0 + Pcr::from_ms(u64::from(ms)).0));
            }
        }
    }
    let report = judge.finish();
    for check in [Check::SyncLoss, Check::Continuity, Check::Crc, Check::PacketSyntax, Check::DtsOrder] {
        assert_eq!(report.count(check), 0, "{check}");
    }
    if !skipped {
        assert_eq!(report.count(Check::PcrDiscontinuity), 0);
    }
});
