//! What must be agreed about a picture before it can be filtered or encoded.

use std::ffi::{CStr, c_int};
use std::fmt;

use ff::AVPixelFormat as Av;
use ffmpeg_sys_next as ff;

use crate::{Color, Rational};

/// The layout of a picture's samples, under libav's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Planar 4:2:0, 8 bits: what broadcast carries.
    Yuv420p,
    /// The same, full range by its name.
    Yuvj420p,
    /// Planar 4:2:0, 10 bits in 16, little-endian.
    Yuv420p10,
    /// Planar 4:2:2, 8 bits.
    Yuv422p,
    /// Planar 4:2:2, 10 bits in 16, little-endian.
    Yuv422p10,
    /// Planar 4:4:4, 8 bits.
    Yuv444p,
    /// Luma plane and interleaved chroma plane, 4:2:0, 8 bits.
    Nv12,
    /// One plane, 8 bits.
    Gray8,
    /// Packed red, green, blue.
    Rgb24,
    /// Packed red, green, blue, alpha.
    Rgba,
    /// Packed blue, green, red, alpha.
    Bgra,
    /// Any other, by libav's number.
    Other(i32),
}

const KNOWN: [(PixelFormat, Av); 11] = [
    (PixelFormat::Yuv420p, Av::AV_PIX_FMT_YUV420P),
    (PixelFormat::Yuvj420p, Av::AV_PIX_FMT_YUVJ420P),
    (PixelFormat::Yuv420p10, Av::AV_PIX_FMT_YUV420P10LE),
    (PixelFormat::Yuv422p, Av::AV_PIX_FMT_YUV422P),
    (PixelFormat::Yuv422p10, Av::AV_PIX_FMT_YUV422P10LE),
    (PixelFormat::Yuv444p, Av::AV_PIX_FMT_YUV444P),
    (PixelFormat::Nv12, Av::AV_PIX_FMT_NV12),
    (PixelFormat::Gray8, Av::AV_PIX_FMT_GRAY8),
    (PixelFormat::Rgb24, Av::AV_PIX_FMT_RGB24),
    (PixelFormat::Rgba, Av::AV_PIX_FMT_RGBA),
    (PixelFormat::Bgra, Av::AV_PIX_FMT_BGRA),
];

impl PixelFormat {
    pub(crate) fn from_av(format: c_int) -> Self {
        let known = KNOWN.iter().find(|(_, av)| *av as c_int == format);
        known.map_or(Self::Other(format), |(name, _)| *name)
    }

    pub(crate) fn to_av(self) -> c_int {
        match self {
            Self::Other(format) => format,
            _ => KNOWN.iter().find(|(name, _)| *name == self).map_or(-1, |(_, av)| *av as c_int),
        }
    }

    /// libav's name, such as `yuv420p`; `none` for a number it does not know.
    pub fn name(self) -> &'static str {
        // SAFETY: names are static, terminated strings in libav's own table, null for an unknown format.
        let name = self.known().map(|format| unsafe { ff::av_get_pix_fmt_name(format) });
        let name = name.filter(|name| !name.is_null());
        // SAFETY: see above.
        name.and_then(|name| unsafe { CStr::from_ptr(name) }.to_str().ok()).unwrap_or("none")
    }

    /// Number of planes; 0 for what has no samples in memory: hardware surfaces and unknown formats.
    pub(crate) fn planes(self) -> usize {
        let Some(descriptor) = self.descriptor() else { return 0 };
        let hardware = descriptor.flags & ff::AV_PIX_FMT_FLAG_HWACCEL as u64 != 0;
        // SAFETY: the number is within the enum, which `known` checks.
        let planes = self.known().map_or(0, |format| unsafe { ff::av_pix_fmt_count_planes(format) });
        if hardware { 0 } else { usize::try_from(planes).unwrap_or(0) }
    }

    /// Bytes in a line and number of lines of a plane, for a picture of that size.
    pub(crate) fn plane_shape(self, plane: usize, width: u32, height: u32) -> Option<(usize, usize)> {
        let (format, width) = (self.known()?, c_int::try_from(width).ok()?);
        if plane >= self.planes() {
            return None;
        }
        // SAFETY: the format is within the enum; the function answers a bad width or plane with an error code.
        let row_bytes = unsafe { ff::av_image_get_linesize(format, width, c_int::try_from(plane).ok()?) };
        // Planes 1 and 2 hold the chroma, if any plane does; plane 3 is alpha at full height.
        let shift = if plane == 1 || plane == 2 { self.descriptor()?.log2_chroma_h } else { 0 };
        let rows = height.div_ceil(1 << shift);
        Some((usize::try_from(row_bytes).ok()?, usize::try_from(rows).ok()?))
    }

    /// Whether some samples say how transparent a pixel is, or a palette does.
    pub fn has_alpha(self) -> bool {
        self.descriptor().is_some_and(|format| format.flags & ff::AV_PIX_FMT_FLAG_ALPHA as u64 != 0)
    }

    fn known(self) -> Option<Av> {
        let number = self.to_av();
        // SAFETY: the enum is `repr(i32)` and numbers its formats without a gap from 0 up to, not including, NB.
        (0..Av::AV_PIX_FMT_NB as c_int)
            .contains(&number)
            .then(|| unsafe { std::mem::transmute::<c_int, Av>(number) })
    }

    fn descriptor(self) -> Option<&'static ff::AVPixFmtDescriptor> {
        // SAFETY: descriptors are static data of libav; the function returns null where there is none.
        self.known().and_then(|format| unsafe { ff::av_pix_fmt_desc_get(format).as_ref() })
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything about a picture that a filter graph is built for. When it changes within a file, so must the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFormat {
    /// Width in pixels.
    pub width: u32,
    /// Height in lines.
    pub height: u32,
    /// The layout of the samples.
    pub pixel_format: PixelFormat,
    /// Shape of a pixel, `0/1` when unknown.
    pub sample_aspect_ratio: Rational,
    /// How the samples mean colours.
    pub color: Color,
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, pixel_format, sample_aspect_ratio, color } = self;
        write!(f, "{width}x{height} {pixel_format} SAR {sample_aspect_ratio} colour {color}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_both_ways() {
        for (format, av) in KNOWN {
            assert_eq!(PixelFormat::from_av(format.to_av()), format, "{av:?}");
        }
        assert_eq!(PixelFormat::Yuv420p.name(), "yuv420p");
        assert_eq!(PixelFormat::Other(i32::MAX).name(), "none");
        assert_eq!(PixelFormat::Other(-5).planes(), 0);
    }

    /// An error that says "expected X, got Y" must show what differs.
    #[test]
    fn formats_that_differ_read_differently() {
        let pixel_format = PixelFormat::Yuv420p;
        let (sample_aspect_ratio, color) = (Rational::new(1, 1), Color::BT709_LIMITED);
        let format = PictureFormat { width: 320, height: 180, pixel_format, sample_aspect_ratio, color };
        assert_eq!(format.to_string(), "320x180 yuv420p SAR 1/1 colour limited 1/1/1");
        let unlabelled = PictureFormat { color: Color::UNSPECIFIED, ..format.clone() };
        assert_ne!(format.to_string(), unlabelled.to_string());
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        assert_eq!(PixelFormat::Yuv420p.plane_shape(0, 5, 3), Some((5, 3)));
        assert_eq!(PixelFormat::Yuv420p.plane_shape(1, 5, 3), Some((3, 2)));
        assert_eq!(PixelFormat::Yuv420p.plane_shape(3, 5, 3), None);
        assert_eq!(PixelFormat::Rgb24.plane_shape(0, 5, 3), Some((15, 3)));
    }
}
