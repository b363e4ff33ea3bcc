//! What libav this process runs with, for reports and for checks before anything is opened.

use std::ffi::{CStr, c_char};
use std::fmt;

use ff::AVMediaType::{AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO};
use ffmpeg_sys_next as ff;

use crate::encode::find;

/// Release numbers of the loaded libraries, each as `(major, minor, micro)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// libavcodec.
    pub avcodec: (u32, u32, u32),
    /// libavformat.
    pub avformat: (u32, u32, u32),
    /// libavfilter.
    pub avfilter: (u32, u32, u32),
    /// libavutil.
    pub avutil: (u32, u32, u32),
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dotted = |(major, minor, micro)| format!("{major}.{minor}.{micro}");
        write!(f, "libavcodec {} ", dotted(self.avcodec))?;
        write!(f, "libavformat {} ", dotted(self.avformat))?;
        write!(f, "libavfilter {} ", dotted(self.avfilter))?;
        write!(f, "libavutil {}", dotted(self.avutil))
    }
}

/// The versions of the libraries that are loaded, which may be newer than those compiled against.
pub fn versions() -> Versions {
    let split = |version: u32| (version >> 16, version >> 8 & 0xff, version & 0xff);
    // SAFETY: these functions have no precondition.
    unsafe {
        Versions {
            avcodec: split(ff::avcodec_version()),
            avformat: split(ff::avformat_version()),
            avfilter: split(ff::avfilter_version()),
            avutil: split(ff::avutil_version()),
        }
    }
}

/// The licence of the loaded libraries, such as `GPL version 3 or later`.
pub fn license() -> &'static str {
    // SAFETY: no precondition; the text is static and terminated.
    text(unsafe { ff::avcodec_license() })
}

/// The arguments the libraries were configured with.
pub fn configuration() -> &'static str {
    // SAFETY: no precondition; the text is static and terminated.
    text(unsafe { ff::avcodec_configuration() })
}

/// Whether there is a video or audio encoder of that name. One that needs a device may still not open.
pub fn encoder_exists(name: &str) -> bool {
    find(name, AVMEDIA_TYPE_VIDEO).or_else(|| find(name, AVMEDIA_TYPE_AUDIO)).is_some()
}

fn text(pointer: *const c_char) -> &'static str {
    // SAFETY: both callers pass a static, terminated text of libav's.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaded_libav_is_one_with_channel_layouts() {
        assert!(versions().avcodec >= (59, 37, 0), "{}", versions());
        assert!(!license().is_empty() && !configuration().is_empty());
    }

    #[test]
    fn encoders_are_known_by_their_own_names_only() {
        assert!(encoder_exists("aac"));
        assert!(!encoder_exists("no\0such") && !encoder_exists("h265x") && !encoder_exists(""));
    }
}
