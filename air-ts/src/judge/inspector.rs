//! Packet by packet through every check, and the order in which they depend on each other: first the packet alone,
//! then its PID's counter, then what it carries, and last, when the next PCR tells the time, when it came.

use super::config::JudgeConfig;
use super::continuity::{Continuity, Order};
use super::pcr::{Clock, Segment};
use super::psi::{Table, Tables};
use super::report::{Check, Finding, Log, Report};
use super::start_lead::StartLead;
use super::strays::Strays;
use super::stream::{Media, Stream};
use super::sync::Framed;
use super::timetable::Timetable;
use crate::packet::{NULL_PID, PACKET_SIZE, Packet};

/// Packets that wait for the next PCR at most. At 100 Mb/s that is a quarter of a second.
const MAX_WAITING: usize = 16_384;

/// A packet whose time is not known yet.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    packet: u64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Table(Table),
    Media { stream: usize, media: Media },
}

pub(super) struct Inspector {
    config: JudgeConfig,
    log: Log,
    packets: u64,
    null_packets: u64,
    continuity: Continuity,
    tables: Tables,
    clock: Clock,
    streams: Vec<Stream>,
    waiting: Vec<Arrival>,
    timetable: Timetable,
    strays: Strays,
    start_lead: StartLead,
}

impl std::fmt::Debug for Inspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspector").field("packets", &self.packets).finish_non_exhaustive()
    }
}

impl Inspector {
    pub(super) fn new(config: JudgeConfig) -> Self {
        Self {
            log: Log::new(config.max_findings_per_check, config.soft),
            packets: 0,
            null_packets: 0,
            continuity: Continuity::new(),
            tables: Tables::default(),
            clock: Clock::new(),
            streams: Vec::new(),
            waiting: Vec::with_capacity(MAX_WAITING),
            timetable: Timetable::new(&config),
            strays: Strays::default(),
            start_lead: StartLead::new(&config),
            config,
        }
    }

