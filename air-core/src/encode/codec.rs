//! The codec table. A codec is one row: libav's name, what the PMT says of it, how it is tuned and opened.

use air_ts::mux::{BufferModel, ElementaryStream};

use super::EncodeError;
use super::adts::Adts;
use super::audio::{AudioEncode, AvAudio};
use super::level::{Level, level_of};
use super::null::{NullAudio, NullVideo};
use super::video::{AvVideo, VideoEncode};
use crate::config::SinkConfig;
use crate::format::ProgramFormat;

const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;

/// `profile_idc` of High, which x264 uses from its preset "superfast" up.
const PROFILE_HIGH: u8 = 100;

/// Opens an encoder as a sink is configured, for a channel's format.
type Open<E> = fn(&SinkConfig, &ProgramFormat) -> Result<Box<E>, EncodeError>;

/// A row for a video encoder.
pub struct VideoCodec {
    name: &'static str,
    /// How the mux carries it.
    pub stream: fn(&SinkConfig, &ProgramFormat) -> ElementaryStream,
    /// Opens it.
    pub open: Open<dyn VideoEncode>,
}

/// A row for an audio encoder.
pub struct AudioCodec {
    name: &'static str,
    /// How the mux carries it.
    pub stream: fn(&ProgramFormat) -> ElementaryStream,
    /// Opens it.
    pub open: Open<dyn AudioEncode>,
}

const VIDEO_CODECS: &[VideoCodec] = &[
    VideoCodec { name: "libx264", stream: h264_stream, open: open_x264 },
    // Measures and tests everything but the codec.
    VideoCodec { name: "null", stream: h264_stream, open: |_, format| Ok(Box::new(NullVideo::new(format))) },
];

const AUDIO_CODECS: &[AudioCodec] = &[
    AudioCodec { name: "aac", stream: aac_stream, open: open_aac },
    AudioCodec { name: "null", stream: aac_stream, open: |_, format| Ok(Box::new(NullAudio::new(format)?)) },
];

/// The row called `name`.
pub fn video(name: &str) -> Result<&'static VideoCodec, EncodeError> {
    let names = || VIDEO_CODECS.iter().map(|codec| codec.name);
    VIDEO_CODECS.iter().find(|codec| codec.name == name).ok_or_else(|| unknown("video", name, names()))
}

/// The row called `name`.
pub fn audio(name: &str) -> Result<&'static AudioCodec, EncodeError> {
    let names = || AUDIO_CODECS.iter().map(|codec| codec.name);
    AUDIO_CODECS.iter().find(|codec| codec.name == name).ok_or_else(|| unknown("audio", name, names()))
}

fn unknown(kind: &'static str, name: &str, known: impl Iterator<Item = &'static str>) -> EncodeError {
    EncodeError::UnknownCodec { kind, name: name.to_owned(), known: known.collect::<Vec<_>>().join(", ") }
}

fn h264_stream(config: &SinkConfig, format: &ProgramFormat) -> ElementaryStream {
    let level = level(config, format);
    let buffer = BufferModel::h264_level(PROFILE_HIGH, level.idc);
    let stream = ElementaryStream::h264(VIDEO_PID);
    ElementaryStream { buffer: buffer.unwrap_or(stream.buffer), ..stream }
}

fn level(config: &SinkConfig, format: &ProgramFormat) -> Level {
    let rates = config.video_rates(format);
    level_of(format.video, rates.max_bitrate, rates.vbv_bits)
}

fn open_x264(config: &SinkConfig, format: &ProgramFormat) -> Result<Box<dyn VideoEncode>, EncodeError> {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    // No lookahead, no reordering, slices in place of frame threads: a picture leaves in the tick it came in.
    let mut options = vec![
        pair("tune", "zerolatency"),
        pair("level", level(config, format).name),
        pair("aud", "1"),
        pair("forced-idr", "1"),
        pair("sc_threshold", "0"),
    ];
    options.extend(config.preset.iter().map(|preset| pair("preset", preset)));
    options.retain(|(key, _)| !config.video_options.iter().any(|(own, _)| own == key));
    options.extend(config.video_options.iter().cloned());
    Ok(Box::new(AvVideo::open("libx264", config, format, options)?))
}

fn aac_stream(format: &ProgramFormat) -> ElementaryStream {
    ElementaryStream::aac(AUDIO_PID, u8::try_from(format.audio.channels).unwrap_or(u8::MAX))
}

fn open_aac(config: &SinkConfig, format: &ProgramFormat) -> Result<Box<dyn AudioEncode>, EncodeError> {
    Ok(Box::new(AvAudio::open("aac", config, format, Adts::for_format(format.audio)?)?))
}
