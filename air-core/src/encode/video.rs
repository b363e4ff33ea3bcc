//! Video encoders: pictures in, coded pictures out.

use std::collections::VecDeque;

use air_av::{Packet, Picture, Rational, VideoEncoder, VideoEncoderConfig};

use super::EncodeError;
use crate::config::SinkConfig;
use crate::format::ProgramFormat;
use crate::producer::black;

/// One coded picture.
#[derive(Debug)]
pub struct CodedPicture {
    /// The number it was given with.
    pub number: i64,
    /// The number in whose place it is decoded; less than `number` for encoders that reorder.
    pub decode_number: i64,
    /// Whether a decoder may start here.
    pub random_access: bool,
    /// The access unit, in Annex B with its delimiter.
    pub data: Vec<u8>,
}

/// A video encoder of the table.
pub trait VideoEncode: Send {
    /// Encodes `picture`, number `number`, as an IDR if `random_access`; coded pictures, of this one or of
    /// earlier ones, are appended to `out`.
    fn encode(
        &mut self,
        picture: &Picture,
        number: i64,
        random_access: bool,
        out: &mut Vec<CodedPicture>,
    ) -> Result<(), EncodeError>;

    /// Appends the pictures still held back; the last call.
    fn finish(&mut self, out: &mut Vec<CodedPicture>) -> Result<(), EncodeError>;
}

/// A video encoder of libav.
pub struct AvVideo {
    encoder: VideoEncoder,
    packets: VecDeque<Packet>,
}

impl AvVideo {
    /// Opens `encoder` for `format` with the rates of `config` and with `options`.
    pub fn open(
        encoder: &str,
        config: &SinkConfig,
        format: &ProgramFormat,
        options: Vec<(String, String)>,
    ) -> Result<AvVideo, EncodeError> {
        let rates = config.video_rates(format);
        let rate = format.video.frame_rate;
        let too_fine = |_| EncodeError::Format { codec: "libav", what: format!("a frame rate of {rate}") };
        let part = |value: u32| i32::try_from(value).map_err(too_fine);
        let av_config = VideoEncoderConfig {
            encoder: encoder.to_owned(),
            width: format.video.width,
            height: format.video.height,
            frame_rate: Rational { num: part(rate.num())?, den: part(rate.den())? },
            bitrate: rates.bitrate,
            max_bitrate: rates.max_bitrate,
            vbv_buffer_bits: rates.vbv_bits,
            gop: config.gop(format),
            threads: config.threads,
            options,
        };
        if !config.video_options.is_empty() {
            prove_prompt(&av_config)?;
        }
        Ok(AvVideo { encoder: VideoEncoder::open(&av_config)?, packets: VecDeque::new() })
    }
}

/// Options that were not ours may make the encoder hold pictures back. One black picture tells, before anything
/// is on air.
fn prove_prompt(config: &VideoEncoderConfig) -> Result<(), EncodeError> {
    let mut packets = VecDeque::new();
    let black = black(config.width, config.height)?;
    VideoEncoder::open(config)?.encode(&black, 0, true, &mut packets)?;
    match packets.pop_front() {
        Some(packet) if packet.is_key() && packet.dts() == packet.pts() => Ok(()),
        _ => Err(EncodeError::HoldsBack { encoder: config.encoder.clone() }),
    }
}

impl VideoEncode for AvVideo {
    fn encode(
        &mut self,
        picture: &Picture,
        number: i64,
        random_access: bool,
        out: &mut Vec<CodedPicture>,
    ) -> Result<(), EncodeError> {
        self.encoder.encode(picture, number, random_access, &mut self.packets)?;
        out.extend(self.packets.drain(..).map(coded));
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<CodedPicture>) -> Result<(), EncodeError> {
        self.encoder.finish(&mut self.packets)?;
        out.extend(self.packets.drain(..).map(coded));
        Ok(())
    }
}

fn coded(packet: Packet) -> CodedPicture {
    // Encoders stamp every packet of pictures that had a stamp, and all of ours have.
    let number = packet.pts().unwrap_or_default();
    CodedPicture {
        number,
        decode_number: packet.dts().unwrap_or(number),
        random_access: packet.is_key(),
        data: packet.data().to_vec(),
    }
}
