//! Encoding: pictures and samples in, coded packets out.
//!
//! Which encoder, at what rate and with which options is the caller's configuration; nothing is defaulted here
//! but what the engine's stream requires of any encoder.

mod audio;
mod video;

use std::collections::VecDeque;
use std::ffi::CString;
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;

pub use audio::{AudioEncoder, AudioEncoderConfig};
pub use video::{VideoEncoder, VideoEncoderConfig};

use crate::Packet;
use crate::codec::Codec;
use crate::error::{Error, Result, Step};
use crate::frame::Frame;

/// The encoder of that name, if this libav has it and it is for that kind of media.
pub(crate) fn find(name: &str, kind: ff::AVMediaType) -> Option<NonNull<ff::AVCodec>> {
    let text = CString::new(name).ok()?;
    // SAFETY: the name is terminated.
    let codec = NonNull::new(unsafe { ff::avcodec_find_encoder_by_name(text.as_ptr()) }.cast_mut())?;
    // SAFETY: codecs are static data of libav.
    (unsafe { (*codec.as_ptr()).type_ } == kind).then_some(codec)
}

fn context(name: &str, kind: ff::AVMediaType) -> Result<Codec> {
    let implementation = find(name, kind).ok_or_else(|| Error::UnknownEncoder { name: name.into() })?;
    // SAFETY: the implementation came from libav's registry.
    Ok(unsafe { Codec::new(implementation) })
}

fn set_options(codec: &mut Codec, options: &[(String, String)], encoder: &str) -> Result<()> {
    options.iter().try_for_each(|(name, value)| codec.set_option(name, value, encoder))
}

/// Gives the encoder a frame, or the end, and takes every packet that is ready.
fn encode(codec: &mut Codec, frame: Option<&Frame>, out: &mut VecDeque<Packet>) -> Result<()> {
    loop {
        let sent = codec.send_frame(frame)?;
        let before = out.len();
        while let Some(packet) = codec.receive_packet()? {
            out.push_back(packet);
        }
        match sent {
            Step::Again if out.len() > before => {}
            Step::Again => return Err(Error::unsupported("encoder takes and gives nothing")),
            Step::Done(_) | Step::End => return Ok(()),
        }
    }
}
