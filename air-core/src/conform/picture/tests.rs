//! What comes out of conforming, measured against references of their own.

use air_av::{Color, ColorRange, PictureMut};

use super::*;
use crate::time::FrameRate;

const SD: Color = Color { range: ColorRange::Limited, primaries: 6, transfer: 6, matrix: 6 };
const HD: Color = Color::BT709_LIMITED;
const PQ: Color = Color { range: ColorRange::Limited, primaries: 9, transfer: 16, matrix: 9 };
const HLG: Color = Color { transfer: 18, ..PQ };
/// BT.2020 in the dynamic range of SDR.
const WIDE: Color = Color { transfer: 14, ..PQ };

fn conform(width: u32, height: u32) -> PictureConform {
    let house = VideoFormat { width, height, frame_rate: FrameRate::new(25, 1).unwrap() };
    PictureConform::new(house, Presentation::default())
}

/// The sample of `plane` at `x`, `y` of the plane.
fn at(picture: &Picture, plane: usize, x: usize, y: usize) -> u8 {
    let plane = picture.plane(plane);
    plane.data[y * plane.stride + x]
}

/// Writes samples of `bytes` bytes each, by column and row of the plane.
fn paint(picture: &mut PictureMut, plane: usize, bytes: usize, sample: impl Fn(usize, usize) -> u16) {
    let plane = picture.plane_mut(plane);
    for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
        for (x, out) in row.chunks_exact_mut(bytes).enumerate() {
            out.copy_from_slice(&sample(x, y).to_le_bytes()[..bytes]);
        }
    }
}

/// PAINS 28, L-35: what is a circle when shown is one, to a hundredth, and all around it is black.
#[test]
fn circles_stay_round_whatever_the_shape_of_pixels() {
    let shapes = [(1, 1), (8, 9), (10, 11), (12, 11), (16, 11), (32, 27), (40, 33), (64, 45), (6525, 8624)];
    let sizes = [(720, 576), (720, 480), (853, 480), (641, 361), (1280, 720)];
    for (num, den) in shapes {
        for (width, height) in sizes {
            let shape = Rational::new(num, den);
            let conformed = conform(1920, 1080).conform(&circle(width, height, shape)).unwrap().unwrap();
            let (wide, high) = extent(&conformed, 128);
            let error = wide.abs_diff(high) * 100;
            // A column of the source more or less is no distortion.
            let column = 100 * 1920usize.div_ceil(width as usize);
            assert!(error <= high + column, "{wide}x{high} of {width}x{height} at {shape}");
            let (picture_wide, picture_high) = extent(&conformed, 30);
            assert!(picture_wide >= 1918 || picture_high >= 1078, "{picture_wide}x{picture_high}");
            assert_bars_are_black(&conformed, (picture_wide, picture_high));
        }
    }
}

/// A white disc on grey, as high as three quarters of the picture, round when shown.
fn circle(width: u32, height: u32, shape: Rational) -> Picture {
    let mut picture = PictureMut::new(width, height, PixelFormat::Yuv420p).unwrap();
    picture.set_sample_aspect_ratio(shape);
    picture.set_color(HD);
    let (middle_x, middle_y) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let pixel = f64::from(shape.num) / f64::from(shape.den);
    let radius = 0.375 * f64::from(height).min(f64::from(width) * pixel);
    paint(&mut picture, 0, 1, |x, y| {
        let (x, y) = ((x as f64 + 0.5 - middle_x) * pixel, y as f64 + 0.5 - middle_y);
        if x.hypot(y) < radius { 235 } else { 60 }
    });
    paint(&mut picture, 1, 1, |_, _| 128);
    paint(&mut picture, 2, 1, |_, _| 128);
    picture.freeze()
}

/// Columns and lines that hold something brighter than `level`.
fn extent(picture: &Picture, level: u8) -> (usize, usize) {
    let plane = picture.plane(0);
    let rows: Vec<&[u8]> = plane.data.chunks(plane.stride).map(|row| &row[..1920]).collect();
    let high = rows.iter().filter(|row| row.iter().any(|sample| *sample > level)).count();
    let wide = (0..1920).filter(|x| rows.iter().any(|row| row[*x] > level)).count();
    (wide, high)
}

