//! Picture conforming: any size, shape, pixel format and colour becomes the house picture.
//!
//! The picture is turned upright, keeps its shape and is centred; what is left is black (L-35). A picture
//! already in house format passes untouched.

use air_av::{ColorRange, Picture, PictureFormat, PixelFormat, Rational, Result, VideoGraph};

use crate::format::VideoFormat;

/// MatrixCoefficients of ITU-T H.273.
const MATRIX_BT709: u8 = 1;
const MATRIX_UNSPECIFIED: u8 = 2;

/// Conforms the pictures of one source; rebuilt by itself when the source changes format midway.
#[derive(Debug)]
pub struct PictureConform {
    house: VideoFormat,
    turn: Turn,
    graph: Option<(PictureFormat, VideoGraph)>,
}

/// How a picture is turned for display, clockwise: cameras are held in four ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl PictureConform {
    /// Conforms to `house` what has to be turned clockwise by `rotation_degrees`, to the nearest quarter.
    pub fn new(house: VideoFormat, rotation_degrees: i32) -> PictureConform {
        PictureConform { house, turn: Turn::nearest(rotation_degrees), graph: None }
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
            && self.turn == Turn::None
            && shape(format.sample_aspect_ratio) == (1, 1)
            && format.color.range != ColorRange::Full
            && [MATRIX_BT709, MATRIX_UNSPECIFIED].contains(&format.color.matrix)
    }

    fn filters(&self, from: &PictureFormat) -> String {
        let (width, height) = (self.house.width, self.house.height);
        let (active_width, active_height) = fit(&self.turn.upright(from), self.house);
        // Chroma is halved, so the picture can only lie on even lines and columns.
        let (left, top) = ((width - active_width) / 4 * 2, (height - active_height) / 4 * 2);
        // Unlabelled pictures of high-definition size are BT.709 by custom; swscale would guess BT.601.
        let unlabelled_hd = from.color.matrix == MATRIX_UNSPECIFIED && from.height >= 720;
        let matrix = if unlabelled_hd { "bt709" } else { "auto" };
        let turn = self.turn.filters();
        format!(
            "{turn}scale={active_width}:{active_height}:flags=bicubic:in_color_matrix={matrix}\
             :out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,\
             pad={width}:{height}:{left}:{top}:black"
        )
    }
}

impl Turn {
    fn nearest(degrees: i32) -> Turn {
        match (degrees.rem_euclid(360) + 45) / 90 {
            1 => Turn::Quarter,
            2 => Turn::Half,
            3 => Turn::ThreeQuarters,
            _ => Turn::None,
        }
    }

    /// Filters that do it, to be followed by others.
    fn filters(self) -> &'static str {
        match self {
            Turn::None => "",
            Turn::Quarter => "transpose=clock,",
            Turn::Half => "hflip,vflip,",
            Turn::ThreeQuarters => "transpose=cclock,",
        }
    }

    /// The format of `from` after it.
    fn upright(self, from: &PictureFormat) -> PictureFormat {
        let mut format = from.clone();
        if matches!(self, Turn::Quarter | Turn::ThreeQuarters) {
            (format.width, format.height) = (from.height, from.width);
            format.sample_aspect_ratio = from.sample_aspect_ratio.inverse();
        }
        format
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

    #[test]
    fn a_picture_on_its_side_is_turned_and_fitted_upright() {
        let house = VideoFormat {
            width: 1920,
            height: 1080,
            frame_rate: crate::time::FrameRate::new(25, 1).unwrap(),
        };
        for (degrees, filters) in [
            (0, "scale=1920:1080"),
            (90, "transpose=clock,scale=608:1080"),
            (180, "hflip,vflip,scale=1920:1080"),
            (271, "transpose=cclock,scale=608:1080"),
            (359, "scale=1920:1080"),
        ] {
            let made = PictureConform::new(house, degrees).filters(&source(1280, 720, 1, 1));
            assert!(made.starts_with(filters), "{degrees}: {made}");
        }
    }
}
