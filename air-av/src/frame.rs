//! The owner of an `AVFrame`, under both pictures and samples.
//!
//! Fields are read through raw pointers, never through a reference to the struct, and enums are read and written
//! as integers: a libav newer than its headers may hold a value Rust's enum does not know.

use std::ffi::c_int;
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;

use crate::Color;
use crate::error::{Result, allocated, check};

#[derive(Debug)]
pub(crate) struct Frame(NonNull<ff::AVFrame>);

// SAFETY: an AVFrame is bound to no thread; its buffers are counted atomically ("The AVBuffer API is thread-safe").
unsafe impl Send for Frame {}
// SAFETY: through `&Frame` fields and samples are only read; av_frame_ref takes its source as const.
unsafe impl Sync for Frame {}

impl Frame {
    pub(crate) fn new() -> Self {
        // SAFETY: av_frame_alloc has no precondition.
        Self(allocated(unsafe { ff::av_frame_alloc() }))
    }

    /// A second frame on the same buffers: nothing is copied but the description.
    pub(crate) fn share(&self) -> Result<Self> {
        let mut copy = Self::new();
        // SAFETY: both frames are valid and the destination is fresh, as av_frame_ref asks.
        check("av_frame_ref", unsafe { ff::av_frame_ref(copy.as_mut_ptr(), self.as_ptr()) })?;
        Ok(copy)
    }

    /// Allocates the buffers for the dimensions and format already set.
    pub(crate) fn allocate(&mut self) -> Result<()> {
        // SAFETY: the frame is valid and holds no buffer yet; libav validates the dimensions it finds.
        check("av_frame_get_buffer", unsafe { ff::av_frame_get_buffer(self.as_mut_ptr(), 0) }).map(drop)
    }

    pub(crate) fn as_ptr(&self) -> *const ff::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ff::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn width(&self) -> i32 {
        // SAFETY: the frame is valid for as long as self.
        unsafe { (*self.as_ptr()).width }
    }

