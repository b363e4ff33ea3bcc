//! The owner of an `AVCodecContext`, under decoders and encoders alike.

use std::ffi::{CStr, CString, c_int};
use std::fmt;
use std::ptr::{NonNull, null, null_mut};

use ffmpeg_sys_next as ff;

use crate::Packet;
use crate::error::{Error, Result, Step, allocated, check, step};
use crate::frame::Frame;
use crate::init;

/// The most pixels of a picture that is decoded: the largest of any level of H.264 and H.265, 8192×4352.
///
/// A file of a few kilobytes can claim far more, and would have the memory before the claim is found false.
pub(crate) const MAX_PIXELS: i64 = 8192 * 4352;

pub(crate) struct Codec {
    context: NonNull<ff::AVCodecContext>,
    implementation: NonNull<ff::AVCodec>,
}

// SAFETY: a codec context may be used from any thread, one at a time; its own worker threads are its affair. The
// implementation is static data. Not Sync: no call on a context may overlap another.
unsafe impl Send for Codec {}

impl Codec {
    /// A context for an implementation, not opened yet.
    ///
    /// # Safety
    /// `implementation` must be one that libav registers.
    pub(crate) unsafe fn new(implementation: NonNull<ff::AVCodec>) -> Self {
        // SAFETY: the implementation is static data of libav, the caller says.
        let context = allocated(unsafe { ff::avcodec_alloc_context3(implementation.as_ptr()) });
        Self { context, implementation }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ff::AVCodecContext {
        self.context.as_ptr()
    }

    pub(crate) fn as_ptr(&self) -> *const ff::AVCodecContext {
        self.context.as_ptr()
    }

    /// Sets an option of the context or of the implementation, by name.
    pub(crate) fn set_option(&mut self, name: &str, value: &str, encoder: &str) -> Result<()> {
        let text = |text: &str| CString::new(text).map_err(|_| Error::invalid(name, value, "contains NUL"));
        let (key, text) = (text(name)?, text(value)?);
        let (context, flags) = (self.as_mut_ptr().cast(), ff::AV_OPT_SEARCH_CHILDREN);
        // SAFETY: a codec context begins with its AVClass, as av_opt_set asks, and both texts are terminated.
        match unsafe { ff::av_opt_set(context, key.as_ptr(), text.as_ptr(), flags) } {
            ff::AVERROR_OPTION_NOT_FOUND => {
                Err(Error::UnknownOption { name: name.into(), encoder: encoder.into() })
            }
            code => check("av_opt_set", code).map(drop).map_err(|error| Error::invalid(name, value, error)),
        }
    }

    /// Opens the codec with what was set; nothing can be set afterwards.
    pub(crate) fn open(&mut self) -> Result<()> {
        let (context, implementation) = (self.as_mut_ptr(), self.implementation.as_ptr());
        // SAFETY: the context was allocated for this implementation and is not open yet.
        let code = init::serialised(|| unsafe { ff::avcodec_open2(context, implementation, null_mut()) });
        check("avcodec_open2", code).map(drop)
    }

    /// Offers a packet to a decoder; none begins the drain.
    pub(crate) fn send_packet(&mut self, packet: Option<&Packet>) -> Result<Step> {
        let packet = packet.map_or(null(), Packet::as_ptr);
        // SAFETY: the context is open; libav takes its own reference of the packet, and null as the drain.
        step("avcodec_send_packet", unsafe { ff::avcodec_send_packet(self.as_mut_ptr(), packet) })
    }

    /// Takes a frame out of a decoder, if it has one.
    pub(crate) fn receive_frame(&mut self) -> Result<Option<Frame>> {
        let mut frame = Frame::new();
        // SAFETY: the context is open and the frame valid.
        let code = unsafe { ff::avcodec_receive_frame(self.as_mut_ptr(), frame.as_mut_ptr()) };
        Ok(matches!(step("avcodec_receive_frame", code)?, Step::Done(_)).then_some(frame))
    }

    /// Offers a frame to an encoder; none begins the drain.
    pub(crate) fn send_frame(&mut self, frame: Option<&Frame>) -> Result<Step> {
        let frame = frame.map_or(null(), Frame::as_ptr);
        // SAFETY: the context is open; libav takes its own reference of the frame, and null as the drain.
        step("avcodec_send_frame", unsafe { ff::avcodec_send_frame(self.as_mut_ptr(), frame) })
    }

    /// Takes a packet out of an encoder, if it has one.
    pub(crate) fn receive_packet(&mut self) -> Result<Option<Packet>> {
        let mut packet = Packet::new();
        // SAFETY: the context is open and the packet valid.
        let code = unsafe { ff::avcodec_receive_packet(self.as_mut_ptr(), packet.as_mut_ptr()) };
        Ok(matches!(step("avcodec_receive_packet", code)?, Step::Done(_)).then_some(packet))
    }

    /// Makes a drained or confused decoder as new.
    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open, and only decoders come here.
        unsafe { ff::avcodec_flush_buffers(self.as_mut_ptr()) }
    }

    /// The codec's headers; empty if it has none outside its packets.
    pub(crate) fn extradata(&self) -> &[u8] {
        // SAFETY: the context is valid for as long as self; `extradata_size` bytes lie at `extradata` unless it
        // is null, and an open encoder does not move them.
        unsafe {
            let (data, size) = ((*self.as_ptr()).extradata, (*self.as_ptr()).extradata_size);
            match usize::try_from(size) {
                Ok(size) if !data.is_null() => std::slice::from_raw_parts(data, size),
                _ => &[],
            }
        }
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: implementations are static data of libav, with a terminated name.
        let name = unsafe { CStr::from_ptr((*self.implementation.as_ptr()).name) };
        f.debug_tuple("Codec").field(&name).finish()
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: the context came from avcodec_alloc_context3 and is freed once; this also joins its threads.
        unsafe { ff::avcodec_free_context(&raw mut context) }
    }
}

/// A count of threads as libav takes it: 0 leaves the choice to it.
pub(crate) fn thread_count(threads: u32) -> c_int {
    c_int::try_from(threads).unwrap_or(c_int::MAX)
}
