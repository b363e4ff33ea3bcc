//! Picture conforming: any size, shape, pixel format and colour becomes the house picture.
//!
//! The active picture keeps its shape and is centred; what is left is black (L-35). A picture already in
//! house format passes untouched.

use air_av::{ColorRange, Picture, PictureFormat, PixelFormat, Rational, Result, VideoGraph};

use crate::format::VideoFormat;

/// MatrixCoefficients of ITU-T H.273.
const MATRIX_BT709: u8 = 1;
const MATRIX_UNSPECIFIED: u8 = 2;

/// Conforms the pictures of one source; rebuilt by itself when the source changes format midway.
#[derive(Debug)]
pub struct PictureConform {
    house: VideoFormat,
    graph: Option<(PictureFormat, VideoGraph)>,
}

impl PictureConform {
    /// Conforms to `house`.
    pub fn new(house: VideoFormat) -> PictureConform {
        PictureConform { house, graph: None }
    }

    /// `picture` in house format; `None` if the filters gave nothing for it.
    pub fn conform(&mut self, picture: &Picture) -> Result<Option<Picture>> {
        let format = picture.format();
        if self.is_house(&format) {
            return Ok(Some(picture.clone()));
        }
        let mut graph = match self.graph.take() {
            Some((built_for, graph)) if built_for == format => graph,
            _ => VideoGraph::new(&format, Rational { num: 1, den: 1 }, &self.filters(&format), 1)?,
        };
        graph.push(Some(picture))?;
        let conformed = graph.pull()?;
        self.graph = Some((format, graph));
        Ok(conformed)
    }

    fn is_house(&self, format: &PictureFormat) -> bool {
        (format.width, format.height) == (self.house.width, self.house.height)
            && format.pixel_format == PixelFormat::Yuv420p
            && shape(format.sample_aspect_ratio) == (1, 1)
            && format.color.range != ColorRange::Full
            && [MATRIX_BT709, MATRIX_UNSPECIFIED].contains(&format.color.matrix)
    }

    fn filters(&self, from: &PictureFormat) -> String {
        let (width, height) = (self.house.width, self.house.height);
        let (active_width, active_height) = fit(from, self.house);
        // Chroma is halved, so the picture can only lie on even lines and columns.
        let (left, top) = ((width - active_width) / 4 * 2, (height - active_height) / 4 * 2);
        // Unlabelled pictures of high-definition size are BT.709 by custom; swscale would guess BT.601.
        let unlabelled_hd = from.color.matrix == MATRIX_UNSPECIFIED && from.height >= 720;
        let matrix = if unlabelled_hd { "bt709" } else { "auto" };
        format!(
            "scale={active_width}:{active_height}:flags=bicubic:in_color_matrix={matrix}\
             :out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,\
             pad={width}:{height}:{left}:{top}:black"
        )
    }
}

/// Sample aspect ratio with "unknown" taken as square.
fn shape(ratio: Rational) -> (u64, u64) {
    match (u64::try_from(ratio.num), u64::try_from(ratio.den)) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 && num != den => (num, den),
        _ => (1, 1),
    }
}

/// The largest even size within the house picture that keeps the shape of the source.
fn fit(from: &PictureFormat, house: VideoFormat) -> (u32, u32) {
    let (num, den) = shape(from.sample_aspect_ratio);
    let (wide, high) = (u64::from(from.width) * num, u64::from(from.height) * den);
    let (width, height) = (u64::from(house.width), u64::from(house.height));
    let even = |length: u64, most: u64| ((length + 1) & !1).clamp(2, most) as u32;
    if wide * height >= high * width {
        (house.width, even((high * width + wide / 2) / wide, height))
    } else {
        (even((wide * height + high / 2) / high, width), house.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(width: u32, height: u32, num: i32, den: i32) -> PictureFormat {
        let mut format = air_av::PictureMut::new(2, 2, PixelFormat::Yuv420p).unwrap().freeze().format();
        (format.width, format.height) = (width, height);
        format.sample_aspect_ratio = Rational { num, den };
        format
    }

    /// L-35: the shape of the picture decides, not its stored size.
    #[test]
    fn the_active_picture_keeps_its_shape() {
        let house = VideoFormat {
            width: 1920,
            height: 1080,
            frame_rate: crate::time::FrameRate::new(25, 1).unwrap(),
        };
        for (from, expected) in [
            (source(1280, 720, 1, 1), (1920, 1080)),
            (source(1280, 720, 0, 1), (1920, 1080)),
            (source(1280, 720, 6525, 8624), (1454, 1080)),
            (source(720, 576, 16, 15), (1440, 1080)),
            (source(720, 576, 64, 45), (1920, 1080)),
            (source(1920, 800, 1, 1), (1920, 800)),
            (source(16, 8192, 1, 1), (2, 1080)),
        ] {
            assert_eq!(fit(&from, house), expected, "{from:?}");
        }
    }
}