    pub(super) fn take(&mut self, framed: Framed<'_>) {
        let index = self.packets;
        match framed {
            Framed::Packet(bytes) => {
                self.packets += 1;
                self.packet(index, bytes);
                self.timetable.check_patience(self.packets, &self.tables, &mut self.log);
            }
            Framed::BadSyncByte(byte) => {
                self.packets += 1;
                self.log.add(Check::SyncByte, index, None, i64::from(byte), 0x47);
            }
            Framed::Loss(bytes) => {
                self.clock.lose_position();
                self.log.add(Check::SyncLoss, index, None, bytes as i64, 0);
            }
            Framed::LossEnds(bytes) => self.log.amend(Check::SyncLoss, bytes as i64),
            Framed::Stride(bytes) => {
                self.log.add(Check::PacketStride, index, None, bytes as i64, PACKET_SIZE as i64);
            }
            Framed::Partial(bytes) => self.log.add(Check::PartialPacket, index, None, bytes as i64, 0),
        }
    }

    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        self.log.take()
    }

    fn packet(&mut self, index: u64, bytes: &[u8; PACKET_SIZE]) {
        let packet = Packet::new(bytes);
        let pid = packet.pid();
        if packet.transport_error_indicator() {
            self.log.add(Check::Transport, index, Some(pid), 1, 0);
            return;
        }
        if pid == NULL_PID {
            self.null_packets += 1;
            return;
        }
        if !packet.is_well_formed() {
            self.log.add(Check::PacketSyntax, index, Some(pid), i64::from(bytes[4]), 183);
            return;
        }
        if packet.discontinuity_indicator() {
            self.log.add(Check::DiscontinuityIndicator, index, Some(pid), 1, 0);
        }
        let order = self.continuity.check(index, bytes, &mut self.log);
        if order == Order::Broken {
            self.clock.lose_position();
        }
        self.tell_time(index, packet);
        self.content(index, packet, order);
    }

    fn tell_time(&mut self, index: u64, packet: Packet<'_>) {
        let pid = packet.pid();
        let Some(pcr) = packet.pcr().filter(|_| self.pcr_pid() == Some(pid)) else { return };
        let may_jump = packet.discontinuity_indicator();
        if let Some(segment) = self.clock.take(index, pid, pcr, may_jump, &self.config, &mut self.log) {
            if self.has_constant_rate() {
                self.clock.check_accuracy(pid, &self.config, &mut self.log);
            }
            self.settle(segment, index);
        }
    }

    fn pcr_pid(&self) -> Option<u16> {
        self.tables.program.as_ref().map(|pmt| pmt.pcr_pid)
    }

    fn has_constant_rate(&self) -> bool {
        self.config.constant_rate.unwrap_or(self.null_packets > 0 && self.clock.is_steady())
    }

    fn content(&mut self, index: u64, packet: Packet<'_>, order: Order) {
        let pid = packet.pid();
        if let Some(stream) = self.streams.iter().position(|stream| stream.facts.pid == pid) {
            let media = self.streams[stream].take(index, packet, order, &mut self.log);
            self.wait(Arrival { packet: index, what: What::Media { stream, media } });
            self.start_lead.check(index, &self.streams, &mut self.log);
            return;
        }
        if order == Order::Broken {
            self.tables.lose(pid);
        }
        if order != Order::Duplicate {
            let (payload, starts) = (packet.payload(), packet.payload_unit_start_indicator());
            if let Some((table, changed)) = self.tables.feed(index, pid, payload, starts, &mut self.log) {
                self.wait(Arrival { packet: index, what: What::Table(table) });
                if changed {
                    self.adopt_program(index);
                }
            }
        }
        self.strays.check(index, pid, &self.tables, &mut self.log);
    }

    /// The PMT is new or names other streams. Those it still names go on.
    fn adopt_program(&mut self, index: u64) {
        // their places change, so what waits is settled first
        match self.clock.last_segment() {
            Some(segment) => self.settle(segment, index),
            None => self.waiting.retain(|arrival| matches!(arrival.what, What::Table(_))),
        }
        let Some(pmt) = &self.tables.program else { return };
        let mut before = std::mem::take(&mut self.streams);
        for stream in &pmt.streams {
            let same = before.iter().position(|old| {
                (old.facts.pid, old.facts.stream_type) == (stream.elementary_pid, stream.stream_type)
            });
            self.streams.push(match same {
                Some(at) => before.swap_remove(at),
                None => Stream::new(stream, &self.config),
            });
        }
    }

    fn wait(&mut self, arrival: Arrival) {
        if self.waiting.len() == MAX_WAITING {
            // the clock has stopped: what came meanwhile has no time
            let pid = self.pcr_pid().unwrap_or(NULL_PID);
            self.clock.check_silence(arrival.packet, pid, &self.config, &mut self.log);
            self.waiting.clear();
        }
        self.waiting.push(arrival);
    }

    /// The times of waiting packets are known.
    fn settle(&mut self, segment: Segment, until: u64) {
        let constant_rate = self.has_constant_rate();
        let mut waiting = std::mem::take(&mut self.waiting);
        for Arrival { packet, what } in waiting.drain(..) {
            let now = segment.at(packet);
            match what {
                What::Table(table) => self.timetable.arrive(table, packet, now, &mut self.log),
                What::Media { stream, media } => {
                    self.streams[stream].delivery.take(packet, now, media, constant_rate, &mut self.log);
                }
            }
        }
        self.waiting = waiting;
        let now = segment.at(until);
        self.timetable.check_presence(until, now, self.tables.service_name.is_some(), &mut self.log);
        for stream in &mut self.streams {
            stream.delivery.check_presence(until, now, &mut self.log);
        }
    }

    pub(super) fn finish(mut self) -> Report {
        let end = self.packets;
        // After the last PCR only a constant rate tells the time.
        if let Some(segment) = self.clock.last_segment().filter(|_| self.has_constant_rate()) {
            self.settle(segment, end);
        }
        match self.pcr_pid() {
            Some(pid) => self.clock.check_silence(end, pid, &self.config, &mut self.log),
            None => self.timetable.miss(end, &self.tables, &mut self.log),
        }
        for stream in &mut self.streams {
            stream.finish(&mut self.log);
        }
        self.report()
    }

    pub(super) fn report(&self) -> Report {
        let program = self.tables.program.as_ref();
        let duration = self.clock.last_segment().map_or(0, |segment| segment.at(self.packets).elapsed);
        let (pat_max_gap_27m, pmt_max_gap_27m) = self.timetable.longest_gaps();
        Report {
            packets: self.packets,
            null_packets: self.null_packets,
            duration_27m: duration.max(0) as u64,
            bitrate_bps: self.clock.bits_per_second(),
            null_ppm: self.null_packets * 1_000_000 / self.packets.max(1),
            program_number: program.map(|pmt| pmt.program_number),
            pmt_pid: self.tables.pmt_pid(),
            pcr_pid: program.map(|pmt| pmt.pcr_pid),
            service_name: self.tables.service_name.clone(),
            pcr_max_gap_27m: self.clock.longest_gap(),
            pat_max_gap_27m,
            pmt_max_gap_27m,
            pcrs: self.clock.pcrs(),
            streams: self.streams.iter().map(|stream| stream.facts).collect(),
            checks: self.log.summaries().clone(),
        }
    }
}
