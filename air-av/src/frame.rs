//! The owner of an `AVFrame`, under both pictures and samples.
//!
//! Fields are copied out through raw pointers, in one place, never read through a reference to the struct, and
//! enums are read and written as integers: a libav newer than its headers may hold a value Rust's enum does not
//! know.

use std::ffi::c_int;
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;

use crate::error::{Result, allocated, check};
use crate::{Color, FieldOrder, Rational};

#[derive(Debug)]
pub(crate) struct Frame(NonNull<ff::AVFrame>);

/// What a frame says about itself, as libav has it: nothing is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) width: c_int,
    pub(crate) height: c_int,
    pub(crate) format: c_int,
    pub(crate) sample_rate: c_int,
    pub(crate) nb_samples: c_int,
    pub(crate) channels: c_int,
    pub(crate) sample_aspect_ratio: ff::AVRational,
    pub(crate) duration: i64,
    pub(crate) is_interlaced: bool,
    pub(crate) top_field_first: bool,
    pub(crate) is_key: bool,
    pub(crate) is_corrupt: bool,
    pub(crate) color: Color,
    pts: i64,
    best_effort_timestamp: i64,
    linesize: [c_int; 8],
}

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

    pub(crate) fn fields(&self) -> Fields {
        let frame = self.as_ptr();
        // SAFETY: the frame is valid for as long as self and written through `&mut self` only. Every field is a
        // number or is read as one: C enums have the size of int. All channel orders keep the count in one field.
        unsafe {
            let flags = (*frame).flags;
            #[cfg(ffmpeg_6_0)]
            let (duration, is_interlaced, top_field_first, is_key) = (
                (*frame).duration,
                flags & ff::AV_FRAME_FLAG_INTERLACED != 0,
                flags & ff::AV_FRAME_FLAG_TOP_FIELD_FIRST != 0,
                flags & ff::AV_FRAME_FLAG_KEY != 0,
            );
            #[cfg(not(ffmpeg_6_0))]
            let (duration, is_interlaced, top_field_first, is_key) = (
                (*frame).pkt_duration,
                (*frame).interlaced_frame != 0,
                (*frame).top_field_first != 0,
                (*frame).key_frame != 0,
            );
            Fields {
                width: (*frame).width,
                height: (*frame).height,
                format: (*frame).format,
                sample_rate: (*frame).sample_rate,
                nb_samples: (*frame).nb_samples,
                channels: (*frame).ch_layout.nb_channels,
                sample_aspect_ratio: (*frame).sample_aspect_ratio,
                duration,
                is_interlaced,
                top_field_first,
                is_key,
                is_corrupt: flags & ff::AV_FRAME_FLAG_CORRUPT != 0 || (*frame).decode_error_flags != 0,
                color: Color::from_av(
                    (&raw const (*frame).color_range).cast::<c_int>().read(),
                    (&raw const (*frame).color_primaries).cast::<c_int>().read(),
                    (&raw const (*frame).color_trc).cast::<c_int>().read(),
                    (&raw const (*frame).colorspace).cast::<c_int>().read(),
                ),
                pts: (*frame).pts,
                best_effort_timestamp: (*frame).best_effort_timestamp,
                linesize: (*frame).linesize,
            }
        }
    }

    pub(crate) fn set_pts(&mut self, pts: Option<i64>) {
        // SAFETY: the frame is valid, and `&mut self` makes this the only user of the struct.
        unsafe {
            (*self.as_mut_ptr()).pts = pts.unwrap_or(ff::AV_NOPTS_VALUE);
            // Filters copy the guess along but move the timestamp: it must not win afterwards.
            (*self.as_mut_ptr()).best_effort_timestamp = ff::AV_NOPTS_VALUE;
        }
    }

    pub(crate) fn set_color(&mut self, color: Color) {
        let frame = self.as_mut_ptr();
        // SAFETY: the fields lie in a frame that is ours alone; C enums have the size of int, and the values are
        // code points of H.273, which libav's enums number alike and which we read back as integers only.
        unsafe {
            (&raw mut (*frame).color_range).cast::<c_int>().write(color.av_range());
            (&raw mut (*frame).color_primaries).cast::<c_int>().write(color.primaries.into());
            (&raw mut (*frame).color_trc).cast::<c_int>().write(color.transfer.into());
            (&raw mut (*frame).colorspace).cast::<c_int>().write(color.matrix.into());
        }
    }

    pub(crate) fn set_sample_aspect_ratio(&mut self, ratio: Rational) {
        // SAFETY: the field is two numbers in a frame that is ours alone.
        unsafe { (*self.as_mut_ptr()).sample_aspect_ratio = ratio.into() }
    }

    pub(crate) fn set_field_order(&mut self, order: FieldOrder) {
        let is_interlaced = matches!(order, FieldOrder::TopFirst | FieldOrder::BottomFirst);
        let top_field_first = order == FieldOrder::TopFirst;
        let frame = self.as_mut_ptr();
        // SAFETY: the fields are numbers in a frame that is ours alone.
        unsafe {
            #[cfg(ffmpeg_6_0)]
            {
                const LABELS: i32 = ff::AV_FRAME_FLAG_INTERLACED | ff::AV_FRAME_FLAG_TOP_FIELD_FIRST;
                (*frame).flags &= !LABELS;
                (*frame).flags |= i32::from(is_interlaced) * ff::AV_FRAME_FLAG_INTERLACED;
                (*frame).flags |= i32::from(top_field_first) * ff::AV_FRAME_FLAG_TOP_FIELD_FIRST;
            }
            #[cfg(not(ffmpeg_6_0))]
            {
                (*frame).interlaced_frame = is_interlaced.into();
                (*frame).top_field_first = top_field_first.into();
            }
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

impl Fields {
    /// Samples per channel.
    pub(crate) fn frames(&self) -> usize {
        usize::try_from(self.nb_samples).unwrap_or(0)
    }

    /// The timestamp, or libav's guess where the container has none. The guess turns to decoding times for good
    /// after a single stamp that is out of order, so it is no better than the stamp where there is one.
    pub(crate) fn timestamp(&self) -> Option<i64> {
        [self.pts, self.best_effort_timestamp].into_iter().find(|&ts| ts != ff::AV_NOPTS_VALUE)
    }

    /// Bytes between the starts of two lines; none for a plane that is not there or is stored bottom-up.
    pub(crate) fn stride(&self, plane: usize) -> Option<usize> {
        self.linesize.get(plane).and_then(|&bytes| usize::try_from(bytes).ok())
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: the frame came from av_frame_alloc and is freed once.
        unsafe { ff::av_frame_free(&raw mut frame) }
    }
}
