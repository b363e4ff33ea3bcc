//! Uncompressed sound: shared and immutable.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::mem::MaybeUninit;
use std::sync::Arc;

use ffmpeg_sys_next as ff;

use crate::error::{Error, Result, check};
use crate::frame::{Fields, Frame};

const UNSPECIFIED_ORDER: c_int = ff::AVChannelOrder::AV_CHANNEL_ORDER_UNSPEC as c_int;

/// A run of decoded or filtered sound.
///
/// Immutable and reference-counted: a clone costs a count, may live on any thread, and shares the samples.
#[derive(Clone)]
pub struct Samples {
    frame: Arc<Frame>,
    pts: Option<i64>,
}

impl Samples {
    /// Takes a frame of sound from libav, refusing absurd descriptions.
    pub(crate) fn from_frame(mut frame: Frame) -> Result<Self> {
        let Fields { sample_rate: rate, channels, .. } = frame.fields();
        if rate <= 0 || channels <= 0 {
            return Err(Error::unsupported(format!("sound of {channels} channels at {rate} Hz")));
        }
        // A count without places (old WAV, raw PCM) gets the usual places, so that a downmix knows what to do.
        // SAFETY: the layout is part of a valid frame of ours; a layout without places owns no memory.
        unsafe {
            let layout = &raw mut (*frame.as_mut_ptr()).ch_layout;
            if (&raw const (*layout).order).cast::<c_int>().read() == UNSPECIFIED_ORDER {
                ff::av_channel_layout_default(layout, (*layout).nb_channels);
            }
        }
        let pts = frame.fields().timestamp();
        Ok(Self { frame: Arc::new(frame), pts })
    }

    /// A frame of libav's on the same samples.
    pub(crate) fn to_frame(&self) -> Result<Frame> {
        let mut frame = self.frame.share()?;
        frame.set_pts(self.pts);
        Ok(frame)
    }

    /// Samples per second and channel, above zero.
    pub fn rate(&self) -> u32 {
        self.frame.fields().sample_rate.unsigned_abs()
    }

    /// Number of channels, above zero.
    pub fn channels(&self) -> u32 {
        self.frame.fields().channels.unsigned_abs()
    }

    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.frame.fields().frames()
    }

    /// When the first sample is heard: the decoder's best estimate in the stream's time base, or a graph's in
    /// the graph's.
    pub fn pts(&self) -> Option<i64> {
        self.pts
    }

    /// What an [`AudioGraph`](crate::AudioGraph) needs to know to take these samples.
    pub fn format(&self) -> SamplesFormat {
        // SAFETY: the layout is part of a valid frame.
        let layout = unsafe { describe(&raw const (*self.frame.as_ptr()).ch_layout) };
        SamplesFormat {
            rate: self.rate(),
            channels: self.channels(),
            layout,
            sample_format: SampleFormat(self.frame.fields().format),
        }
    }

    /// The samples, channel by channel within each instant.
    ///
    /// # Errors
    /// When they are not packed 16-bit integers: ask a graph for `aformat=sample_fmts=s16`.
    pub fn interleaved_i16(&self) -> Result<&[i16]> {
        let sample_format = SampleFormat(self.frame.fields().format);
        if sample_format != SampleFormat::S16 {
            return Err(Error::unsupported(format!("{sample_format} samples where s16 is needed")));
        }
        let count = self.frames() * self.channels() as usize;
        if count == 0 {
            return Ok(&[]);
        }
        let start = self.frame.bytes(0, count * size_of::<i16>()).map(|start| start.cast::<i16>());
        let start = start.filter(|start| start.is_aligned());
        let start = start.ok_or_else(|| Error::unsupported("sound without samples"))?;
        // SAFETY: `bytes` proved the span to lie in a buffer the frame keeps alive, it is aligned, any bits make
        // an i16, and samples are never written to once made.
        Ok(unsafe { std::slice::from_raw_parts(start.as_ptr(), count) })
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples")
            .field("format", &self.format())
            .field("frames", &self.frames())
            .field("pts", &self.pts)
            .finish()
    }
}

/// How one sample is stored, by libav's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleFormat(pub(crate) c_int);

