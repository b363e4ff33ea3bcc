//! Geometry: which way up and in which shape a picture is shown, and how large that is in the house picture.

use air_av::{PictureFormat, Rational, StreamInfo};

use crate::format::VideoFormat;

/// How the container says that the pictures of a stream are shown; as they are by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presentation {
    turn: Turn,
    is_mirrored: bool,
    /// Size of the pictures that the aspect ratio is said of.
    stored: (u32, u32),
    aspect: Option<Rational>,
}

/// How a picture is turned for display, clockwise: cameras are held in four ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    #[default]
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Presentation {
    /// What the container says of `stream`; a turn is taken to the nearest quarter.
    pub fn of(stream: &StreamInfo) -> Presentation {
        Presentation {
            turn: Turn::nearest(stream.rotation_degrees()),
            is_mirrored: stream.is_mirrored(),
            stored: (stream.width(), stream.height()),
            aspect: stream.container_aspect_ratio(),
        }
    }

    /// Whether pictures are shown the way they are stored.
    pub fn is_upright(&self) -> bool {
        self.turn == Turn::None && !self.is_mirrored
    }

    /// Filters that bring a picture upright, to be followed by others.
    pub fn filters(&self) -> String {
        let mirror = if self.is_mirrored { "vflip," } else { "" };
        format!("{mirror}{}", self.turn.filters())
    }

    /// The format of `from` when it is upright and has the container's shape, whose word goes before the picture's
    /// own for as long as that has the size it was given for.
    pub fn upright(&self, from: &PictureFormat) -> PictureFormat {
        let mut format = from.clone();
        if let Some(aspect) = self.aspect.filter(|_| self.stored == (from.width, from.height)) {
            format.sample_aspect_ratio = aspect;
        }
        if matches!(self.turn, Turn::Quarter | Turn::ThreeQuarters) {
            (format.width, format.height) = (from.height, from.width);
            format.sample_aspect_ratio = format.sample_aspect_ratio.inverse();
        }
        format
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

    fn filters(self) -> &'static str {
        match self {
            Turn::None => "",
            Turn::Quarter => "transpose=clock,",
            Turn::Half => "hflip,vflip,",
            Turn::ThreeQuarters => "transpose=cclock,",
        }
    }
}

/// Whether the pixels of `format` are square; unknown ones are taken to be.
pub fn is_square(format: &PictureFormat) -> bool {
    shape(format.sample_aspect_ratio) == (1, 1)
}

/// The largest even size within the house picture that keeps the shape of the source.
pub fn fit(from: &PictureFormat, house: VideoFormat) -> (u32, u32) {
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

/// Sample aspect ratio with "unknown" taken as square.
fn shape(ratio: Rational) -> (u64, u64) {
    match (u64::try_from(ratio.num), u64::try_from(ratio.den)) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 && num != den => (num, den),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use air_av::{PictureMut, PixelFormat};

    use super::*;
    use crate::time::FrameRate;

    fn house() -> VideoFormat {
        VideoFormat { width: 1920, height: 1080, frame_rate: FrameRate::new(25, 1).unwrap() }
    }

    fn source(width: u32, height: u32, num: i32, den: i32) -> PictureFormat {
        let mut format = PictureMut::new(2, 2, PixelFormat::Yuv420p).unwrap().freeze().format();
        (format.width, format.height) = (width, height);
        format.sample_aspect_ratio = Rational { num, den };
        format
    }

    /// L-35: the shape of the picture decides, not its stored size.
    #[test]
    fn the_active_picture_keeps_its_shape() {
        for (from, expected) in [
            (source(1280, 720, 1, 1), (1920, 1080)),
            (source(1280, 720, 0, 1), (1920, 1080)),
            (source(1280, 720, 6525, 8624), (1454, 1080)),
            (source(720, 576, 16, 15), (1440, 1080)),
            (source(720, 576, 64, 45), (1920, 1080)),
            (source(1920, 800, 1, 1), (1920, 800)),
            (source(16, 8192, 1, 1), (2, 1080)),
            (source(1, 1, 1, 1), (1080, 1080)),
        ] {
            assert_eq!(fit(&from, house()), expected, "{from:?}");
        }
    }

    #[test]
    fn a_picture_on_its_side_or_in_a_mirror_is_fitted_upright() {
        for (degrees, is_mirrored, filters, fitted) in [
            (0, false, "", (1920, 1080)),
            (90, false, "transpose=clock,", (608, 1080)),
            (180, false, "hflip,vflip,", (1920, 1080)),
            (271, true, "vflip,transpose=cclock,", (608, 1080)),
            (359, true, "vflip,", (1920, 1080)),
        ] {
            let turn = Turn::nearest(degrees);
            let presentation = Presentation { turn, is_mirrored, ..Presentation::default() };
            assert_eq!(presentation.filters(), filters);
            assert_eq!(fit(&presentation.upright(&source(1280, 720, 1, 1)), house()), fitted);
        }
    }

    /// PAINS 28: where container and stream disagree, the container is right, of the pictures it speaks of.
    #[test]
    fn the_container_says_the_shape_of_the_size_it_knows() {
        let aspect = Some(Rational::new(64, 45));
        let presentation = Presentation { stored: (720, 576), aspect, ..Presentation::default() };
        assert_eq!(fit(&presentation.upright(&source(720, 576, 16, 15)), house()), (1920, 1080));
        assert_eq!(fit(&presentation.upright(&source(704, 576, 12, 11)), house()), (1440, 1080));
    }
}
