//! Decoding: packets in, pictures or samples out, in presentation order.
//!
//! Decoders never wait for anything but their own threads. Neither `EAGAIN` nor a frame that is not ready yet is
//! an error (it is how threaded decoders work), and damage ends one call, not the decoding.

use std::collections::VecDeque;
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;

use crate::codec::{Codec, MAX_PIXELS, thread_count};
use crate::error::{Error, Result, Step, check};
use crate::frame::Frame;
use crate::{Packet, Picture, Samples, StreamInfo};

/// Decodes one video stream, on as many threads as asked.
#[derive(Debug)]
pub struct VideoDecoder {
    codec: Codec,
    /// Packets that may be passed over while there is no key picture to begin with.
    before_key: u32,
}

impl VideoDecoder {
    /// A decoder for a stream. `threads`: 0 lets libav take one per core; each adds a picture of delay.
    ///
    /// # Errors
    /// When there is no decoder for the stream, or it refuses the stream's parameters.
    pub fn new(stream: &StreamInfo, threads: u32) -> Result<Self> {
        let mut decoder = Self { codec: open(stream, threads)?, before_key: 0 };
        decoder.await_key();
        Ok(decoder)
    }

    /// Decodes a packet, or drains with `None`, and appends every picture that is ready.
    ///
    /// # Errors
    /// Damaged data, among others. Pictures got until then, and after it in the same packet, are in `out`; go on
    /// with the next packet. After a drain, call [`flush`](Self::flush) before offering more.
    pub fn decode(&mut self, packet: Option<&Packet>, out: &mut VecDeque<Picture>) -> Result<()> {
        self.before_key = match packet {
            Some(packet) if !packet.is_key() => self.before_key.saturating_sub(1),
            _ => 0,
        };
        if self.before_key > 0 {
            return Ok(());
        }
        decode(&mut self.codec, packet, |frame| {
            out.push_back(Picture::from_frame(frame)?);
            Ok(())
        })
    }

    /// From the next packet on, leaves out pictures that no other is made from, which saves half of the work on
    /// the way to an in-point. Does nothing for codecs without a certain mark of such pictures: that of H.265, for
    /// one, holds within its own temporal layer only.
    pub fn skip_unreferenced(&mut self, skip: bool) {
        const MARKED: [ff::AVCodecID; 4] = [
            ff::AVCodecID::AV_CODEC_ID_H264,
            ff::AVCodecID::AV_CODEC_ID_MPEG1VIDEO,
            ff::AVCodecID::AV_CODEC_ID_MPEG2VIDEO,
            ff::AVCodecID::AV_CODEC_ID_MPEG4,
        ];
        let context = self.codec.as_mut_ptr();
        // SAFETY: the context is open; libav lets this field be set between packets, and hands it to its threads.
        unsafe {
            let discard = match skip && MARKED.contains(&(*context).codec_id) {
                true => ff::AVDiscard::AVDISCARD_NONREF,
                false => ff::AVDiscard::AVDISCARD_DEFAULT,
            };
            (*context).skip_frame = discard;
        }
    }

    /// Forgets all that was offered, as after a seek.
    pub fn flush(&mut self) {
        self.codec.flush();
        self.await_key();
    }

    /// libav's H.265 decoder makes up the pictures that those before the first key picture refer to, and gives the
    /// result as whole. A stream without any, refreshed bit by bit, begins all the same after some ten seconds.
    fn await_key(&mut self) {
        const AT_MOST: u32 = 600;
        // SAFETY: the context is valid.
        let is_h265 = unsafe { (*self.codec.as_ptr()).codec_id } == ff::AVCodecID::AV_CODEC_ID_HEVC;
        self.before_key = if is_h265 { AT_MOST } else { 0 };
    }
}

/// Decodes one audio stream.
#[derive(Debug)]
pub struct AudioDecoder(Codec);

impl AudioDecoder {
    /// A decoder for a stream. `threads` as for [`VideoDecoder::new`]; few audio decoders use more than one.
    ///
    /// # Errors
    /// When there is no decoder for the stream, or it refuses the stream's parameters.
    pub fn new(stream: &StreamInfo, threads: u32) -> Result<Self> {
        open(stream, threads).map(Self)
    }

