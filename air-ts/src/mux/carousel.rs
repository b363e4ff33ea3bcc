//! PAT, PMT and SDT, going round: which packet of which table is next, and when.

use super::buffer::{PSI_LEAK_BPS, TransportBuffer};
use super::config::MuxConfig;
use super::error::MuxError;
use crate::Pcr;
use crate::packet::PACKET_SIZE;
use crate::pcr::SYSTEM_CLOCK_HZ;
use crate::psi::{PAT_PID, SDT_PID, packetise};
use std::collections::VecDeque;

/// A receiver need not cope with sections of one PID closer than this (EN 300 468, 5.1.4).
const MIN_INTERVAL: Pcr = Pcr::from_ms(25);

/// One table, ready in packets.
#[derive(Debug)]
struct Table {
    packets: Vec<[u8; PACKET_SIZE]>,
    continuity_counter: u8,
}

impl Table {
    fn new(pid: u16, section: &[u8]) -> Self {
        Self { packets: packetise(pid, section), continuity_counter: 0 }
    }

    fn write(&mut self, index: usize, packet: &mut [u8; PACKET_SIZE]) {
        *packet = self.packets[index];
        packet[3] = packet[3] & 0xF0 | self.continuity_counter;
        self.continuity_counter = (self.continuity_counter + 1) & 0x0F;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableName {
    Pat,
    Pmt,
    Sdt,
}

#[derive(Debug)]
pub(super) struct Carousel {
    pat: Table,
    pmt: Table,
    sdt: Table,
    psi_interval: Pcr,
    sdt_interval: Pcr,
    /// When the last round of PAT and PMT began, from which the next is due, and when its last packet went.
    psi_sent: Option<Pcr>,
    psi_complete: Option<Pcr>,
    sdt_sent: Option<Pcr>,
    queue: VecDeque<(TableName, usize)>,
    /// PAT and PMT share it; the SDT is no part of the program and has none.
    buffer: TransportBuffer,
}

impl Carousel {
    pub(super) fn new(config: &MuxConfig) -> Result<Self, MuxError> {
        let carousel = Self {
            pat: Table::new(PAT_PID, &config.pat().to_section()?),
            pmt: Table::new(config.pmt_pid, &config.pmt().to_section()?),
            sdt: Table::new(SDT_PID, &config.sdt().to_section()?),
            psi_interval: config.psi_interval,
            sdt_interval: config.sdt_interval,
            psi_sent: None,
            psi_complete: None,
            sdt_sent: None,
            queue: VecDeque::new(),
            buffer: TransportBuffer::new(PSI_LEAK_BPS),
        };
        carousel.check_share(config.rate.bits_per_second())?;
        Ok(carousel)
    }

    /// At least half of the time is for the streams and the PCR.
    fn check_share(&self, mux_bps: u64) -> Result<(), MuxError> {
        let packets: usize = [&self.pat, &self.pmt, &self.sdt].map(|table| table.packets.len()).iter().sum();
        let bits = (packets * PACKET_SIZE * 8) as u64;
        let takes = Pcr((bits * SYSTEM_CLOCK_HZ).div_ceil(mux_bps.min(PSI_LEAK_BPS)));
        let interval = self.psi_interval.min(self.sdt_interval);
        if takes.0 * 2 > interval.0 {
            return Err(MuxError::TablesTooSlow { takes, interval });
        }
        Ok(())
    }

    /// Every table is due at once again.
    pub(super) fn restart(&mut self) {
        self.psi_sent = None;
        self.psi_complete = None;
        self.sdt_sent = None;
    }

    /// A random access point comes next: PAT and PMT go before it, unless they just went.
    pub(super) fn announce(&mut self, now: Pcr) {
        let fresh = self.psi_complete.is_some_and(|sent| now < sent.saturating_add(MIN_INTERVAL));
        if !fresh && self.queue.is_empty() {
            self.enqueue_psi(now);
        }
    }

    /// Queues what is due.
    pub(super) fn turn(&mut self, now: Pcr) {
        if !self.queue.is_empty() {
            return;
        }
        if self.psi_due() <= now {
            self.enqueue_psi(now);
        }
        if self.sdt_due() <= now {
            self.sdt_sent = Some(now);
            self.queue.extend((0..self.sdt.packets.len()).map(|index| (TableName::Sdt, index)));
        }
    }

    fn enqueue_psi(&mut self, now: Pcr) {
        self.psi_sent = Some(now);
        self.queue.extend((0..self.pat.packets.len()).map(|index| (TableName::Pat, index)));
        self.queue.extend((0..self.pmt.packets.len()).map(|index| (TableName::Pmt, index)));
    }

    fn psi_due(&self) -> Pcr {
        self.psi_sent.map_or(Pcr(0), |sent| sent.saturating_add(self.psi_interval))
    }

    fn sdt_due(&self) -> Pcr {
        self.sdt_sent.map_or(Pcr(0), |sent| sent.saturating_add(self.sdt_interval))
    }

    /// Packets wait to be sent, now or when the decoder has room.
    pub(super) fn is_sending(&self) -> bool {
        !self.queue.is_empty()
    }

    /// When the next packet may go.
    pub(super) fn ready_at(&self) -> Pcr {
        match self.queue.front() {
            None => self.psi_due().min(self.sdt_due()),
            Some((TableName::Sdt, _)) => Pcr(0),
            Some(_) => self.buffer.ready_at(),
        }
    }

    /// Writes the next packet of the queue.
    pub(super) fn write(&mut self, now: Pcr, packet: &mut [u8; PACKET_SIZE]) {
        let (name, index) = self.queue.pop_front().expect("write follows a turn that left packets queued");
        if name != TableName::Sdt {
            self.buffer.take(now);
            self.psi_complete = Some(now);
        }
        let table = match name {
            TableName::Pat => &mut self.pat,
            TableName::Pmt => &mut self.pmt,
            TableName::Sdt => &mut self.sdt,
        };
        table.write(index, packet);
    }
}
