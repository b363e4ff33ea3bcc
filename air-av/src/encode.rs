//! Encoding: pictures and samples in, coded packets out.
//!
//! Which encoder, at what rate and with which options is the caller's configuration; nothing is defaulted here
//! but what the engine's stream requires of any encoder.

mod audio;
mod video;
mod x264;

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt::Debug;
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

/// Sets the user's options and opens the encoder.
///
/// Options reach every field of the context, those too on which our frames and the stream's receivers rely: the
/// context must be as `agreed` afterwards, asked before the opening, which has effects, and after, which may change
/// it again.
fn open(
    codec: &mut Codec,
    options: &[(String, String)],
    encoder: &str,
    agreed: impl Fn(&Codec) -> Result<()>,
) -> Result<()> {
    let mut in_its_own_words = options.iter().filter(|(name, _)| is_x264_text(name));
    if let (Some(_), Some((name, value))) = (in_its_own_words.next(), in_its_own_words.next()) {
        return Err(Error::invalid(name, value, "x264 can be told its parameters only once"));
    }
    for (name, value) in options {
        match is_x264_text(name) {
            true => x264::set_parameters(codec, name, value, encoder)?,
            false => {
                refuse_unvetted(name, value)?;
                codec.set_option(name, value, encoder)?;
            }
        }
    }
    agreed(codec)?;
    codec.open()?;
    agreed(codec)
}

fn is_x264_text(name: &str) -> bool {
    ["x264-params", "x264opts"].contains(&name)
}

/// Refuses options that name files, that hand a text unseen to a library behind the encoder, or that go by the name
/// of something x264 may not be told, and mean it.
fn refuse_unvetted(name: &str, value: &str) -> Result<()> {
    let refusal = match name {
        "passlogfile" => Some("it names a file"),
        _ if name.ends_with("-params") => Some("what it says cannot be vetted"),
        _ => x264::refusal(name),
    };
    refusal.map_or(Ok(()), |reason| Err(Error::invalid(name, value, reason)))
}

/// Fails unless an option left a field of the context at what it was set to.
fn keep<T: PartialEq + Debug>(field: &str, got: T, set: T) -> Result<()> {
    if got == set {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{got:?}"), format!("the stream is agreed to have {set:?}")))
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
