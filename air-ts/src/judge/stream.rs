//! One elementary stream: its PES packets as they stand in the bytes, then their units as they arrive in time.
//!
//! The first half needs no clock and runs at once; [`Delivery`] runs when the packets' times are known.

use super::adts::{Adts, FRAME_SAMPLES};
use super::config::JudgeConfig;
use super::continuity::Order;
use super::interval::Interval;
use super::pcr::Moment;
use super::pts::Stamps;
use super::report::{Check, Log, StreamFacts, is_audio, is_sections, is_video};
use super::tstd::Buffers;
use super::video::{UnitStart, Video};
use crate::packet::Packet;
use crate::pcr::{PTS_WRAP, nearest};
use crate::pes;
use crate::psi::PmtStream;

const AAC_ADTS: u8 = 0x0F;

#[derive(Debug)]
enum Content {
    Video(Video),
    Aac(Adts),
    /// No PES packets at all.
    Sections,
    /// Nothing is known of it but its PES packets.
    Opaque,
}

/// The PES packet being gathered, by its sizes.
#[derive(Clone, Copy, Debug)]
struct Pes {
    packet: u64,
    /// Whole size by its header, if bounded.
    declared: Option<u64>,
    got: u64,
    /// Frames of AAC before it.
    frames: u64,
}

/// What a packet brings to the clocked half.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Media {
    /// DTS of the unit that starts here, 33 bits; none if no unit starts.
    pub(super) starts: Option<Option<u64>>,
    /// Bytes of the elementary stream.
    pub(super) bytes: u8,
    /// Some of them belong to the unit that the PES packet starts with, whose DTS it gives.
    pub(super) is_of_first_unit: bool,
    /// Of AAC, as in ADTS.
    pub(super) channel_configuration: u8,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) facts: StreamFacts,
    content: Content,
    stamps: Stamps,
    pes: Option<Pes>,
    pub(super) delivery: Delivery,
}

impl Stream {
    pub(super) fn new(stream: &PmtStream, config: &JudgeConfig) -> Self {
        let stream_type = stream.stream_type;
        let content = match Video::new(stream_type, config.idr_interval.0) {
            Some(video) => Content::Video(video),
            None if stream_type == AAC_ADTS => Content::Aac(Adts::default()),
            None if is_sections(stream_type) => Content::Sections,
            None => Content::Opaque,
        };
        Self {
            facts: StreamFacts { pid: stream.elementary_pid, stream_type, ..StreamFacts::default() },
            content,
            stamps: Stamps::new(config.exact_pts),
            pes: None,
            delivery: Delivery::new(stream, config),
        }
    }

    /// Takes a packet of this stream.
    pub(super) fn take(&mut self, index: u64, packet: Packet<'_>, order: Order, log: &mut Log) -> Media {
        self.facts.packets += 1;
        let payload = packet.payload();
        let mut media = Media::default();
        let is_of_pes = packet.has_payload() && !matches!(self.content, Content::Sections);
        if order == Order::Duplicate || !is_of_pes {
            return media;
        }
        let is_scrambled = packet.transport_scrambling_control() != 0;
        if order == Order::Broken || is_scrambled {
            self.lose();
        }
        if is_scrambled {
            return media;
        }
        if packet.payload_unit_start_indicator() {
            self.close_pes(log);
            let Some((header, size)) = pes::Header::parse(payload) else {
                log.add(Check::PesSyntax, index, Some(self.facts.pid), 0, 0);
                self.lose();
                return media;
            };
            self.start_pes(index, packet, &header, payload.len(), log);
            media.starts = Some(header.dts.map(|dts| dts.0));
            media.is_of_first_unit = true;
            media.bytes = self.scan(index, &payload[size..], log);
        } else if let Some(pes) = &mut self.pes {
            pes.got += payload.len() as u64;
            media.is_of_first_unit = match &self.content {
                Content::Aac(adts) => !adts.has_whole(pes.frames),
                _ => !payload.is_empty(),
            };
            media.bytes = self.scan(index, payload, log);
        }
        if let Content::Aac(adts) = &self.content {
            media.channel_configuration = adts.channel_configuration();
        }
        media
    }

    /// Judges what was unfinished when the stream ended.
    pub(super) fn finish(&mut self, log: &mut Log) {
        if let Content::Video(video) = &mut self.content {
            video.close(&mut self.facts, log);
        }
        if let Content::Aac(adts) = &self.content {
            self.facts.units = adts.frames();
        }
    }

    fn lose(&mut self) {
        self.pes = None;
        self.stamps.lose();
        match &mut self.content {
            Content::Video(video) => video.lose(),
            Content::Aac(adts) => adts.lose(),
            Content::Sections | Content::Opaque => {}
        }
    }

    fn close_pes(&mut self, log: &mut Log) {
        let Some(Pes { packet, declared: Some(declared), got, .. }) = self.pes.take() else { return };
        if got != declared {
            log.add(Check::PesLength, packet, Some(self.facts.pid), got as i64, declared as i64);
        }
    }