    pub(crate) fn height(&self) -> i32 {
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).height }
    }

    pub(crate) fn format(&self) -> c_int {
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).format }
    }

    pub(crate) fn sample_rate(&self) -> i32 {
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).sample_rate }
    }

    pub(crate) fn nb_samples(&self) -> usize {
        // SAFETY: as above.
        usize::try_from(unsafe { (*self.as_ptr()).nb_samples }).unwrap_or(0)
    }

    pub(crate) fn channels(&self) -> usize {
        // SAFETY: as above; every channel order keeps the count in the same field.
        usize::try_from(unsafe { (*self.as_ptr()).ch_layout.nb_channels }).unwrap_or(0)
    }

    pub(crate) fn sample_aspect_ratio(&self) -> ff::AVRational {
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).sample_aspect_ratio }
    }

    /// The decoder's best guess for a decoded frame, the plain timestamp for any other.
    pub(crate) fn timestamp(&self) -> Option<i64> {
        // SAFETY: as above.
        let (best, pts) = unsafe { ((*self.as_ptr()).best_effort_timestamp, (*self.as_ptr()).pts) };
        [best, pts].into_iter().find(|&ts| ts != ff::AV_NOPTS_VALUE)
    }

    pub(crate) fn set_pts(&mut self, pts: Option<i64>) {
        // SAFETY: as above, and `&mut self` makes this the only user of the struct.
        unsafe {
            (*self.as_mut_ptr()).pts = pts.unwrap_or(ff::AV_NOPTS_VALUE);
            // Filters copy the guess along but move the timestamp: it must not win afterwards.
            (*self.as_mut_ptr()).best_effort_timestamp = ff::AV_NOPTS_VALUE;
        }
    }

    pub(crate) fn duration(&self) -> i64 {
        // SAFETY: as for the other fields.
        unsafe {
            #[cfg(ffmpeg_6_0)]
            return (*self.as_ptr()).duration;
            #[cfg(not(ffmpeg_6_0))]
            return (*self.as_ptr()).pkt_duration;
        }
    }

    pub(crate) fn is_interlaced(&self) -> bool {
        // SAFETY: as for the other fields.
        unsafe {
            #[cfg(ffmpeg_6_0)]
            return (*self.as_ptr()).flags & ff::AV_FRAME_FLAG_INTERLACED != 0;
            #[cfg(not(ffmpeg_6_0))]
            return (*self.as_ptr()).interlaced_frame != 0;
        }
    }

    pub(crate) fn top_field_first(&self) -> bool {
        // SAFETY: as for the other fields.
        unsafe {
            #[cfg(ffmpeg_6_0)]
            return (*self.as_ptr()).flags & ff::AV_FRAME_FLAG_TOP_FIELD_FIRST != 0;
            #[cfg(not(ffmpeg_6_0))]
            return (*self.as_ptr()).top_field_first != 0;
        }
    }

    pub(crate) fn is_key(&self) -> bool {
        // SAFETY: as for the other fields.
        unsafe {
            #[cfg(ffmpeg_6_0)]
            return (*self.as_ptr()).flags & ff::AV_FRAME_FLAG_KEY != 0;
            #[cfg(not(ffmpeg_6_0))]
            return (*self.as_ptr()).key_frame != 0;
        }
    }

    pub(crate) fn is_corrupt(&self) -> bool {
        // SAFETY: as for the other fields.
        let (flags, errors) = unsafe { ((*self.as_ptr()).flags, (*self.as_ptr()).decode_error_flags) };
        flags & ff::AV_FRAME_FLAG_CORRUPT != 0 || errors != 0
    }

    pub(crate) fn color(&self) -> Color {
        let frame = self.as_ptr();
        // SAFETY: the fields lie in the frame; C enums have the size of int.
        unsafe {
            Color::from_av(
                (&raw const (*frame).color_range).cast::<c_int>().read(),
                (&raw const (*frame).color_primaries).cast::<c_int>().read(),
                (&raw const (*frame).color_trc).cast::<c_int>().read(),
                (&raw const (*frame).colorspace).cast::<c_int>().read(),
            )
        }
    }

    pub(crate) fn set_color(&mut self, color: Color) {
        let frame = self.as_mut_ptr();
        // SAFETY: as in `color`; the values are code points of H.273, which libav's enums number alike, and are
        // read back as integers only.
        unsafe {
            (&raw mut (*frame).color_range).cast::<c_int>().write(color.av_range());
            (&raw mut (*frame).color_primaries).cast::<c_int>().write(color.primaries.into());
            (&raw mut (*frame).color_trc).cast::<c_int>().write(color.transfer.into());
            (&raw mut (*frame).colorspace).cast::<c_int>().write(color.matrix.into());
        }
    }

    /// Forgets what the decoder attached to the frame (captions, timecode, picture type), so that an encoder
    /// given the same frame twice does not write it twice, nor copy the source's picture types.
    pub(crate) fn forget_source(&mut self, pict_type: ff::AVPictureType) {
        let frame = self.as_mut_ptr();
        // SAFETY: the frame is valid and ours alone; each round removes every entry of the type of the first,
        // which libav itself wrote.
        unsafe {
            (*frame).pict_type = pict_type;
            for _ in 0..(*frame).nb_side_data {
                if (*frame).nb_side_data == 0 {
                    break;
                }
                ff::av_frame_remove_side_data(frame, (**(*frame).side_data).type_);
            }
        }
    }

    /// Bytes between the starts of two lines, negative for a bottom-up plane.
    pub(crate) fn linesize(&self, plane: usize) -> c_int {
        // SAFETY: as for the other fields.
        unsafe { (&raw const (*self.as_ptr()).linesize).cast::<c_int>().add(plane.min(7)).read() }
    }

    /// Start of a plane's `len` bytes, if they lie within one of the frame's buffers.
    pub(crate) fn bytes(&self, plane: usize, len: usize) -> Option<NonNull<u8>> {
        let index = c_int::try_from(plane).ok()?;
        // SAFETY: av_frame_get_plane_buffer only reads the frame, although older headers do not say const. It
        // returns null for a plane that is not there, and otherwise a buffer that lives as long as the frame.
        unsafe {
            let buffer = ff::av_frame_get_plane_buffer(self.as_ptr().cast_mut(), index).as_ref()?;
            let start = NonNull::new(*(*self.as_ptr()).extended_data.add(plane))?;
            let offset = start.addr().get().checked_sub(buffer.data.addr())?;
            (offset.checked_add(len)? <= buffer.size).then_some(start)
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: the frame came from av_frame_alloc and is freed once.
        unsafe { ff::av_frame_free(&raw mut frame) }
    }
}
