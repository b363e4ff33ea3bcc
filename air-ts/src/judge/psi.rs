//! What the tables say, and whether they ever say otherwise (TR 101 290, 5.2.1 1.3 and 1.5, 5.2.2 2.2).
//!
//! When they come is for [`super::Judge`] to tell, who has the clock. Of a PAT or a PMT PID
//! with several sections, only the one that names or describes the first program is followed.

use super::report::{Check, Log};
use crate::psi::{PAT_PID, Pat, Pmt, SDT_PID, Sdt, SectionReader, crc32};

/// A table that came whole and sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Pat,
    Pmt,
    Sdt,
}

/// A section that was seen, to know it again without reading it.
#[derive(Debug, Default)]
struct Known {
    reader: SectionReader,
    section: Vec<u8>,
}

/// Where the PAT has the first program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    section_number: u8,
    program_number: u16,
    pmt_pid: u16,
}

/// The tables of the first program.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pat: Known,
    pmt: Known,
    sdt: Known,
    entry: Option<Entry>,
    pub(super) program: Option<Pmt>,
    /// The PAT names several programs, so that not every PID is ours.
    pub(super) has_other_programs: bool,
    pub(super) service_name: Option<String>,
}

impl Tables {
    /// The PID of the program's PMT.
    pub(super) fn pmt_pid(&self) -> Option<u16> {
        self.entry.map(|entry| entry.pmt_pid)
    }

    /// Takes a payload; gives the table if it completed one of those followed, and whether the program changed.
    pub(super) fn feed(
        &mut self,
        packet: u64,
        pid: u16,
        payload: &[u8],
        starts: bool,
        log: &mut Log,
    ) -> Option<(Table, bool)> {
        let table = match pid {
            PAT_PID => Table::Pat,
            SDT_PID => Table::Sdt,
            _ if Some(pid) == self.pmt_pid() => Table::Pmt,
            _ => return None,
        };
        let known = self.known(table);
        let mut reader = std::mem::take(&mut known.reader);
        let mut found = None;
        reader.feed(payload, starts, |section| {
            let changed = self.section(table, section, packet, pid, log);
            found = changed.map(|changed| (table, changed)).or(found);
        });
        self.known(table).reader = reader;
        found
    }

    /// Packets of this PID were lost.
    pub(super) fn lose(&mut self, pid: u16) {
        match pid {
            PAT_PID => self.pat.reader.reset(),
            SDT_PID => self.sdt.reader.reset(),
            _ if Some(pid) == self.pmt_pid() => self.pmt.reader.reset(),
            _ => {}
        }
    }

    fn known(&mut self, table: Table) -> &mut Known {
        match table {
            Table::Pat => &mut self.pat,
            Table::Pmt => &mut self.pmt,
            Table::Sdt => &mut self.sdt,
        }
    }

    /// Whether the program changed, for a section of the table that is sound.
    fn section(
        &mut self,
        table: Table,
        section: &[u8],
        packet: u64,
        pid: u16,
        log: &mut Log,
    ) -> Option<bool> {
        if self.known(table).section == section {
            return Some(false);
        }
        let table_id = section[0];
        let expected = match table {
            Table::Pat => 0x00,
            Table::Pmt => 0x02,
            Table::Sdt => 0x42,
        };
        if table_id != expected {
            // other SI on the SDT's PID and private sections on the PMT's are lawful
            if table == Table::Pat {
                log.add(Check::PatTableId, packet, Some(pid), i64::from(table_id), 0);
            }
            return None;
        }
        if crc32(section) != 0 {
            log.add(Check::Crc, packet, Some(pid), i64::from(table_id), 0);
            return None;
        }
        let changed = match table {
            Table::Pat => self.pat_changed(section, packet, log)?,
            Table::Pmt => self.pmt_changed(section, packet, log)?,
            Table::Sdt => {
                self.service_name = Some(Sdt::parse(section)?.service_name);
                false
            }
        };
        if table != Table::Sdt {
            compare_versions(&self.known(table).section, section, packet, pid, log);
        }
        let known = &mut self.known(table).section;
        known.clear();
        known.extend_from_slice(section);
        Some(changed)
    }

    fn pat_changed(&mut self, section: &[u8], packet: u64, log: &mut Log) -> Option<bool> {
        let pat = Pat::parse(section)?;
        let (section_number, last_section_number) = (section[6], section[7]);
        let mut programs = pat.programs.iter().filter(|(program_number, _)| *program_number != 0);
        let entry = programs.next().map(|&(program_number, pmt_pid)| Entry {
            section_number,
            program_number,
            pmt_pid,
        });
        let is_followed = match self.entry {
            Some(before) => before.section_number == section_number,
            None => entry.is_some(),
        };
        if last_section_number > 0 && !is_followed {
            return None;
        }
        self.has_other_programs = programs.next().is_some() || last_section_number > 0;
        let changed = self.entry.is_some() && entry != self.entry;
        if changed {
            let pmt_pid = entry.map(|entry| entry.pmt_pid);
            log.add(Check::PidSet, packet, pmt_pid, i64::from(pmt_pid.unwrap_or(0)), 0);
            self.pmt = Known::default();
        }
        self.entry = entry;
        Some(changed)
    }