    /// Decodes a packet, or drains with `None`, and appends all samples that are ready.
    ///
    /// # Errors
    /// As for [`VideoDecoder::decode`].
    pub fn decode(&mut self, packet: Option<&Packet>, out: &mut VecDeque<Samples>) -> Result<()> {
        decode(&mut self.0, packet, |frame| {
            out.push_back(Samples::from_frame(frame)?);
            Ok(())
        })
    }

    /// Forgets all that was offered, as after a seek.
    pub fn flush(&mut self) {
        self.0.flush();
    }
}

fn open(stream: &StreamInfo, threads: u32) -> Result<Codec> {
    let parameters = stream.parameters();
    // SAFETY: the parameters are valid; their codec id is one libavformat took from its own tables.
    let implementation = unsafe { ff::avcodec_find_decoder((*parameters).codec_id) };
    let implementation = NonNull::new(implementation.cast_mut())
        .ok_or_else(|| Error::NoDecoder { codec: stream.codec_name().into() })?;
    // SAFETY: the implementation came from libav's registry.
    let mut codec = unsafe { Codec::new(implementation) };
    let context = codec.as_mut_ptr();
    // SAFETY: both are valid; the function copies, extradata included.
    let code = unsafe { ff::avcodec_parameters_to_context(context, parameters) };
    check("avcodec_parameters_to_context", code)?;
    // SAFETY: the context is ours and not open yet.
    unsafe {
        (*context).pkt_timebase = stream.time_base().into();
        (*context).thread_count = thread_count(threads);
        (*context).max_pixels = MAX_PIXELS;
        (*context).thread_type = ff::FF_THREAD_FRAME | ff::FF_THREAD_SLICE;
    }
    codec.open()?;
    Ok(codec)
}

fn decode(
    codec: &mut Codec,
    packet: Option<&Packet>,
    mut take: impl FnMut(Frame) -> Result<()>,
) -> Result<()> {
    let mut outcome = Ok(());
    loop {
        let sent = codec.send_packet(packet);
        let progress = receive_all(|| codec.receive_frame(), &mut take, &mut outcome);
        match sent {
            // Full: it must be emptied first. One that is full and empty at once breaks libav's own rule.
            Ok(Step::Again) if progress => {}
            Ok(Step::Again) => {
                return outcome.and(Err(Error::unsupported("decoder takes and gives nothing")));
            }
            Ok(Step::Done(_) | Step::End) => return outcome,
            Err(error) => return outcome.and(Err(error)),
        }
    }
}

/// Takes all the decoder has, keeping the first error; damage in one frame does not hide the frames behind it.
/// Whether anything came, frame or error, and it is worth offering more: a decoder that fails for ever is left.
fn receive_all(
    mut receive: impl FnMut() -> Result<Option<Frame>>,
    take: &mut impl FnMut(Frame) -> Result<()>,
    outcome: &mut Result<()>,
) -> bool {
    // Far more than a packet or the threads of a decoder can hold.
    const MOST_ERRORS: u32 = 256;
    let (mut progress, mut errors) = (false, 0);
    while errors < MOST_ERRORS {
        let taken = match receive() {
            Ok(None) => return progress,
            Ok(Some(frame)) => take(frame),
            Err(error) => Err(error),
        };
        progress = true;
        if let Err(error) = taken {
            errors += 1;
            if outcome.is_ok() {
                *outcome = Err(error);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_fails_for_ever_is_given_up() {
        let (mut outcome, mut failures) = (Ok(()), 0);
        let fail = || {
            failures += 1;
            Err(Error::unsupported(format!("failure {failures}")))
        };
        assert!(!receive_all(fail, &mut |_| Ok(()), &mut outcome), "nothing more may be offered");
        assert_eq!(outcome.unwrap_err().to_string(), "unsupported: failure 1");
        assert!(failures < 1000);
    }

    #[test]
    fn a_failure_does_not_hide_the_frames_behind_it() {
        let mut answers = [Err(Error::unsupported("damage")), Ok(Some(Frame::new())), Ok(None)].into_iter();
        let (mut outcome, mut frames) = (Ok(()), 0);
        let mut take = |_| {
            frames += 1;
            Ok(())
        };
        assert!(receive_all(|| answers.next().unwrap(), &mut take, &mut outcome));
        assert_eq!((frames, outcome.is_err()), (1, true));
    }
}
