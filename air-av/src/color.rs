//! How the numbers of a picture mean colours.
//!
//! Only the labels: nothing here converts a sample.

use std::fmt;

/// The span of the sample values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColorRange {
    /// Not said; video without a label is limited by custom.
    #[default]
    Unspecified,
    /// 16 to 235 for luma at 8 bits, as broadcast uses.
    Limited,
    /// 0 to 255 at 8 bits, as stills and screens use.
    Full,
}

/// The colour description of ISO/IEC 23091-2 (ITU-T H.273), in its own code points; 2 is "unspecified".
///
/// Displayed as range, then primaries, transfer and matrix: `limited 1/1/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// The span of the sample values.
    pub range: ColorRange,
    /// ColourPrimaries (table 2 of the standard).
    pub primaries: u8,
    /// TransferCharacteristics (table 3).
    pub transfer: u8,
    /// MatrixCoefficients (table 4).
    pub matrix: u8,
}

impl Color {
    /// Nothing is known.
    pub const UNSPECIFIED: Self =
        Self { range: ColorRange::Unspecified, primaries: 2, transfer: 2, matrix: 2 };
    /// BT.709, limited range: what high-definition broadcast carries.
    pub const BT709_LIMITED: Self = Self { range: ColorRange::Limited, primaries: 1, transfer: 1, matrix: 1 };

    /// libav numbers its enums after the same standard, so its values pass through as they are.
    pub(crate) fn from_av(range: i32, primaries: i32, transfer: i32, matrix: i32) -> Self {
        let range = match range {
            1 => ColorRange::Limited,
            2 => ColorRange::Full,
            _ => ColorRange::Unspecified,
        };
        let code_point = |value| u8::try_from(value).unwrap_or(2);
        Self {
            range,
            primaries: code_point(primaries),
            transfer: code_point(transfer),
            matrix: code_point(matrix),
        }
    }

    pub(crate) fn av_range(self) -> i32 {
        match self.range {
            ColorRange::Unspecified => 0,
            ColorRange::Limited => 1,
            ColorRange::Full => 2,
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = match self.range {
            ColorRange::Unspecified => "unspecified",
            ColorRange::Limited => "limited",
            ColorRange::Full => "full",
        };
        write!(f, "{range} {}/{}/{}", self.primaries, self.transfer, self.matrix)
    }
}

impl Default for Color {
    fn default() -> Self {
        Self::UNSPECIFIED
    }
}
