//! PIDs that no table names (TR 101 290, 5.2.3, 3.4.a).

use super::psi::Tables;
use super::report::{Check, Log};

/// Up to here PIDs are the standards' own.
const LAST_RESERVED_PID: u16 = 0x1F;

/// Those met so far; each is reported once.
#[derive(Debug, Default)]
pub(super) struct Strays {
    met: Vec<u16>,
}

impl Strays {
    /// A packet came on `pid`, which is no stream of the program.
    pub(super) fn check(&mut self, packet: u64, pid: u16, tables: &Tables, log: &mut Log) {
        let Some(program) = &tables.program else { return };
        let is_named = pid <= LAST_RESERVED_PID || pid == program.pcr_pid || Some(pid) == tables.pmt_pid();
        if is_named || tables.has_other_programs || self.met.contains(&pid) {
            return;
        }
        self.met.push(pid);
        log.add(Check::UnreferencedPid, packet, Some(pid), i64::from(pid), 0);
    }
}
