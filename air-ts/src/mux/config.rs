//! What a mux is told before it starts, and whether it can be done.

use super::buffer::BufferModel;
use super::error::MuxError;
use crate::psi::{Pat, Pmt, PmtStream, Sdt};
use crate::{Pcr, packet::PACKET_SIZE, pcr::SYSTEM_CLOCK_HZ};

/// PIDs below are reserved by ISO/IEC 13818-1 and EN 300 468.
pub(super) const FIRST_FREE_PID: u16 = 0x0020;
pub(super) const LAST_FREE_PID: u16 = 0x1FFE;
/// Above, packets would be shorter than a few ticks of the clock.
const MAX_RATE_BPS: u64 = 10_000_000_000;
/// Packets that must fit in one PCR interval for it to be kept.
const MIN_SLOTS_PER_PCR: u64 = 16;

/// How packet slots are used. Slot i departs at start + ⌊i · 1504 · 27 MHz / rate⌋ in either mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MuxRate {
    /// Slots with nothing to send are not emitted; the rate, in bits per second, is never exceeded.
    CappedVbr(u64),
    /// Slots with nothing to send carry a null packet; the rate is always exactly this many bits per second.
    Cbr(u64),
}

impl MuxRate {
    /// Bits per second, at the peak or always.
    pub const fn bits_per_second(self) -> u64 {
        match self {
            Self::CappedVbr(bps) | Self::Cbr(bps) => bps,
        }
    }
}

/// What an elementary stream carries, as far as sending it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Sent as soon as it is available. PSI precedes its random access points.
    Video,
    /// Sent when the decoder has room for it.
    Audio,
}

/// One stream of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementaryStream {
    /// 0x0020 to 0x1FFE.
    pub pid: u16,
    /// How it is sent.
    pub kind: StreamKind,
    /// As in the PMT: 0x1B = H.264, 0x24 = HEVC, 0x0F = AAC in ADTS.
    pub stream_type: u8,
    /// As in the PES header: 0xE0 and up for video, 0xC0 and up for audio.
    pub stream_id: u8,
    /// Raw descriptors for the PMT.
    pub descriptors: Vec<u8>,
    /// The decoder's buffers for it.
    pub buffer: BufferModel,
}

impl ElementaryStream {
    /// H.264 on `pid`, with the buffers of High profile at level 4.0.
    pub fn h264(pid: u16) -> Self {
        Self {
            pid,
            kind: StreamKind::Video,
            stream_type: 0x1B,
            stream_id: 0xE0,
            descriptors: Vec::new(),
            buffer: BufferModel::h264(30_000_000, 37_500_000),
        }
    }

    /// AAC in ADTS on `pid`, with the buffers for so many channels.
    pub fn aac(pid: u16, channels: u8) -> Self {
        Self {
            pid,
            kind: StreamKind::Audio,
            stream_type: 0x0F,
            stream_id: 0xC0,
            descriptors: Vec::new(),
            buffer: BufferModel::aac(channels),
        }
    }
}

/// One program and how to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuxConfig {
    /// Default 1.
    pub transport_stream_id: u16,
    /// Not 0. Default 1.
    pub program_number: u16,
    /// Default 0xFF01, from the range for private networks.
    pub original_network_id: u16,
    /// Default 0x1000.
    pub pmt_pid: u16,
    /// What a receiver shows. Default "Air".
    pub service_name: String,
    /// Who provides it. Default "Air".
    pub provider_name: String,
    /// Default: H.264 on 0x100 and stereo AAC on 0x101.
    pub streams: Vec<ElementaryStream>,
    /// Index of the stream whose PID carries the PCR. Default 0.
    pub pcr_stream: usize,
    /// Default: at most 12 Mb/s.
    pub rate: MuxRate,
    /// Between two PATs and two PMTs, 25 to 500 ms. Default 95 ms, so that whoever tells
    /// time by the PCRs never sees more than 110 ms.
    pub psi_interval: Pcr,
    /// Between two PCRs at most, 5 to 100 ms. Default 35 ms.
    pub pcr_interval: Pcr,
    /// Between two SDTs, 25 ms to 2 s. Default 1 s.
    pub sdt_interval: Pcr,
}

