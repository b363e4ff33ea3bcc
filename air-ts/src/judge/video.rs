//! Access units of H.264 and HEVC: where they are, which are IDR pictures, and whether those bring their parameter
//! sets. Only NAL unit headers are read.

use super::interval::Interval;
use super::report::{Check, Log, StreamFacts};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    H264,
    Hevc,
}

/// What a NAL unit is, as far as this goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nal {
    Delimiter,
    /// Stands before the first slice of a picture.
    Prefix,
    Sps,
    Pps,
    Slice {
        is_idr: bool,
        starts_picture: bool,
    },
    Other,
}

#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    packet: u64,
    /// Of the PES packet, for its first access unit.
    start: Option<UnitStart>,
    has_picture: bool,
    is_idr: bool,
    has_sps: bool,
    has_pps: bool,
}

/// What the PES packet says of the access unit that starts it.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitStart {
    /// 27 MHz ticks, unwrapped.
    pub(super) dts_27m: Option<i64>,
    pub(super) random_access_indicator: bool,
}

#[derive(Debug)]
pub(super) struct Video {
    codec: Codec,
    /// The last eight bytes.
    tail: u64,
    unit: Unit,
    idr: Interval,
    idr_limit_ms: i64,
}

impl Video {
    /// For the stream types that can be read.
    pub(super) fn new(stream_type: u8, idr_interval_27m: u64) -> Option<Self> {
        let codec = match stream_type {
            0x1B => Codec::H264,
            0x24 => Codec::Hevc,
            _ => return None,
        };
        Some(Self {
            codec,
            tail: u64::MAX,
            unit: Unit::default(),
            idr: Interval::new(idr_interval_27m),
            idr_limit_ms: (idr_interval_27m / 27_000) as i64,
        })
    }

    /// A PES packet starts here.
    pub(super) fn start(&mut self, packet: u64, start: UnitStart, facts: &mut StreamFacts, log: &mut Log) {
        self.close(facts, log);
        self.tail = u64::MAX;
        self.unit = Unit { packet, start: Some(start), ..Unit::default() };
    }

    /// Bytes are missing: the unit they belong to is not judged.
    pub(super) fn lose(&mut self) {
        self.tail = u64::MAX;
        self.unit = Unit::default();
    }

    pub(super) fn scan(&mut self, packet: u64, bytes: &[u8], facts: &mut StreamFacts, log: &mut Log) {
        // start code, header, and the byte with the first bit of the slice header
        let header_bytes = if self.codec == Codec::H264 { 1 } else { 2 };
        for &byte in bytes {
            self.tail = self.tail << 8 | u64::from(byte);
            if self.tail >> (8 * (header_bytes + 1)) & 0xFF_FFFF == 1 {
                let header = (self.tail >> (8 * header_bytes)) as u8;
                self.take(packet, self.classify(header, byte & 0x80 != 0), facts, log);
            }
        }
    }

    fn classify(&self, header: u8, starts_picture: bool) -> Nal {
        match self.codec {
            Codec::H264 => match header & 0x1F {
                1 => Nal::Slice { is_idr: false, starts_picture },
                5 => Nal::Slice { is_idr: true, starts_picture },
                6 => Nal::Prefix,
                7 => Nal::Sps,
                8 => Nal::Pps,
                9 => Nal::Delimiter,
                _ => Nal::Other,
            },
            Codec::Hevc => match header >> 1 & 0x3F {
                kind @ 0..=31 => Nal::Slice { is_idr: matches!(kind, 19 | 20), starts_picture },
                32 | 39 => Nal::Prefix,
                33 => Nal::Sps,
                34 => Nal::Pps,
                35 => Nal::Delimiter,
                _ => Nal::Other,
            },
        }
    }

    fn take(&mut self, packet: u64, nal: Nal, facts: &mut StreamFacts, log: &mut Log) {
        let starts_unit = match nal {
            Nal::Slice { starts_picture, .. } => starts_picture,
            Nal::Other => false,
            _ => true,
        };
        if starts_unit && self.unit.has_picture {
            self.close(facts, log);
            self.unit = Unit { packet, ..Unit::default() };
        }
        match nal {
            Nal::Sps => self.unit.has_sps = true,
            Nal::Pps => self.unit.has_pps = true,
            Nal::Slice { is_idr, .. } => {
                self.unit.has_picture = true;
                self.unit.is_idr |= is_idr;
            }
            _ => {}
        }
    }

    /// Judges the unit that ends here.
    pub(super) fn close(&mut self, facts: &mut StreamFacts, log: &mut Log) {
        let unit = std::mem::take(&mut self.unit);
        if !unit.has_picture {
            return;
        }
        facts.units += 1;
        facts.idr_pictures += u64::from(unit.is_idr);
        let is_access_point = unit.is_idr && unit.has_sps && unit.has_pps;
        if unit.is_idr && !is_access_point {
            log.add(Check::IdrParameterSets, unit.packet, Some(facts.pid), 0, 1);
        }
        let Some(start) = unit.start else { return };
        if start.random_access_indicator != unit.is_idr {
            let (flag, idr) = (i64::from(start.random_access_indicator), i64::from(unit.is_idr));
            log.add(Check::RandomAccessIndicator, unit.packet, Some(facts.pid), flag, idr);
        }
        let Some(dts) = start.dts_27m else { return };
        let gap = if is_access_point { self.idr.arrive(dts) } else { self.idr.overdue(dts) };
        if let Some(gap) = gap {
            log.add(Check::IdrInterval, unit.packet, Some(facts.pid), gap / 27_000, self.idr_limit_ms);
        }
    }
}
