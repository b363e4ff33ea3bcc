//! One piece of an elementary stream, still coded.

use std::fmt;
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;

use crate::error::allocated;

/// A coded packet: a picture or some sound, as demuxed or as an encoder gave it.
///
/// Immutable; a clone is a new reference to the same bytes. Timestamps are in the time base of the stream or
/// encoder it came from.
pub struct Packet(NonNull<ff::AVPacket>);

// SAFETY: an AVPacket is bound to no thread; its buffer is counted atomically ("The AVBuffer API is thread-safe").
unsafe impl Send for Packet {}
// SAFETY: through `&Packet` fields and bytes are only read; av_packet_clone takes its source as const.
unsafe impl Sync for Packet {}

impl Packet {
    pub(crate) fn new() -> Self {
        // SAFETY: av_packet_alloc has no precondition.
        Self(allocated(unsafe { ff::av_packet_alloc() }))
    }

    /// A new reference to a packet that libav owns.
    ///
    /// # Safety
    /// `packet` must point to a valid packet.
    pub(crate) unsafe fn cloned(packet: *const ff::AVPacket) -> Self {
        // SAFETY: the caller vouches for the pointer; av_packet_clone only reads it.
        Self(allocated(unsafe { ff::av_packet_clone(packet) }))
    }

    pub(crate) fn as_ptr(&self) -> *const ff::AVPacket {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ff::AVPacket {
        self.0.as_ptr()
    }

    /// Index of the stream in its file; 0 for a packet from an encoder.
    pub fn stream_index(&self) -> usize {
        usize::try_from(self.fields().stream_index).unwrap_or(0)
    }

    /// When to show, if the container says.
    pub fn pts(&self) -> Option<i64> {
        Some(self.fields().pts).filter(|&pts| pts != ff::AV_NOPTS_VALUE)
    }

    /// When to decode, if the container says.
    pub fn dts(&self) -> Option<i64> {
        Some(self.fields().dts).filter(|&dts| dts != ff::AV_NOPTS_VALUE)
    }

    /// How long it is shown; 0 when unknown.
    pub fn duration(&self) -> i64 {
        self.fields().duration
    }

    /// Whether decoding can begin here; an IDR for H.264.
    pub fn is_key(&self) -> bool {
        self.fields().flags & ff::AV_PKT_FLAG_KEY != 0
    }

    /// Whether the demuxer knows the bytes to be damaged.
    pub fn is_corrupt(&self) -> bool {
        self.fields().flags & ff::AV_PKT_FLAG_CORRUPT != 0
    }

    /// The coded bytes.
    pub fn data(&self) -> &[u8] {
        let data = self.fields().data;
        if data.is_null() {
            return &[];
        }
        // SAFETY: libav keeps `size` bytes at `data` for as long as the packet holds its buffer, which is as
        // long as self; nobody writes to them after the packet was made.
        unsafe { std::slice::from_raw_parts(data, self.size()) }
    }

    /// Number of coded bytes.
    pub fn size(&self) -> usize {
        usize::try_from(self.fields().size).unwrap_or(0)
    }

    fn fields(&self) -> &ff::AVPacket {
        // SAFETY: the packet is ours for as long as self and written through `&mut self` only; its fields are
        // numbers and pointers, of which any bits are valid.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for Packet {
    fn clone(&self) -> Self {
        // SAFETY: self is valid.
        unsafe { Self::cloned(self.as_ptr()) }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut packet = self.0.as_ptr();
        // SAFETY: the packet came from av_packet_alloc or av_packet_clone and is freed once.
        unsafe { ff::av_packet_free(&raw mut packet) }
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("stream_index", &self.stream_index())
            .field("pts", &self.pts())
            .field("dts", &self.dts())
            .field("size", &self.size())
            .field("key", &self.is_key())
            .finish()
    }
}
