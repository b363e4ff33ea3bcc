//! The H.264 level a stream needs: the lowest of ITU-T H.264, table A-1, that its size, rate and buffer fit in.

use crate::format::VideoFormat;

/// One row of the table, for High profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// `level_idc`.
    pub idc: u8,
    /// As encoders take it.
    pub name: &'static str,
    /// MaxMBPS: macroblocks in a second.
    macroblock_rate: u64,
    /// MaxFS: macroblocks in a frame.
    macroblocks: u64,
    /// MaxBR and MaxCPB of High profile's VCL, in bits: 1250 times the table's figures.
    max_bitrate: u64,
    max_buffer_bits: u64,
}

const fn row(
    idc: u8,
    name: &'static str,
    macroblock_rate: u64,
    macroblocks: u64,
    kilobits: u64,
    buffer: u64,
) -> Level {
    Level {
        idc,
        name,
        macroblock_rate,
        macroblocks,
        max_bitrate: kilobits * 1250,
        max_buffer_bits: buffer * 1250,
    }
}

const LEVELS: [Level; 11] = [
    row(20, "2.0", 11_880, 396, 2_000, 2_000),
    row(21, "2.1", 19_800, 792, 4_000, 4_000),
    row(30, "3.0", 40_500, 1_620, 10_000, 10_000),
    row(31, "3.1", 108_000, 3_600, 14_000, 14_000),
    row(32, "3.2", 216_000, 5_120, 20_000, 20_000),
    row(40, "4.0", 245_760, 8_192, 20_000, 25_000),
    row(41, "4.1", 245_760, 8_192, 50_000, 62_500),
    row(42, "4.2", 522_240, 8_704, 50_000, 62_500),
    row(50, "5.0", 589_824, 22_080, 135_000, 135_000),
    row(51, "5.1", 983_040, 36_864, 240_000, 240_000),
    row(52, "5.2", 2_073_600, 36_864, 240_000, 240_000),
];

/// The lowest level for pictures of `format` at up to `max_bitrate` bits per second through a buffer of
/// `buffer_bits`; the highest there is when none is enough.
pub fn level_of(format: VideoFormat, max_bitrate: u64, buffer_bits: u64) -> Level {
    let macroblocks = u64::from(format.width.div_ceil(16)) * u64::from(format.height.div_ceil(16));
    let second = u64::from(format.frame_rate.num()).div_ceil(u64::from(format.frame_rate.den()));
    let fits = |level: &&Level| {
        macroblocks <= level.macroblocks
            && macroblocks * second <= level.macroblock_rate
            && max_bitrate <= level.max_bitrate
            && buffer_bits <= level.max_buffer_bits
    };
    *LEVELS.iter().find(fits).unwrap_or(&LEVELS[LEVELS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameRate;

    #[test]
    fn broadcast_formats_have_their_customary_levels() {
        let level = |width, height, num, den, bitrate| {
            let format = VideoFormat { width, height, frame_rate: FrameRate::new(num, den).unwrap() };
            level_of(format, bitrate, bitrate / 4).name
        };
        assert_eq!(level(720, 576, 25, 1, 3_000_000), "3.0");
        assert_eq!(level(1280, 720, 30_000, 1001, 6_000_000), "3.1");
        assert_eq!(level(1280, 720, 50, 1, 6_000_000), "3.2");
        assert_eq!(level(1920, 1080, 30, 1, 12_000_000), "4.0");
        assert_eq!(level(1920, 1080, 30, 1, 40_000_000), "4.1");
        assert_eq!(level(1920, 1080, 60, 1, 12_000_000), "4.2");
        assert_eq!(level(8192, 8192, 60, 1, 12_000_000), "5.2");
    }
}