fn assert_bars_are_black(picture: &Picture, (wide, high): (usize, usize)) {
    let (left, top) = ((1920 - wide) / 2, (1080 - high) / 2);
    // The bicubic edge of the picture rings a sample or two, inside of it.
    let is_bar = |x: usize, y: usize| x + 4 < left || x > 1923 - left || y + 4 < top || y > 1083 - top;
    for y in 0..1080 {
        for x in (0..1920).filter(|x| is_bar(*x, y)) {
            let colour = [at(picture, 0, x, y), at(picture, 1, x / 2, y / 2), at(picture, 2, x / 2, y / 2)];
            assert_eq!(colour, [16, 128, 128], "at {x}, {y}");
        }
    }
}

/// Patches as fractions of red, green and blue.
const PATCHES: [[f64; 3]; 10] = [
    [0.75, 0.75, 0.75],
    [0.75, 0.75, 0.0],
    [0.0, 0.75, 0.75],
    [0.0, 0.75, 0.0],
    [0.75, 0.0, 0.75],
    [0.75, 0.0, 0.0],
    [0.0, 0.0, 0.75],
    [1.0, 1.0, 1.0],
    [0.0, 0.0, 0.0],
    [0.5, 0.3, 0.2],
];

/// Luma and colour differences of a patch at 8 bits, by ITU-R BT.601 and BT.709, written from their formulas.
fn coded([red, green, blue]: [f64; 3], color: Color) -> [f64; 3] {
    let (kr, kb) = if color.matrix == 1 { (0.2126, 0.0722) } else { (0.299, 0.114) };
    let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let (u, v) = ((blue - y) / (2.0 - 2.0 * kb), (red - y) / (2.0 - 2.0 * kr));
    match color.range {
        ColorRange::Full => [255.0 * y, 128.0 + 255.0 * u, 128.0 + 255.0 * v],
        _ => [16.0 + 219.0 * y, 128.0 + 224.0 * u, 128.0 + 224.0 * v],
    }
}

const PATCH: usize = 64;

/// The patches side by side in YUV of `bits` bits, with chroma subsampled `across` and `down`.
fn patches(format: PixelFormat, bits: u32, across: usize, meant: Color, label: Color) -> Picture {
    let (width, height) = (PATCH * PATCHES.len(), PATCH);
    let mut picture = PictureMut::new(width as u32, height as u32, format).unwrap();
    picture.set_color(label);
    for plane in 0..3 {
        let patch = if plane == 0 { PATCH } else { PATCH / across };
        paint(&mut picture, plane, bits.div_ceil(8) as usize, |x, _| {
            let value = coded(PATCHES[(x / patch).min(PATCHES.len() - 1)], meant)[plane];
            (value * f64::from(1 << (bits - 8))).round().min(f64::from((1 << bits) - 1)) as u16
        });
    }
    picture.freeze()
}

/// The middles of the patches, which are `patch` wide in luma.
fn measured(picture: &Picture, patch: usize) -> Vec<[u8; 3]> {
    let middle = |n: usize, of: usize| n * of + of / 2;
    let row = picture.height() as usize / 2;
    let patches = 0..PATCHES.len();
    patches
        .map(|n| {
            let (x, half) = (middle(n, patch), middle(n, patch / 2));
            [at(picture, 0, x, row), at(picture, 1, half, row / 2), at(picture, 2, half, row / 2)]
        })
        .collect()
}

fn assert_close(got: &[[u8; 3]], expected: &[[f64; 3]], tolerance: f64, what: &str) {
    for (n, (got, expected)) in got.iter().zip(expected).enumerate() {
        for plane in 0..3 {
            let error = (f64::from(got[plane]) - expected[plane]).abs();
            assert!(error <= tolerance, "{what}, patch {n}: {got:?} for {expected:?}");
        }
    }
}