    fn pmt_changed(&mut self, section: &[u8], packet: u64, log: &mut Log) -> Option<bool> {
        let pmt = Pmt::parse(section)?;
        if self.entry.is_none_or(|entry| entry.program_number != pmt.program_number) {
            return None; // another program's, on the same PID
        }
        let pids = |pmt: &Pmt| -> Vec<(u16, u8)> {
            let streams = pmt.streams.iter().map(|stream| (stream.elementary_pid, stream.stream_type));
            std::iter::once((pmt.pcr_pid, 0)).chain(streams).collect()
        };
        let changed = match &self.program {
            None => true,
            Some(before) if pids(before) == pids(&pmt) => false,
            Some(before) => {
                let (value, limit) = (pmt.streams.len() as i64, before.streams.len() as i64);
                log.add(Check::PidSet, packet, self.pmt_pid(), value, limit);
                true
            }
        };
        self.program = Some(pmt);
        Some(changed)
    }
}

/// Both sections are of one table and sound, the older maybe empty: none came before.
fn compare_versions(before: &[u8], now: &[u8], packet: u64, pid: u16, log: &mut Log) {
    let version = |section: &[u8]| i64::from(section[5] >> 1 & 0x1F);
    if before.is_empty() {
        return;
    }
    let check = if version(before) == version(now) { Check::PsiContent } else { Check::PsiVersion };
    log.add(check, packet, Some(pid), version(now), version(before));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;
    use crate::psi::{PmtStream, packetise};

    fn feed(tables: &mut Tables, log: &mut Log, pid: u16, section: &[u8]) -> Option<(Table, bool)> {
        let packets = packetise(pid, section);
        let feed = |bytes| {
            let packet = Packet::new(bytes);
            tables.feed(0, pid, packet.payload(), packet.payload_unit_start_indicator(), log)
        };
        packets.iter().map(feed).fold(None, Option::or)
    }

    fn pat(programs: &[(u16, u16)]) -> Vec<u8> {
        let pat = Pat { transport_stream_id: 1, version_number: 0, programs: programs.to_vec() };
        pat.to_section().expect("a section")
    }

    fn pmt(program_number: u16, elementary_pid: u16) -> Vec<u8> {
        let stream = PmtStream { stream_type: 0x1B, elementary_pid, descriptors: vec![] };
        let pmt = Pmt { program_number, version_number: 0, pcr_pid: elementary_pid, streams: vec![stream] };
        pmt.to_section().expect("a section")
    }

    #[test]
    fn programs_that_share_a_pmt_pid_are_not_taken_for_one_that_changes() {
        let (mut tables, mut log) = (Tables::default(), Log::new(100, &[]));
        feed(&mut tables, &mut log, PAT_PID, &pat(&[(7, 0x1000), (8, 0x1000)]));
        for _ in 0..3 {
            assert_eq!(feed(&mut tables, &mut log, 0x1000, &pmt(8, 0x200)), None);
            assert_eq!(
                feed(&mut tables, &mut log, 0x1000, &pmt(7, 0x100)).map(|(table, _)| table),
                Some(Table::Pmt)
            );
        }
        assert_eq!(tables.program.map(|pmt| (pmt.program_number, pmt.pcr_pid)), Some((7, 0x100)));
        assert_eq!(log.take(), []);
    }

    #[test]
    fn a_pat_of_several_sections_does_not_change_with_each() {
        let sections = [&[(0, 0x10)][..], &[(7, 0x1000)], &[(8, 0x1001)]];
        let sections = [0, 1, 2].map(|number| {
            let mut section = pat(sections[usize::from(number)]);
            section[6..8].copy_from_slice(&[number, 2]);
            let crc = section.len() - 4;
            let sum = crc32(&section[..crc]);
            section[crc..].copy_from_slice(&sum.to_be_bytes());
            section
        });
        let (mut tables, mut log) = (Tables::default(), Log::new(100, &[]));
        for section in sections.iter().cycle().take(9) {
            feed(&mut tables, &mut log, PAT_PID, section);
        }
        assert_eq!(tables.pmt_pid(), Some(0x1000));
        assert!(tables.has_other_programs);
        assert_eq!(log.take(), []);
    }
}
