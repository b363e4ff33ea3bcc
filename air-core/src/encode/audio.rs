//! Audio encoders, and the cutting of ticks into the frames they want.

use std::collections::VecDeque;

use air_av::{AudioEncoder, AudioEncoderConfig, Packet};

use super::EncodeError;
use super::adts::Adts;
use crate::config::SinkConfig;
use crate::format::ProgramFormat;

/// One coded frame of sound: its first sample, counted from the first encoded, and its bytes.
pub type CodedSound<'a> = &'a mut dyn FnMut(u64, Vec<u8>);

/// An audio encoder of the table.
pub trait AudioEncode: Send {
    /// Samples per channel in one frame.
    fn frame_size(&self) -> usize;

    /// Encodes one frame of interleaved samples; frames that are done, of this one or earlier ones, go to `out`.
    fn encode(&mut self, samples: &[i16], out: CodedSound<'_>) -> Result<(), EncodeError>;

    /// Hands out the frames still held back; the last call.
    fn finish(&mut self, out: CodedSound<'_>) -> Result<(), EncodeError>;
}

/// Cuts the sound of ticks into encoder frames.
pub struct AudioFrames {
    encoder: Box<dyn AudioEncode>,
    frame_values: usize,
    waiting: Vec<i16>,
}

impl AudioFrames {
    /// Frames of `channels` channels for `encoder`.
    pub fn new(encoder: Box<dyn AudioEncode>, channels: u16) -> AudioFrames {
        let frame_values = encoder.frame_size() * usize::from(channels);
        AudioFrames { encoder, frame_values, waiting: Vec::new() }
    }

    /// Takes any number of interleaved samples.
    pub fn encode(&mut self, samples: &[i16], out: CodedSound<'_>) -> Result<(), EncodeError> {
        self.waiting.extend_from_slice(samples);
        let whole = self.waiting.len() / self.frame_values * self.frame_values;
        for frame in self.waiting[..whole].chunks_exact(self.frame_values) {
            self.encoder.encode(frame, out)?;
        }
        self.waiting.drain(..whole);
        Ok(())
    }

    /// Encodes what is left, filled up with silence, and hands out the frames still held back.
    pub fn finish(&mut self, out: CodedSound<'_>) -> Result<(), EncodeError> {
        if !self.waiting.is_empty() {
            self.waiting.resize(self.frame_values, 0);
            self.encoder.encode(&self.waiting, out)?;
        }
        self.encoder.finish(out)
    }
}

/// An audio encoder of libav whose frames go out in ADTS.
pub struct AvAudio {
    encoder: AudioEncoder,
    adts: Adts,
    packets: VecDeque<Packet>,
}

impl AvAudio {
    /// Opens `encoder` for `format` at the bit rate of `config`.
    pub fn open(
        encoder: &str,
        config: &SinkConfig,
        format: &ProgramFormat,
        adts: Adts,
    ) -> Result<AvAudio, EncodeError> {
        let encoder = AudioEncoder::open(&AudioEncoderConfig {
            encoder: encoder.to_owned(),
            sample_rate: format.audio.sample_rate,
            channels: format.audio.channels,
            bitrate: config.audio_bitrate,
            options: Vec::new(),
        })?;
        Ok(AvAudio { encoder, adts, packets: VecDeque::new() })
    }
}

impl AudioEncode for AvAudio {
    fn frame_size(&self) -> usize {
        self.encoder.frame_size()
    }

    fn encode(&mut self, samples: &[i16], out: CodedSound<'_>) -> Result<(), EncodeError> {
        self.encoder.encode(samples, &mut self.packets)?;
        self.hand_out(out);
        Ok(())
    }

    fn finish(&mut self, out: CodedSound<'_>) -> Result<(), EncodeError> {
        self.encoder.finish(&mut self.packets)?;
        self.hand_out(out);
        Ok(())
    }
}

impl AvAudio {
    fn hand_out(&mut self, out: CodedSound<'_>) {
        for packet in self.packets.drain(..) {
            // A frame before the first sample only primes the decoder's overlap; sent, it would need a stamp
            // before the session's zero (L-19).
            if let Some(first_sample) = packet.pts().and_then(|pts| u64::try_from(pts).ok()) {
                out(first_sample, self.adts.frame(packet.data()));
            }
        }
    }
}
