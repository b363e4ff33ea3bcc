//! Encoders that do nothing: they cost no time and give units of plausible shape, so that everything around an
//! encoder can be tested and measured by itself. Their output is not meant to be watched.

use air_av::Picture;

use super::EncodeError;
use super::adts::Adts;
use super::audio::{AudioEncode, CodedSound};
use super::video::{CodedPicture, VideoEncode};
use crate::format::ProgramFormat;

/// Access unit delimiter, a parameter set of each kind, and an empty IDR slice.
const IDR: &[u8] =
    &[0, 0, 0, 1, 9, 0x10, 0, 0, 0, 1, 0x67, 0x64, 0, 0x1F, 0, 0, 0, 1, 0x68, 0xEE, 0, 0, 1, 0x65, 0x88];
/// Access unit delimiter and an empty slice of another picture.
const OTHER: &[u8] = &[0, 0, 0, 1, 9, 0x30, 0, 0, 1, 0x41, 0x9A];
/// An AAC-LC frame of silence, in stereo.
const SILENCE: &[u8] = &[0x21, 0x10, 0x04, 0x60, 0x8C, 0x1C];

/// Gives every picture a fixed access unit, an IDR once a second.
pub struct NullVideo {
    gop: i64,
    since_idr: i64,
}

impl NullVideo {
    /// An encoder for `format`.
    pub fn new(format: &ProgramFormat) -> NullVideo {
        let gop = i64::from(format.video.frame_rate.frames_per_second_rounded());
        NullVideo { gop, since_idr: gop }
    }
}

impl VideoEncode for NullVideo {
    fn encode(
        &mut self,
        _picture: &Picture,
        number: i64,
        random_access: bool,
        out: &mut Vec<CodedPicture>,
    ) -> Result<(), EncodeError> {
        let random_access = random_access || self.since_idr >= self.gop;
        self.since_idr = if random_access { 1 } else { self.since_idr + 1 };
        let data = if random_access { IDR } else { OTHER }.to_vec();
        out.push(CodedPicture { number, decode_number: number, random_access, data });
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<CodedPicture>) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// Gives every 1024 samples a fixed frame of silence.
pub struct NullAudio {
    adts: Adts,
    next_sample: u64,
}

impl NullAudio {
    /// An encoder for `format`.
    pub fn new(format: &ProgramFormat) -> Result<NullAudio, EncodeError> {
        Ok(NullAudio { adts: Adts::for_format(format.audio)?, next_sample: 0 })
    }
}

impl AudioEncode for NullAudio {
    fn frame_size(&self) -> usize {
        1024
    }

    fn encode(&mut self, _samples: &[i16], out: CodedSound<'_>) -> Result<(), EncodeError> {
        out(self.next_sample, self.adts.frame(SILENCE));
        self.next_sample += 1024;
        Ok(())
    }

    fn finish(&mut self, _out: CodedSound<'_>) -> Result<(), EncodeError> {
        Ok(())
    }
}