    fn start_pes(
        &mut self,
        index: u64,
        packet: Packet<'_>,
        header: &pes::Header,
        size: usize,
        log: &mut Log,
    ) {
        let declared = (header.pes_packet_length > 0).then_some(6 + u64::from(header.pes_packet_length));
        let frames = if let Content::Aac(adts) = &self.content { adts.frames() } else { 0 };
        self.pes = Some(Pes { packet: index, declared, got: size as u64, frames });
        self.facts.pes_packets += 1;
        let stamps = self.stamps.take(index, header, &mut self.facts, log);
        match &mut self.content {
            Content::Video(video) => {
                let start = UnitStart {
                    dts_27m: stamps.map(|(_, dts, _)| (dts as i64).saturating_mul(300)),
                    random_access_indicator: packet.random_access_indicator(),
                };
                video.start(index, start, &mut self.facts, log);
            }
            Content::Aac(adts) => {
                self.facts.units = adts.frames();
                if let (Some((pts, _, _)), Some(rate)) = (stamps, adts.sampling_frequency()) {
                    let grid = (FRAME_SAMPLES, u64::from(rate));
                    self.stamps.check_sound(index, pts, adts.frames(), grid, &mut self.facts, log);
                }
                return;
            }
            Content::Sections | Content::Opaque => self.facts.units += 1,
        }
        if let Some((pts, _, step)) = stamps.filter(|_| is_video(self.facts.stream_type)) {
            self.stamps.check_picture(index, pts, step, &mut self.facts, log);
        }
    }

    fn scan(&mut self, index: u64, bytes: &[u8], log: &mut Log) -> u8 {
        match &mut self.content {
            Content::Video(video) => video.scan(index, bytes, &mut self.facts, log),
            Content::Aac(adts) => adts.scan(bytes),
            Content::Sections | Content::Opaque => {}
        }
        bytes.len() as u8
    }
}

/// When the units of a stream arrive, against when they are decoded.
#[derive(Debug)]
pub(super) struct Delivery {
    pid: u16,
    lead_limit: i64,
    /// Sound or pictures, which never pause; anything else may.
    is_steady: bool,
    /// The unit that arrives: its first packet and its DTS.
    unit: Option<(u64, u64)>,
    /// When its last bytes came.
    last: Option<Moment>,
    packets: Interval,
    stamps: Interval,
    buffers: Option<Buffers>,
}

impl Delivery {
    fn new(stream: &PmtStream, config: &JudgeConfig) -> Self {
        let lead = if is_audio(stream.stream_type) { config.audio_lead } else { config.video_lead };
        Self {
            pid: stream.elementary_pid,
            lead_limit: lead.0 as i64,
            is_steady: is_audio(stream.stream_type) || is_video(stream.stream_type),
            unit: None,
            last: None,
            packets: Interval::new(config.pid_interval.0),
            stamps: Interval::new(config.pts_interval.0),
            buffers: (stream.stream_type == AAC_ADTS).then(Buffers::default),
        }
    }

    /// A packet of the stream came at `now`. Buffers are kept only where the rate is constant, for elsewhere the
    /// times of single packets are a guess.
    pub(super) fn take(
        &mut self,
        packet: u64,
        now: Moment,
        media: Media,
        constant_rate: bool,
        log: &mut Log,
    ) {
        let pid = Some(self.pid);
        if let Some(gap) = self.packets.arrive(now.elapsed) {
            self.report_gap(packet, gap, log);
        }
        if let Some(dts) = media.starts {
            self.check_complete(log);
            self.unit = dts.map(|dts| (packet, dts));
            if dts.is_some()
                && self.is_steady
                && let Some(gap) = self.stamps.arrive(now.elapsed)
            {
                log.add(Check::PtsRepetition, packet, pid, gap / 27_000, self.stamps.limit() / 27_000);
            }
            if let Some(lead) = self.lead(now).filter(|&lead| lead > self.lead_limit) {
                log.add(Check::ArrivesEarly, packet, pid, lead / 27, self.lead_limit / 27);
            }
        }
        if media.is_of_first_unit {
            self.last = Some(now);
        }
        let Some(buffers) = &mut self.buffers else { return };
        match (constant_rate, now.stc, self.unit) {
            (true, Some(stc), Some((_, dts))) => {
                buffers.take(packet, self.pid, media, stc, decoded_at(stc, dts), log);
            }
            _ => buffers.reset(),
        }
    }

    /// Time has come this far, with or without packets of the stream.
    pub(super) fn check_presence(&mut self, packet: u64, now: Moment, log: &mut Log) {
        if let Some(gap) = self.packets.overdue(now.elapsed) {
            self.report_gap(packet, gap, log);
        }
    }

    fn report_gap(&self, packet: u64, gap: i64, log: &mut Log) {
        let check = if self.is_steady { Check::Pid } else { Check::DataPid };
        log.add(check, packet, Some(self.pid), gap / 27_000, self.packets.limit() / 27_000);
    }

    /// The unit before is complete: was its last byte in time?
    fn check_complete(&mut self, log: &mut Log) {
        let (Some((packet, _)), Some(last)) = (self.unit, self.last) else { return };
        if let Some(lead) = self.lead(last).filter(|&lead| lead < 0) {
            log.add(Check::ArrivesLate, packet, Some(self.pid), lead / 27, 0);
        }
    }

    /// From a moment to the present unit's DTS.
    fn lead(&self, at: Moment) -> Option<i64> {
        let (_, dts) = self.unit?;
        let stc = at.stc?;
        Some(decoded_at(stc, dts) - stc)
    }
}

/// A DTS of 33 bits on the decoder's clock, nearest to `stc`; 27 MHz ticks.
fn decoded_at(stc: i64, dts: u64) -> i64 {
    nearest((stc / 300) as u64, dts, PTS_WRAP) as i64 * 300
}