impl Default for MuxConfig {
    fn default() -> Self {
        Self {
            transport_stream_id: 1,
            program_number: 1,
            original_network_id: 0xFF01,
            pmt_pid: 0x1000,
            service_name: "Air".into(),
            provider_name: "Air".into(),
            streams: vec![ElementaryStream::h264(0x100), ElementaryStream::aac(0x101, 2)],
            pcr_stream: 0,
            rate: MuxRate::CappedVbr(12_000_000),
            psi_interval: Pcr::from_ms(95),
            pcr_interval: Pcr::from_ms(35),
            sdt_interval: Pcr::from_ms(1000),
        }
    }
}

impl MuxConfig {
    /// Says what is wrong, if anything is.
    pub(super) fn validate(&self) -> Result<(), MuxError> {
        if self.program_number == 0 {
            return Err(MuxError::ProgramNumberZero);
        }
        if self.pcr_stream >= self.streams.len() {
            return Err(MuxError::NoSuchStream { stream: self.pcr_stream, streams: self.streams.len() });
        }
        self.validate_pids()?;
        for stream in &self.streams {
            if stream.buffer.leak_bps == 0 || stream.buffer.main_buffer_size == 0 {
                return Err(MuxError::EmptyBufferModel { pid: stream.pid });
            }
        }
        within("psi_interval", self.psi_interval, 25, 500)?;
        within("pcr_interval", self.pcr_interval, 5, 100)?;
        within("sdt_interval", self.sdt_interval, 25, 2000)?;
        self.validate_rate()
    }

    fn validate_pids(&self) -> Result<(), MuxError> {
        let pids: Vec<u16> =
            std::iter::once(self.pmt_pid).chain(self.streams.iter().map(|stream| stream.pid)).collect();
        for (index, &pid) in pids.iter().enumerate() {
            if !(FIRST_FREE_PID..=LAST_FREE_PID).contains(&pid) {
                return Err(MuxError::PidOutOfRange { pid });
            }
            if pids[..index].contains(&pid) {
                return Err(MuxError::PidTwice { pid });
            }
        }
        Ok(())
    }

    fn validate_rate(&self) -> Result<(), MuxError> {
        let bps = self.rate.bits_per_second();
        let bits = MIN_SLOTS_PER_PCR * PACKET_SIZE as u64 * 8;
        let min = (bits * SYSTEM_CLOCK_HZ).div_ceil(self.pcr_interval.0);
        if !(min..=MAX_RATE_BPS).contains(&bps) {
            return Err(MuxError::RateOutOfRange { bps, min, max: MAX_RATE_BPS });
        }
        Ok(())
    }

    pub(super) fn pat(&self) -> Pat {
        Pat {
            transport_stream_id: self.transport_stream_id,
            version_number: 0,
            programs: vec![(self.program_number, self.pmt_pid)],
        }
    }

    pub(super) fn pmt(&self) -> Pmt {
        let streams = self.streams.iter().map(|stream| PmtStream {
            stream_type: stream.stream_type,
            elementary_pid: stream.pid,
            descriptors: stream.descriptors.clone(),
        });
        Pmt {
            program_number: self.program_number,
            version_number: 0,
            pcr_pid: self.streams[self.pcr_stream].pid,
            streams: streams.collect(),
        }
    }

    pub(super) fn sdt(&self) -> Sdt {
        Sdt {
            transport_stream_id: self.transport_stream_id,
            original_network_id: self.original_network_id,
            version_number: 0,
            service_id: self.program_number,
            provider_name: self.provider_name.clone(),
            service_name: self.service_name.clone(),
        }
    }
}

fn within(name: &'static str, interval: Pcr, min_ms: u64, max_ms: u64) -> Result<(), MuxError> {
    if (Pcr::from_ms(min_ms)..=Pcr::from_ms(max_ms)).contains(&interval) {
        return Ok(());
    }
    Err(MuxError::IntervalOutOfRange { name, interval, min_ms, max_ms })
}
