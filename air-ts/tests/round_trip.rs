//! What goes into the mux comes out of a reader that shares no code with it.

// the reader's macro makes a public type, and so must be what it names
#![allow(missing_docs)]

use air_ts::{AccessUnit, Judge, JudgeConfig, Mux, MuxConfig, MuxRate, Pcr, Pts};
use mpeg2ts_reader::demultiplex::{self, DemuxContext, FilterChangeset, FilterRequest, NullPacketFilter};
use mpeg2ts_reader::{packet_filter_switch, pes, psi};
use proptest::prelude::*;

/// A PES packet as the reader saw it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pid: u16,
    pts: u64,
    dts: u64,
    data: Vec<u8>,
}

packet_filter_switch! {
    Filter<Context> {
        Pes: pes::PesPacketFilter<Context, Consumer>,
        Pat: demultiplex::PatPacketFilter<Context>,
        Pmt: demultiplex::PmtPacketFilter<Context>,
        Null: NullPacketFilter<Context>,
    }
}

#[derive(Default)]
pub struct Context {
    changeset: FilterChangeset<Filter>,
    /// Whole packets.
    seen: Vec<Seen>,
    continuity_errors: usize,
    stream_types: Vec<(u16, u8)>,
}

impl DemuxContext for Context {
    type F = Filter;

    fn filter_changeset(&mut self) -> &mut FilterChangeset<Filter> {
        &mut self.changeset
    }

    fn construct(&mut self, request: FilterRequest<'_, '_>) -> Filter {
        match request {
            FilterRequest::ByPid(psi::pat::PAT_PID) => Filter::Pat(demultiplex::PatPacketFilter::default()),
            FilterRequest::ByStream { stream_type, stream_info, .. } => {
                let pid = u16::from(stream_info.elementary_pid());
                self.stream_types.push((pid, stream_type.0));
                Filter::Pes(pes::PesPacketFilter::new(Consumer { pid, current: None }))
            }
            FilterRequest::Pmt { pid, program_number } => {
                Filter::Pmt(demultiplex::PmtPacketFilter::new(pid, program_number))
            }
            FilterRequest::ByPid(_) | FilterRequest::Nit { .. } => Filter::Null(NullPacketFilter::default()),
        }
    }
}

pub struct Consumer {
    pid: u16,
    current: Option<Seen>,
}

impl pes::ElementaryStreamConsumer<Context> for Consumer {
    fn start_stream(&mut self, _: &mut Context) {}

    fn begin_packet(&mut self, _: &mut Context, header: pes::PesHeader<'_>) {
        let pes::PesContents::Parsed(Some(parsed)) = header.contents() else { return };
        let (pts, dts) = match parsed.pts_dts() {
            Ok(pes::PtsDts::PtsOnly(Ok(pts))) => (pts, pts),
            Ok(pes::PtsDts::Both { pts: Ok(pts), dts: Ok(dts) }) => (pts, dts),
            _ => return,
        };
        let data = parsed.payload().to_vec();
        self.current = Some(Seen { pid: self.pid, pts: pts.value(), dts: dts.value(), data });
    }

    fn continue_packet(&mut self, _: &mut Context, data: &[u8]) {
        if let Some(current) = &mut self.current {
            current.data.extend_from_slice(data);
        }
    }

    fn end_packet(&mut self, context: &mut Context) {
        context.seen.extend(self.current.take());
    }

    fn continuity_error(&mut self, context: &mut Context) {
        context.continuity_errors += 1;
    }
}

fn read(bytes: &[u8]) -> Context {
    let mut context = Context::default();
    demultiplex::Demultiplex::new(&mut context).push(&mut context, bytes);
    context
}

/// So many units at 25 a second, of which every third is sound.
fn units(origin: u64, sizes: &[(usize, u64)]) -> Vec<AccessUnit> {
    let make = |(n, &(size, reorder)): (usize, &(usize, u64))| {
        let dts = Pts(origin + 45_000 + n as u64 * 3600);
        let stream = usize::from(n % 3 == 2);
        let (size, reorder) = if stream == 1 { (size % 1500 + 1, 0) } else { (size, reorder) };
        let data = (0..size).map(|i| (i * 7 + n) as u8).collect();
        let pts = dts.saturating_add(Pts(reorder * 3600));
        AccessUnit { stream, pts, dts, random_access: stream == 0 && n % 12 == 0, data }
    };
    sizes.iter().enumerate().map(make).collect()
}

fn mux(rate: MuxRate, origin: u64, units: &[AccessUnit]) -> Vec<u8> {
    let start = Pts(origin).to_pcr();
    let mut mux = Mux::new(MuxConfig { rate, ..MuxConfig::default() }, start).expect("a valid mux");
    let mut bytes = Vec::new();
    for (n, unit) in (1..).zip(units) {
        mux.push(unit.clone()).expect("units in order");
        let until = Pcr(start.0 + n * 3600 * 300);
        mux.advance(until, &mut |_, packet| bytes.extend_from_slice(packet));
    }
    while !mux.is_idle() {
        let until = mux.now().saturating_add(Pcr::from_ms(100));
        mux.advance(until, &mut |_, packet| bytes.extend_from_slice(packet));
    }
    bytes
}

fn rates() -> impl Strategy<Value = MuxRate> {
    prop_oneof![
        (3_000_000..40_000_000_u64).prop_map(MuxRate::Cbr),
        (3_000_000..40_000_000_u64).prop_map(MuxRate::CappedVbr)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// MX-4, MX-5, MX-7
    #[test]
    fn another_reader_sees_what_was_sent(
        rate in rates(),
        origin in prop_oneof![Just(0), Just((1_u64 << 33) - 90_000), 0..1_u64 << 34],
        sizes in proptest::collection::vec((1..20_000_usize, 0..3_u64), 6..60),
    ) {
        let sent = units(origin, &sizes);
        let context = read(&mux(rate, origin, &sent));
        prop_assert_eq!(context.continuity_errors, 0);
        prop_assert_eq!(context.stream_types, [(0x100, 0x1B), (0x101, 0x0F)]);
        for (stream, pid) in [(0, 0x100), (1, 0x101)] {
            let sent = sent.iter().filter(|unit| unit.stream == stream).map(|unit| Seen {
                pid,
                pts: unit.pts.to_wire(),
                dts: unit.dts.to_wire(),
                data: unit.data.clone(),
            });
            let sent: Vec<Seen> = sent.collect();
            let seen: Vec<&Seen> = context.seen.iter().filter(|seen| seen.pid == pid).collect();
            // the reader gives a packet when the next one starts
            prop_assert!(seen.len() + 1 >= sent.len());
            prop_assert!(seen.iter().zip(&sent).all(|(seen, sent)| *seen == sent));
        }
    }

    /// MX-5, MX-6: whatever the units are, the multiplex itself is sound.
    #[test]
    fn the_judge_finds_no_fault_in_the_multiplex(
        rate in rates(),
        sizes in proptest::collection::vec((1..20_000_usize, 0..3_u64), 6..60),
    ) {
        use air_ts::Check;
        let mut judge = Judge::new(JudgeConfig::house());
        judge.feed(&mux(rate, 8_589_000_000, &units(8_589_000_000, &sizes)));
        let report = judge.finish();
        let of_the_units = [
            Check::PtsRegularity, Check::PtsGrid, Check::StartLead, Check::ArrivesLate, Check::IdrInterval,
            Check::RandomAccessIndicator, Check::IdrParameterSets, Check::PtsRepetition,
        ];
        for (check, summary) in report.checks {
            prop_assert!(of_the_units.contains(&check), "{}", summary.worst);
        }
    }
}
