//! The sound of a file, by count of samples.

use std::collections::VecDeque;

use air_av::{AudioDecoder, StreamInfo};

use super::faults::Faults;
use super::reader::{Read, Reader, Track};
use crate::conform::audio::AudioConform;
use crate::conform::joints::Joints;

/// Samples of the audio stream.
#[derive(Debug)]
pub struct AudioTrack {
    decoder: AudioDecoder,
    conform: AudioConform,
    decoded: VecDeque<air_av::Samples>,
    ended: bool,
    faults: Faults,
}

impl AudioTrack {
    /// Opens a decoder for `stream` of `asset`, whose samples go to `conform`.
    pub fn open(
        stream: &StreamInfo,
        asset: &str,
        conform: AudioConform,
    ) -> Result<AudioTrack, air_av::Error> {
        let decoder = AudioDecoder::new(stream, 1)?;
        let faults = Faults::new(asset, "decoding the sound");
        Ok(AudioTrack { decoder, conform, decoded: VecDeque::new(), ended: false, faults })
    }

    /// Decodes until `count` samples per channel are there, or no more come within the look-ahead.
    pub fn fill(
        &mut self,
        reader: &mut Reader,
        joints: &mut Joints,
        count: u64,
    ) -> Result<(), air_av::Error> {
        while self.conform.available() < count && self.decode_more(reader, joints)? {}
        Ok(())
    }

    /// As [`AudioTrack::fill`], not counting the silence between sound.
    pub fn fill_sounding(
        &mut self,
        reader: &mut Reader,
        joints: &mut Joints,
        count: u64,
    ) -> Result<(), air_av::Error> {
        while self.conform.sounding(u64::MAX) < count && self.decode_more(reader, joints)? {}
        Ok(())
    }

    /// Decodes the next packet; `false` when there is none, or none for now.
    fn decode_more(&mut self, reader: &mut Reader, joints: &mut Joints) -> Result<bool, air_av::Error> {
        if self.ended {
            return Ok(false);
        }
        let packet = match reader.next(Track::Audio)? {
            Read::Packet(packet) => Some(packet),
            Read::TooFar => return Ok(false),
            Read::End => None,
        };
        self.ended = packet.is_none();
        self.faults.pass_over(self.decoder.decode(packet.as_ref(), &mut self.decoded))?;
        while let Some(samples) = self.decoded.pop_front() {
            self.faults.pass_over(self.conform.push(Some(samples), joints))?;
        }
        if self.ended {
            self.faults.pass_over(self.conform.push(None, joints))?;
        }
        Ok(true)
    }

    /// How many of the next `count` samples were decoded, rather than being silence for want of sound.
    pub fn sounding(&self, count: u64) -> u64 {
        self.conform.sounding(count)
    }

    /// Samples per channel, silence between sound among them, that can be taken now.
    pub fn available(&self) -> u64 {
        self.conform.available()
    }

    /// Takes `count` samples per channel, silence where there are none.
    pub fn take(&mut self, count: u64, out: &mut Vec<i16>) {
        self.conform.take(count, out);
    }

    /// Damaged packets so far.
    pub fn errors(&self) -> u64 {
        self.faults.count()
    }
}
