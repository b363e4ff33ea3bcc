//! When PAT, PMT and SDT come (TR 101 290, 5.2.1 1.3 and 1.5, 5.2.2 3.5).
//!
//! By the program's clock, once it runs. Before, only packets can be counted: a stream without PAT or PMT has no
//! clock at all.

use super::config::JudgeConfig;
use super::interval::Interval;
use super::pcr::Moment;
use super::psi::{Table, Tables};
use super::report::{Check, Log};

/// Packets without a program after which its tables are missing: half a second at 50 Mb/s.
const PATIENCE_PACKETS: u64 = 16_384;

#[derive(Debug)]
pub(super) struct Timetable {
    pat: Interval,
    pmt: Interval,
    sdt: Interval,
    /// It was said that the program never came.
    missed: bool,
}

impl Timetable {
    pub(super) fn new(config: &JudgeConfig) -> Self {
        Self {
            pat: Interval::new(config.pat_interval.0),
            pmt: Interval::new(config.pmt_interval.0),
            sdt: Interval::new(config.sdt_interval.0),
            missed: false,
        }
    }

    /// A table came at `now`.
    pub(super) fn arrive(&mut self, table: Table, packet: u64, now: Moment, log: &mut Log) {
        let (interval, check) = match table {
            Table::Pat => (&mut self.pat, Check::Pat),
            Table::Pmt => (&mut self.pmt, Check::Pmt),
            Table::Sdt => (&mut self.sdt, Check::Sdt),
        };
        if let Some(gap) = interval.arrive(now.elapsed) {
            log.add(check, packet, None, gap / 27_000, interval.limit() / 27_000);
        }
    }

    /// Time has come this far, with or without tables.
    pub(super) fn check_presence(&mut self, packet: u64, now: Moment, has_sdt: bool, log: &mut Log) {
        let pat = Some((&mut self.pat, Check::Pat));
        let pmt = Some((&mut self.pmt, Check::Pmt));
        let sdt = has_sdt.then_some((&mut self.sdt, Check::Sdt));
        for (interval, check) in [pat, pmt, sdt].into_iter().flatten() {
            if let Some(gap) = interval.overdue(now.elapsed) {
                log.add(check, packet, None, gap / 27_000, interval.limit() / 27_000);
            }
        }
    }

    /// So many packets came; is there a program by now?
    pub(super) fn check_patience(&mut self, packets: u64, tables: &Tables, log: &mut Log) {
        if packets >= PATIENCE_PACKETS && tables.program.is_none() {
            self.miss(packets, tables, log);
        }
    }

    /// There is no program, and there should be: says so, once.
    pub(super) fn miss(&mut self, packet: u64, tables: &Tables, log: &mut Log) {
        if std::mem::replace(&mut self.missed, true) {
            return;
        }
        match tables.pmt_pid() {
            Some(pid) => log.add(Check::Pmt, packet, Some(pid), 0, self.pmt.limit() / 27_000),
            None => log.add(Check::Pat, packet, Some(0), 0, self.pat.limit() / 27_000),
        }
    }

    /// The longest times between two PATs and two PMTs, 27 MHz ticks.
    pub(super) fn longest_gaps(&self) -> (u64, u64) {
        (self.pat.longest(), self.pmt.longest())
    }
}
