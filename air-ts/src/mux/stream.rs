//! One elementary stream on its way out: a queue of access units, cut into PES and packets.

use super::AccessUnit;
use super::buffer::{MainBuffer, TransportBuffer};
use super::config::{ElementaryStream, StreamKind};
use super::error::MuxError;
use crate::packet::{self, PACKET_SIZE, lay_out};
use crate::{Pcr, Pts, pes};
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Stream {
    pid: u16,
    stream_id: u8,
    kind: StreamKind,
    continuity_counter: u8,
    queue: VecDeque<AccessUnit>,
    /// Bytes of the first unit that have left.
    sent: usize,
    last_dts: Option<Pts>,
    transport_buffer: TransportBuffer,
    main_buffer: MainBuffer,
}

impl Stream {
    /// `grace` is how much later than it happens an observer may believe that a unit was decoded.
    pub(super) fn new(config: &ElementaryStream, grace: Pcr) -> Self {
        Self {
            pid: config.pid,
            stream_id: config.stream_id,
            kind: config.kind,
            // the first packet with payload counts to 0
            continuity_counter: 0x0F,
            queue: VecDeque::new(),
            sent: 0,
            last_dts: None,
            transport_buffer: TransportBuffer::new(config.buffer.leak_bps),
            main_buffer: MainBuffer::new(config.buffer.main_buffer_size, grace),
        }
    }

    pub(super) fn push(&mut self, unit: AccessUnit) -> Result<(), MuxError> {
        let AccessUnit { pts, dts, .. } = unit;
        let pid = self.pid;
        if unit.data.is_empty() {
            return Err(MuxError::EmptyUnit { pid, dts });
        }
        if pts < dts {
            return Err(MuxError::PtsBeforeDts { pid, pts, dts });
        }
        if let Some(previous) = self.last_dts.filter(|&previous| dts <= previous) {
            return Err(MuxError::DtsOrder { pid, dts, previous });
        }
        let size = unit.data.len();
        if self.kind == StreamKind::Audio && size + pes::MAX_HEADER_SIZE > pes::MAX_PACKET_LENGTH {
            return Err(MuxError::UnitTooLarge { pid, size });
        }
        self.last_dts = Some(dts);
        self.queue.push_back(unit);
        Ok(())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Audio before video, then by decoding time. Sound is small and never far ahead of its buffer, so pictures
    /// lose nothing by it; the other way round, one large picture would keep the sound waiting.
    pub(super) fn precedence(&self) -> (bool, Pts) {
        (self.kind == StreamKind::Video, self.queue.front().map_or(Pts(u64::MAX), |unit| unit.dts))
    }

    /// The next packet starts a random access point of a video stream.
    pub(super) fn starts_random_access(&self) -> bool {
        self.sent == 0
            && self.kind == StreamKind::Video
            && self.queue.front().is_some_and(|unit| unit.random_access)
    }

    /// The next packet starts an access unit.
    pub(super) fn starts_unit(&self) -> bool {
        self.sent == 0 && !self.queue.is_empty()
    }

    /// When the next packet with payload may go; `None` with nothing to send.
    pub(super) fn ready_at(&self) -> Option<Pcr> {
        let unit = self.queue.front()?;
        let room = if self.sent == 0 { self.main_buffer.room_at(self.pes_size(unit)) } else { Pcr(0) };
        Some(room.max(self.transport_buffer.ready_at()))
    }

    /// When a packet without payload may go.
    pub(super) fn clock_ready_at(&self) -> Pcr {
        self.transport_buffer.ready_at()
    }

    fn pes_size(&self, unit: &AccessUnit) -> u64 {
        (unit.data.len() + self.header(unit).size()) as u64
    }

    fn header(&self, unit: &AccessUnit) -> pes::Header {
        let mut header = pes::Header {
            stream_id: self.stream_id,
            pes_packet_length: 0,
            data_alignment_indicator: true,
            pts: Some(unit.pts),
            dts: Some(unit.dts),
        };
        if self.kind == StreamKind::Audio {
            let length = header.size() - 6 + unit.data.len();
            header.pes_packet_length = u16::try_from(length).expect("push refuses units that are too large");
        }
        header
    }

    /// Writes a packet that carries the clock and nothing else.
    pub(super) fn write_clock(&mut self, now: Pcr, pcr: Pcr, packet: &mut [u8; PACKET_SIZE]) {
        self.transport_buffer.take(now);
        let header = packet::Header {
            pid: self.pid,
            continuity_counter: self.continuity_counter,
            pcr: Some(pcr),
            ..packet::Header::default()
        };
        lay_out(packet, header, 0);
    }

    /// Writes the next packet with payload, and gives the unit's DTS if that was the last of it.
    pub(super) fn write(
        &mut self,
        now: Pcr,
        pcr: Option<Pcr>,
        packet: &mut [u8; PACKET_SIZE],
    ) -> Option<Pts> {
        let unit = self.queue.front().expect("write follows a ready_at that found a unit");
        self.continuity_counter = (self.continuity_counter + 1) & 0x0F;
        self.transport_buffer.take(now);
        let mut header = packet::Header {
            pid: self.pid,
            continuity_counter: self.continuity_counter,
            pcr,
            ..packet::Header::default()
        };
        let room = if self.sent == 0 {
            let pes = self.header(unit);
            self.main_buffer.take(now, (pes.size() + unit.data.len()) as u64, unit.dts);
            header.payload_unit_start_indicator = true;
            header.random_access_indicator = unit.random_access;
            let room = lay_out(packet, header, pes.size() + unit.data.len());
            packet[room.start..room.start + pes.size()].copy_from_slice(&pes.write()[..pes.size()]);
            room.start + pes.size()..room.end
        } else {
            lay_out(packet, header, unit.data.len() - self.sent)
        };
        let end = self.sent + room.len();
        packet[room].copy_from_slice(&unit.data[self.sent..end]);
        self.sent = end;
        if end < unit.data.len() {
            return None;
        }
        self.sent = 0;
        self.queue.pop_front().map(|unit| unit.dts)
    }
}