/// Matrix, range, depth and subsampling of the source change no colour by more than three code values.
#[test]
fn colours_of_every_coding_are_those_of_bt709() {
    use PixelFormat::{Yuv420p, Yuv420p10, Yuv422p, Yuv422p10, Yuv444p, Yuvj420p};
    let full = |color: Color| Color { range: ColorRange::Full, ..color };
    let expected = PATCHES.map(|patch| coded(patch, HD));
    for (format, bits, chroma) in [
        (Yuv420p, 8, 2),
        (Yuvj420p, 8, 2),
        (Yuv422p, 8, 2),
        (Yuv444p, 8, 1),
        (Yuv420p10, 10, 2),
        (Yuv422p10, 10, 2),
    ] {
        for color in [SD, HD, full(SD), full(HD)] {
            if format == Yuvj420p && color.range != ColorRange::Full {
                continue;
            }
            let picture = patches(format, bits, chroma, color, color);
            let conformed = conform(1280, 128).conform(&picture).unwrap().unwrap();
            assert_close(&measured(&conformed, 2 * PATCH), &expected, 3.0, &format!("{format} {color}"));
        }
    }
}

/// By custom SD is BT.601 and HD is BT.709, also in house size.
#[test]
fn unlabelled_pictures_mean_what_their_size_implies() {
    let expected = PATCHES.map(|patch| coded(patch, HD));
    let unlabelled = patches(PixelFormat::Yuv420p, 8, 2, SD, Color::UNSPECIFIED);
    let conformed = conform(640, 64).conform(&unlabelled).unwrap().unwrap();
    assert_close(&measured(&conformed, PATCH), &expected, 3.0, "SD");
    let wide = conform(1280, 128).conform(&patches(PixelFormat::Yuv420p, 8, 2, HD, HD)).unwrap().unwrap();
    let mut unlabelled = PictureMut::new(1280, 128, PixelFormat::Yuv422p).unwrap();
    for plane in 0..3 {
        paint(&mut unlabelled, plane, 1, |x, y| {
            u16::from(at(&wide, plane, x, if plane == 0 { y } else { y / 2 }))
        });
    }
    let conformed = conform(1280, 128).conform(&unlabelled.freeze()).unwrap().unwrap();
    assert_close(&measured(&conformed, 2 * PATCH), &expected, 3.0, "HD");
}

#[test]
fn red_green_and_blue_become_bt709_and_what_is_transparent_lies_over_black() {
    for (format, bytes) in [(PixelFormat::Rgb24, 3), (PixelFormat::Rgba, 4)] {
        let mut picture = PictureMut::new(640, 64, format).unwrap();
        let plane = picture.plane_mut(0);
        for (x, pixel) in plane.data.chunks_exact_mut(bytes).enumerate() {
            let (patch, is_below) = (PATCHES[x % 640 / PATCH], x / 640 >= 32);
            for (sample, value) in pixel.iter_mut().zip(patch) {
                *sample = (value * 255.0).round() as u8;
            }
            if let Some(alpha) = pixel.get_mut(3) {
                *alpha = if is_below { 0 } else { 255 };
            }
        }
        let conformed = conform(640, 64).conform(&picture.freeze()).unwrap().unwrap();
        for (n, patch) in PATCHES.into_iter().enumerate() {
            let x = n * PATCH + PATCH / 2;
            let above = [at(&conformed, 0, x, 16), at(&conformed, 1, x / 2, 8), at(&conformed, 2, x / 2, 8)];
            assert_close(&[above], &[coded(patch, HD)], 3.0, &format.to_string());
            assert!(bytes == 3 || at(&conformed, 0, x, 48) <= 17, "transparent patch {n}");
        }
    }
}

