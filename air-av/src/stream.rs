//! What a container says about one of its streams.

use std::ffi::{CStr, c_int};
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use ffmpeg_sys_next as ff;

use crate::Rational;
use crate::error::{Result, allocated, check};

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaKind {
    /// Moving pictures, or a single one.
    Video,
    /// Sound.
    Audio,
    /// Captions as a stream of their own.
    Subtitle,
    /// Anything else.
    Other,
}

/// How the fields of interlaced video are ordered, as far as the container says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldOrder {
    /// Not said; the pictures may know better.
    Unknown,
    /// Whole pictures.
    Progressive,
    /// The field with the first line is shown first.
    TopFirst,
    /// The field with the second line is shown first.
    BottomFirst,
}

/// One stream of a file, described. Owns its description, so it outlives the demuxer; a clone is cheap.
#[derive(Clone)]
pub struct StreamInfo {
    parameters: Arc<CodecParameters>,
    index: usize,
    kind: MediaKind,
    codec_name: &'static str,
    width: u32,
    height: u32,
    field_order: FieldOrder,
    sample_rate: u32,
    channels: u32,
    time_base: Rational,
    start_time: Option<i64>,
    duration: Option<i64>,
    frame_rate: Option<Rational>,
    declared_frame_rate: Option<Rational>,
    sample_aspect_ratio: Rational,
    container_aspect_ratio: Option<Rational>,
    rotation_degrees: i32,
    is_mirrored: bool,
    is_attached_picture: bool,
    reorder_delay: u32,
}

impl StreamInfo {
    /// # Safety
    /// `stream` must point to a valid stream of an opened input.
    pub(crate) unsafe fn read(stream: *mut ff::AVStream) -> Result<Self> {
        let count = |value| u32::try_from(value).unwrap_or(0);
        let timestamp = |value| Some(value).filter(|&value| value != ff::AV_NOPTS_VALUE);
        // SAFETY: the caller vouches for the stream, and libavformat gives every stream its parameters, which are
        // valid in the copy too. Enums are read as integers, which C gives them the size of. The codec id is from
        // libav's own tables, whose names are static, terminated strings.
        unsafe {
            let owned = CodecParameters::copy((*stream).codecpar)?;
            let parameters = owned.as_ptr();
            let own_aspect = Rational::from((*stream).sample_aspect_ratio).positive();
            let aspect = own_aspect.or(Rational::from((*parameters).sample_aspect_ratio).positive());
            let (rotation_degrees, is_mirrored) = orientation(stream);
            Ok(Self {
                index: usize::try_from((*stream).index).unwrap_or(0),
                kind: kind((&raw const (*parameters).codec_type).cast::<c_int>().read()),
                codec_name: CStr::from_ptr(ff::avcodec_get_name((*parameters).codec_id))
                    .to_str()
                    .unwrap_or("none"),
                width: count((*parameters).width),
                height: count((*parameters).height),
                field_order: field_order((&raw const (*parameters).field_order).cast::<c_int>().read()),
                sample_rate: count((*parameters).sample_rate),
                channels: count((*parameters).ch_layout.nb_channels),
                time_base: Rational::from((*stream).time_base).positive().unwrap_or(MICROSECONDS),
                start_time: timestamp((*stream).start_time),
                duration: timestamp((*stream).duration).filter(|&duration| duration > 0),
                frame_rate: Rational::from((*stream).avg_frame_rate).positive(),
                declared_frame_rate: Rational::from((*stream).r_frame_rate).positive(),
                sample_aspect_ratio: aspect.unwrap_or(Rational::new(0, 1)),
                container_aspect_ratio: own_aspect,
                rotation_degrees,
                is_mirrored,
                is_attached_picture: (*stream).disposition & ff::AV_DISPOSITION_ATTACHED_PIC != 0,
                reorder_delay: count((*parameters).video_delay),
                parameters: Arc::new(owned),
            })
        }
    }

    pub(crate) fn parameters(&self) -> *const ff::AVCodecParameters {
        self.parameters.as_ptr()
    }

    /// Position in the file's list of streams, the one packets carry.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What it carries.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Seconds per unit of the stream's timestamps; both terms above zero.
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// Timestamp of the first picture or sample, if known.
    pub fn start_time(&self) -> Option<i64> {
        self.start_time
    }

    /// Length in units of the time base, if known; above zero. Containers guess.
    pub fn duration(&self) -> Option<i64> {
        self.duration
    }

    /// Pictures that a decoder holds back to bring all into order.
    pub fn reorder_delay(&self) -> u32 {
        self.reorder_delay
    }

    /// Average pictures per second, if known.
    pub fn frame_rate(&self) -> Option<Rational> {
        self.frame_rate
    }

    /// The rate all timestamps fit, by the container or libav's guess; may be the field rate.
    pub fn declared_frame_rate(&self) -> Option<Rational> {
        self.declared_frame_rate
    }

    /// libav's name of the codec, such as `h264`; `none` or `unknown_codec` if it knows none.
    pub fn codec_name(&self) -> &'static str {
        self.codec_name
    }

    /// Width in pixels, 0 for sound or when unknown.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in lines, 0 for sound or when unknown.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Shape of a pixel, `0/1` when unknown; the container's word goes before the codec's.
    pub fn sample_aspect_ratio(&self) -> Rational {
        self.sample_aspect_ratio
    }

    /// Shape of a pixel by the container alone, which says so only if it has the means; for all pictures of the
    /// size the stream began with.
    pub fn container_aspect_ratio(&self) -> Option<Rational> {
        self.container_aspect_ratio
    }

    /// Whether the picture is to be put upside down, as in a mirror, before it is turned for display.
    pub fn is_mirrored(&self) -> bool {
        self.is_mirrored
    }

    /// How far to turn the picture clockwise for display, 0 to 359, from the display matrix.
    pub fn rotation_degrees(&self) -> i32 {
        self.rotation_degrees
    }

    /// The order of the fields, as the container or the first headers have it.
    pub fn field_order(&self) -> FieldOrder {
        self.field_order
    }

    /// Samples per second, 0 for pictures or when unknown.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Number of channels, 0 for pictures or when unknown.
    pub fn channels(&self) -> u32 {
        self.channels
    }

    /// Whether it is a still that belongs to the file, such as the cover of an album, rather than video.
    pub fn is_attached_picture(&self) -> bool {
        self.is_attached_picture
    }
}

