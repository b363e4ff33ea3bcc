//! The PES header: which stream, how long, when (ISO/IEC 13818-1, 2.4.3.6).
//!
//! Only what a broadcast of coded pictures and sound needs: PTS and DTS, no other optional field.

use crate::Pts;

/// Bytes of the longest header [`Header::write`] makes.
pub const MAX_HEADER_SIZE: usize = 19;
/// Bytes that follow `PES_packet_length` at most.
pub const MAX_PACKET_LENGTH: usize = 0xFFFF;

const PTS_ONLY: u8 = 0b10;
const PTS_AND_DTS: u8 = 0b11;

/// A PES header, to write or as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0xE0 and up for video, 0xC0 and up for audio, 0xBD for private streams.
    pub stream_id: u8,
    /// Bytes after this field; 0 = up to the next PES packet, allowed for video only.
    pub pes_packet_length: u16,
    /// An access unit starts right after the header.
    pub data_alignment_indicator: bool,
    /// Presentation time. Unwrapped when written, 33 bits when read.
    pub pts: Option<Pts>,
    /// Decoding time; read as the PTS when the header has only that. Not written when it equals the PTS.
    pub dts: Option<Pts>,
}

impl Header {
    /// Bytes [`Header::write`] will take: 9, 14 or 19.
    pub fn size(&self) -> usize {
        9 + match self.pts_dts_flags() {
            PTS_AND_DTS => 10,
            PTS_ONLY => 5,
            _ => 0,
        }
    }

    fn pts_dts_flags(&self) -> u8 {
        match (self.pts, self.dts) {
            (Some(pts), Some(dts)) if pts != dts => PTS_AND_DTS,
            (Some(_), _) => PTS_ONLY,
            _ => 0,
        }
    }

    /// The header's bytes; the first [`Header::size`] of them count.
    pub fn write(&self) -> [u8; MAX_HEADER_SIZE] {
        let mut bytes = [0; MAX_HEADER_SIZE];
        let flags = self.pts_dts_flags();
        bytes[2] = 1;
        bytes[3] = self.stream_id;
        bytes[4..6].copy_from_slice(&self.pes_packet_length.to_be_bytes());
        bytes[6] = 0x80 | u8::from(self.data_alignment_indicator) << 2;
        bytes[7] = flags << 6;
        bytes[8] = (self.size() - 9) as u8;
        if let Some(pts) = self.pts {
            bytes[9..14].copy_from_slice(&write_stamp(flags, pts));
        }
        if let (PTS_AND_DTS, Some(dts)) = (flags, self.dts) {
            bytes[14..19].copy_from_slice(&write_stamp(1, dts));
        }
        bytes
    }

    /// The header at the start of `bytes` and its size, or `None` if there is none whole and sound.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let &[0, 0, 1, stream_id, high, low, flags, more, length, ..] = bytes else { return None };
        if flags >> 6 != 0b10 {
            return None;
        }
        let size = 9 + usize::from(length);
        let fields = bytes.get(9..size)?;
        let (pts, dts) = match more >> 6 {
            PTS_ONLY => (Some(read_stamp(fields.get(..5)?)?), None),
            PTS_AND_DTS => (Some(read_stamp(fields.get(..5)?)?), Some(read_stamp(fields.get(5..10)?)?)),
            0 => (None, None),
            _ => return None,
        };
        let header = Self {
            stream_id,
            pes_packet_length: u16::from_be_bytes([high, low]),
            data_alignment_indicator: flags & 4 != 0,
            pts,
            dts: dts.or(pts),
        };
        Some((header, size))
    }
}

/// Five bytes: a 4-bit prefix and 33 bits in groups of 3, 15 and 15, a marker bit after each.
fn write_stamp(prefix: u8, stamp: Pts) -> [u8; 5] {
    let value = stamp.to_wire();
    [
        prefix << 4 | (value >> 29 & 0x0E) as u8 | 1,
        (value >> 22) as u8,
        (value >> 14) as u8 | 1,
        (value >> 7) as u8,
        (value << 1) as u8 | 1,
    ]
}

fn read_stamp(bytes: &[u8]) -> Option<Pts> {
    let &[a, b, c, d, e] = bytes else { return None };
    if a & c & e & 1 == 0 {
        return None;
    }
    let [a, b, c, d, e] = [a, b, c, d, e].map(u64::from);
    Some(Pts((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcr::PTS_WRAP;

    const VIDEO: Header = Header {
        stream_id: 0xE0,
        pes_packet_length: 0,
        data_alignment_indicator: true,
        pts: Some(Pts(PTS_WRAP + 0x1_2345_6789)),
        dts: Some(Pts(0)),
    };

    #[test]
    fn a_header_with_both_stamps_has_these_bytes() {
        let bytes = VIDEO.write();
        assert_eq!(VIDEO.size(), 19);
        assert_eq!(bytes[..3], [0, 0, 1], "packet_start_code_prefix");
        assert_eq!(bytes[3], 0xE0, "stream_id");
        assert_eq!(bytes[4..6], [0, 0], "PES_packet_length");
        assert_eq!(bytes[6], 0x84, "marker 10, data_alignment_indicator");
        assert_eq!(bytes[7], 0xC0, "PTS_DTS_flags 11");
        assert_eq!(bytes[8], 10, "PES_header_data_length");
        assert_eq!(bytes[9..14], [0x39, 0x8D, 0x15, 0xCF, 0x13], "PTS 0x123456789, wrapped");
        assert_eq!(bytes[14..19], [0x11, 0, 1, 0, 1], "DTS 0");
    }

    #[test]
    fn a_dts_equal_to_the_pts_is_not_written() {
        let header = Header { dts: VIDEO.pts, ..VIDEO };
        assert_eq!(header.size(), 14);
        assert_eq!(header.write()[7..9], [0x80, 5], "PTS_DTS_flags 10, PES_header_data_length");
    }

    #[test]
    fn stamps_read_back_as_33_bits() {
        let (read, size) = Header::parse(&VIDEO.write()).expect("a header");
        assert_eq!(size, 19);
        assert_eq!((read.pts, read.dts), (Some(Pts(0x1_2345_6789)), Some(Pts(0))));
    }

    #[test]
    fn a_missing_marker_bit_is_no_header() {
        let mut bytes = VIDEO.write();
        bytes[11] &= !1;
        assert_eq!(Header::parse(&bytes), None);
    }
}