/// The reference: display light by ITU-R BT.2100, in units of the 203 cd/m² of reference white, bent above 0.6
/// so that the 1000 cd/m² of the peak become 1, and shown on a display of gamma 2.4 (BT.1886).
fn mapped(signal: f64, color: Color) -> f64 {
    let nits = if color == PQ {
        let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 4096.0 * 128.0);
        let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
        let power = signal.powf(1.0 / m2);
        10_000.0 * ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1)
    } else {
        let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
        let scene = if signal <= 0.5 { signal * signal / 3.0 } else { (((signal - c) / a).exp() + b) / 12.0 };
        1000.0 * scene.powf(1.2)
    };
    let (light, knee, peak) = (nits / 203.0, 0.6, 1000.0 / 203.0);
    // The curve (x + p)·r / (x + q) that leaves the straight line at the knee with its slope and meets the peak at 1.
    let q = (knee * knee - 2.0 * knee * peak + peak) / (peak - 1.0);
    let p = -knee * knee * (peak - 1.0) / (knee * knee - 2.0 * knee + peak);
    let r = (q + knee) * (q + knee) / (q - p);
    let bent = if light <= knee { light } else { r * (light + p) / (light + q) };
    bent.min(1.0).powf(1.0 / 2.4)
}

/// PAINS 33: a grey ramp of HDR follows the reference within three hundredths, and stays grey.
#[test]
fn grey_ramps_of_hdr_follow_the_reference_curve() {
    const STEPS: usize = 16;
    for color in [PQ, HLG] {
        let mut ramp = PictureMut::new(640, 64, PixelFormat::Yuv420p10).unwrap();
        ramp.set_color(color);
        let level = |step: usize| 64 + 876 * step / (STEPS - 1);
        paint(&mut ramp, 0, 2, |x, _| level(x * STEPS / 640) as u16);
        paint(&mut ramp, 1, 2, |_, _| 512);
        paint(&mut ramp, 2, 2, |_, _| 512);
        let conformed = conform(1280, 128).conform(&ramp.freeze()).unwrap().unwrap();
        assert_eq!(conformed.format().color.matrix, 1);
        for step in 0..STEPS {
            let x = (2 * step + 1) * 1280 / (2 * STEPS);
            let expected = mapped((level(step) - 64) as f64 / 876.0, color);
            let got = (f64::from(at(&conformed, 0, x, 64)) - 16.0) / 219.0;
            assert!((got - expected).abs() <= 0.03, "step {step} of {color}: {got} for {expected}");
            for plane in [1, 2] {
                assert!(at(&conformed, plane, x / 2, 32).abs_diff(128) <= 1, "step {step} is grey");
            }
        }
        let white = mapped(if color == PQ { 0.5807 } else { 0.75 }, color);
        assert!((0.90..0.94).contains(&white), "reference white at {white}");
    }
}

/// PF-6: what is in house format already is not touched, and nothing passes for it that is not.
#[test]
fn only_a_picture_in_house_format_passes_as_it_is() {
    let house = patches(PixelFormat::Yuv420p, 8, 2, HD, HD);
    let passed = conform(640, 64).conform(&house).unwrap().unwrap();
    assert!(std::ptr::eq(passed.plane(0).data, house.plane(0).data));
    for label in [SD, Color::UNSPECIFIED, Color { range: ColorRange::Full, ..HD }, PQ, HLG] {
        let other = patches(PixelFormat::Yuv420p, 8, 2, HD, label);
        let conformed = conform(640, 64).conform(&other).unwrap().unwrap();
        assert!(!std::ptr::eq(conformed.plane(0).data, other.plane(0).data), "{label}");
    }
}

/// Every size is shown, down to one pixel and up to lines that end within a vector.
#[test]
fn odd_sizes_are_shown_and_a_change_midway_too() {
    let mut conform = conform(640, 360);
    for (width, height) in [(853, 480), (641, 361), (1, 1), (3, 2), (17, 500), (641, 361)] {
        for color in [HD, PQ, WIDE] {
            let mut picture = PictureMut::new(width, height, PixelFormat::Yuv420p).unwrap();
            picture.set_color(color);
            paint(&mut picture, 0, 1, |_, _| 200);
            paint(&mut picture, 1, 1, |_, _| 128);
            paint(&mut picture, 2, 1, |_, _| 128);
            let conformed = conform.conform(&picture.freeze()).unwrap().unwrap();
            let format = conformed.format();
            assert_eq!((format.width, format.height), (640, 360));
            assert!(at(&conformed, 0, 320, 180) >= 199, "{width}x{height} {color}");
        }
    }
}