impl fmt::Debug for StreamInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("StreamInfo");
        out.field("index", &self.index).field("kind", &self.kind).field("codec", &self.codec_name());
        out.field("time_base", &self.time_base).field("start_time", &self.start_time);
        match self.kind {
            MediaKind::Video => out
                .field("size", &(self.width(), self.height()))
                .field("frame_rate", &self.frame_rate)
                .field("rotation_degrees", &self.rotation_degrees),
            _ => out.field("sample_rate", &self.sample_rate()).field("channels", &self.channels()),
        };
        out.finish_non_exhaustive()
    }
}

const MICROSECONDS: Rational = Rational::new(1, ff::AV_TIME_BASE);

fn kind(codec_type: c_int) -> MediaKind {
    match codec_type {
        0 => MediaKind::Video,
        1 => MediaKind::Audio,
        3 => MediaKind::Subtitle,
        _ => MediaKind::Other,
    }
}

/// "TB" is coded top first and shown bottom first, and the reverse: what counts is what is shown.
fn field_order(order: c_int) -> FieldOrder {
    match order {
        1 => FieldOrder::Progressive,
        2 | 5 => FieldOrder::TopFirst,
        3 | 4 => FieldOrder::BottomFirst,
        _ => FieldOrder::Unknown,
    }
}

/// How far to turn the picture clockwise, after it was mirrored top to bottom or not.
///
/// # Safety
/// `stream` must point to a valid stream.
unsafe fn orientation(stream: *const ff::AVStream) -> (i32, bool) {
    const MATRIX_BYTES: usize = 9 * size_of::<i32>();
    // SAFETY: the caller vouches for the stream.
    let (matrix, size) = unsafe { display_matrix(stream) };
    if matrix.is_null() || size < MATRIX_BYTES {
        return (0, false);
    }
    // SAFETY: there are nine integers, aligned as all of libav's allocations are.
    let (counterclockwise, [a, b, _, c, d, ..]) =
        unsafe { (ff::av_display_rotation_get(matrix.cast()), matrix.cast::<[i32; 9]>().read()) };
    // The angle is that of the lines, which a mirror from top to bottom does not turn.
    let is_mirrored = i64::from(a) * i64::from(d) < i64::from(b) * i64::from(c);
    // NaN, for a matrix that is no rotation, casts to 0.
    ((-counterclockwise).round().rem_euclid(360.0) as i32, is_mirrored)
}

/// Start and size of the matrix; null if there is none.
///
/// # Safety
/// `stream` must point to a valid stream.
#[cfg(not(ffmpeg_6_1))]
unsafe fn display_matrix(stream: *const ff::AVStream) -> (*const u8, usize) {
    let mut size = 0;
    let kind = ff::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
    // SAFETY: the caller vouches for the stream; the size is a place to write to.
    (unsafe { ff::av_stream_get_side_data(stream, kind, &raw mut size) }, size)
}

/// Start and size of the matrix, now that side data moved from the stream to its parameters.
///
/// # Safety
/// `stream` must point to a valid stream.
#[cfg(ffmpeg_6_1)]
unsafe fn display_matrix(stream: *const ff::AVStream) -> (*const u8, usize) {
    let kind = ff::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
    // SAFETY: the caller vouches for the stream; libavformat keeps list and count of its parameters in step, and
    // the function returns null where there is none of the kind.
    unsafe {
        let parameters = (*stream).codecpar;
        let (list, count) = ((*parameters).coded_side_data, (*parameters).nb_coded_side_data);
        let found = ff::av_packet_side_data_get(list, count, kind);
        if found.is_null() { (std::ptr::null(), 0) } else { ((*found).data, (*found).size) }
    }
}

/// The owner of an `AVCodecParameters`.
struct CodecParameters(NonNull<ff::AVCodecParameters>);

// SAFETY: plain data with its own allocations, bound to no thread.
unsafe impl Send for CodecParameters {}
// SAFETY: never written to after `copy`.
unsafe impl Sync for CodecParameters {}

impl CodecParameters {
    /// # Safety
    /// `source` must point to valid parameters.
    unsafe fn copy(source: *const ff::AVCodecParameters) -> Result<Self> {
        // SAFETY: no precondition.
        let copy = Self(allocated(unsafe { ff::avcodec_parameters_alloc() }));
        // SAFETY: both are valid; the function copies everything the source points to.
        check("avcodec_parameters_copy", unsafe { ff::avcodec_parameters_copy(copy.0.as_ptr(), source) })?;
        Ok(copy)
    }

    fn as_ptr(&self) -> *const ff::AVCodecParameters {
        self.0.as_ptr()
    }
}

impl Drop for CodecParameters {
    fn drop(&mut self) {
        let mut parameters = self.0.as_ptr();
        // SAFETY: the parameters came from avcodec_parameters_alloc and are freed once.
        unsafe { ff::avcodec_parameters_free(&raw mut parameters) }
    }
}