impl SampleFormat {
    /// 16-bit signed integers, channels interleaved.
    pub const S16: Self = Self(1);
    /// 32-bit floats between −1 and 1, one plane per channel.
    pub const FLTP: Self = Self(8);

    /// libav's name, such as `s16` or `fltp`; `none` for a number it does not know.
    pub fn name(self) -> &'static str {
        // SAFETY: the enum is `repr(i32)` and numbers its formats without a gap from 0 up to, not including, NB.
        let known = (0..ff::AVSampleFormat::AV_SAMPLE_FMT_NB as c_int)
            .contains(&self.0)
            .then(|| unsafe { std::mem::transmute::<c_int, ff::AVSampleFormat>(self.0) });
        // SAFETY: every known format has a static, terminated name.
        let name = known.map(|format| unsafe { CStr::from_ptr(ff::av_get_sample_fmt_name(format)) });
        name.and_then(|name| name.to_str().ok()).unwrap_or("none")
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything about sound that a filter graph is built for. When it changes within a file, so must the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamplesFormat {
    /// Samples per second and channel.
    pub rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// libav's name of the channel layout, such as `stereo` or `5.1(side)`.
    pub layout: String,
    /// How one sample is stored.
    pub sample_format: SampleFormat,
}

impl fmt::Display for SamplesFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz {} {}", self.rate, self.layout, self.sample_format)
    }
}

/// The owner of an `AVChannelLayout`, which may hold memory for unusual layouts.
pub(crate) struct ChannelLayout(ff::AVChannelLayout);

// SAFETY: the pointers within lead to its own allocation, bound to no thread.
unsafe impl Send for ChannelLayout {}

impl ChannelLayout {
    /// The layout of that name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let text = CString::new(name).map_err(|_| Error::invalid("layout", name, "contains NUL"))?;
        let mut layout = Self::empty();
        // SAFETY: the layout is zeroed, as the function asks, and the name is terminated.
        let code = unsafe { ff::av_channel_layout_from_string(&raw mut layout.0, text.as_ptr()) };
        check("av_channel_layout_from_string", code)?;
        Ok(layout)
    }

    /// The usual layout of that many channels.
    pub(crate) fn usual(channels: c_int) -> Self {
        let mut layout = Self::empty();
        // SAFETY: the layout is zeroed; any count is answered.
        unsafe { ff::av_channel_layout_default(&raw mut layout.0, channels) };
        layout
    }

    /// libav's name of it, which is the same for layouts that are equal.
    pub(crate) fn describe(&self) -> String {
        // SAFETY: the layout is valid.
        unsafe { describe(&raw const self.0) }
    }

    /// Copies into a layout that is part of one of libav's structs.
    ///
    /// # Safety
    /// `target` must point to a valid layout.
    pub(crate) unsafe fn copy_to(&self, target: *mut ff::AVChannelLayout) -> Result<()> {
        // SAFETY: the source is valid, and the caller vouches for the target.
        check("av_channel_layout_copy", unsafe { ff::av_channel_layout_copy(target, &raw const self.0) })
            .map(drop)
    }

    fn empty() -> Self {
        // SAFETY: the struct is plain data whose zeroed state libav defines as valid ("unspecified").
        Self(unsafe { MaybeUninit::zeroed().assume_init() })
    }
}

/// # Safety
/// `layout` must point to a valid layout.
pub(crate) unsafe fn describe(layout: *const ff::AVChannelLayout) -> String {
    let mut text = [0 as c_char; 128];
    // SAFETY: the caller vouches for the layout; the size is one less than the buffer's, which is all zeroes, so
    // the text is terminated within it even if the function fails.
    let text = unsafe {
        ff::av_channel_layout_describe(layout, text.as_mut_ptr(), text.len() - 1);
        CStr::from_ptr(text.as_ptr())
    };
    text.to_string_lossy().into_owned()
}

impl fmt::Debug for ChannelLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelLayout").field("channels", &self.0.nb_channels).finish_non_exhaustive()
    }
}

impl Drop for ChannelLayout {
    fn drop(&mut self) {
        // SAFETY: the layout is valid and not used afterwards.
        unsafe { ff::av_channel_layout_uninit(&raw mut self.0) }
    }
}
