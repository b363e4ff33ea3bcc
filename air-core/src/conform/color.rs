//! Colour: any matrix, range, gamut and dynamic range becomes BT.709, limited range, 8 bits.
//!
//! Only says which filters do it. Unlabelled pictures mean what their size implies, by custom.
//!
//! HDR is mapped by display light: its reference white of 203 cd/m² (ITU-R BT.2408) is 1; up to 0.6 light is kept,
//! above that it is bent, so that 1 becomes 0.81 (92 % of the signal) and 1000 cd/m² the peak of SDR.

use air_av::{Color, ColorRange, PictureFormat};

/// Code points of ITU-T H.273.
const BT709: u8 = 1;
const UNSPECIFIED: u8 = 2;
const BT2020: u8 = 9;
const PQ: u8 = 16;
const HLG: u8 = 18;

/// Of HDR, in cd/m².
const REFERENCE_WHITE: u32 = 203;

/// The peak is 1000 cd/m² in units of reference white. What was graded brighter is clipped: a fixed curve does not
/// breathe with the metadata of scenes.
const TONE_MAP: &str = "tonemap=mobius:param=0.6:desat=0:peak=4.926";

/// Whether pictures labelled like this are BT.709 in limited range already.
pub fn is_bt709(format: &PictureFormat) -> bool {
    let matrix = if is_unlabelled_hd(format) { BT709 } else { format.color.matrix };
    matrix == BT709 && format.color.range != ColorRange::Full && !is_wide(format.color)
}

/// Whether the colours lie in a gamut or dynamic range that takes more than arithmetic on samples.
pub fn is_wide(color: Color) -> bool {
    [PQ, HLG].contains(&color.transfer) || color.primaries == BT2020
}

/// Filters that convert and scale pictures to `width` by `height` in 4:2:0. What is transparent lies over black.
pub fn filters(from: &PictureFormat, width: u32, height: u32) -> String {
    let scale = format!("scale={width}:{height}:flags=bicubic:in_color_matrix={}", matrix(from));
    let transparency = if from.pixel_format.has_alpha() {
        // One filter converts per instance: a matrix on the way in, another on the way out.
        ",format=gbrap,premultiply=inplace=1,format=gbrp,scale=flags=bicubic"
    } else {
        ""
    };
    format!("{scale}{transparency}:out_color_matrix=bt709:out_range=tv,format=yuv420p")
}

/// As [`filters`], by way of linear light, for what [`is_wide`]; needs filters that not every libav has.
pub fn wide_filters(from: &PictureFormat, width: u32, height: u32) -> String {
    let matrix = if from.color.matrix == UNSPECIFIED { "bt2020" } else { "auto" };
    // Full chroma, because zscale would scale it in slices, whose seams depend on the number of threads.
    let scale = format!(
        "scale={width}:{height}:flags=bicubic:in_color_matrix={matrix}:out_color_matrix=bt2020:out_range=tv\
         ,format=yuv444p10"
    );
    let input = "zscale=primariesin=2020:matrixin=2020_ncl:rangein=limited";
    let output = "transfer=709:matrix=709:primaries=709:range=limited,format=yuv444p";
    let map = match from.color.transfer {
        transfer @ (PQ | HLG) => format!(
            "{input}:transferin={transfer}:transfer=linear:npl={REFERENCE_WHITE}:primaries=709,format=gbrpf32le\
             ,{TONE_MAP},zscale={output}"
        ),
        _ => format!("{input}:transferin=709:{output}"),
    };
    format!("{scale},{map},scale=flags=bicubic,format=yuv420p")
}

/// What the matrix of `from` is called by the filter.
fn matrix(from: &PictureFormat) -> &'static str {
    match from.color.matrix {
        UNSPECIFIED if is_unlabelled_hd(from) => "bt709",
        UNSPECIFIED => "bt601",
        _ => "auto",
    }
}

/// Players draw the line above the lines of PAL and the columns of its widest pixels.
fn is_unlabelled_hd(format: &PictureFormat) -> bool {
    format.color.matrix == UNSPECIFIED && (format.height > 576 || format.width >= 1280)
}
