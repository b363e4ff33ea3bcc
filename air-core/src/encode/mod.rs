//! Encoding: program frames in, access units with their stamps out. One encoder for the life of a sink.
//!
//! Which codec is which row of `codec`; the stamps are functions of tick and sample numbers and of nothing
//! the codec says, so that no switch, hold or late frame can bend them.

mod adts;
mod audio;
mod black;
mod codec;
mod level;
mod null;
mod video;

use air_av::Picture;
use air_ts::Pts;
use air_ts::mux::{AccessUnit, ElementaryStream};

use crate::config::SinkConfig;
use crate::format::ProgramFormat;
use crate::frame::ProgramFrame;
use crate::time::FrameRate;
use audio::AudioFrames;
use black::BlackLoop;
use video::VideoEncode;

/// Index of the video stream among a sink's elementary streams.
pub const VIDEO: usize = 0;
/// Index of the audio stream.
pub const AUDIO: usize = 1;

/// Why a sink's encoder could not be opened, or could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// No row of the codec table has this name.
    #[error("no {kind} encoder {name:?}; there are {known}")]
    UnknownCodec {
        /// "video" or "audio".
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The encoder cannot carry the channel's format, and nothing is adapted silently (PF-7).
    #[error("{codec} cannot carry {what}")]
    Format {
        /// The encoder.
        codec: &'static str,
        /// What it cannot carry.
        what: String,
    },
    /// Pictures come out later than they go in, which the mux delay has no room for.
    #[error("{encoder} holds pictures back with these options; it must run without lookahead and reordering")]
    HoldsBack {
        /// The encoder.
        encoder: String,
    },
    /// libav's encoder said no.
    #[error(transparent)]
    Av(#[from] air_av::Error),
}

/// The encoders of one sink.
pub struct Encoder {
    video: BlackLoop,
    audio: AudioFrames,
    rate: FrameRate,
    sample_rate: u64,
    streams: [ElementaryStream; 2],
    start: Option<Start>,
    coded_pictures: Vec<video::CodedPicture>,
}

/// What the first program frame fixes.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// PTS of tick 0.
    pts_base: Pts,
    /// Number of the first sample encoded.
    first_sample: u64,
}

impl Encoder {
    /// Opens the encoders that `config` names, for `format`.
    pub fn open(config: &SinkConfig, format: &ProgramFormat) -> Result<Encoder, EncodeError> {
        let video = codec::video(&config.video_encoder)?;
        let audio = codec::audio(&config.audio_encoder)?;
        let (video_stream, audio_stream) = ((video.stream)(config, format), (audio.stream)(format));
        Ok(Encoder {
            video: BlackLoop::new((video.open)(config, format)?, config.gop(format)),
            audio: AudioFrames::new((audio.open)(config, format)?, format.audio.channels),
            rate: format.video.frame_rate,
            sample_rate: u64::from(format.audio.sample_rate),
            streams: [video_stream, audio_stream],
            start: None,
            coded_pictures: Vec::new(),
        })
    }

    /// The elementary streams, in the order of [`VIDEO`] and [`AUDIO`].
    pub fn streams(&self) -> &[ElementaryStream; 2] {
        &self.streams
    }

    /// Encodes one tick: `picture`, unless the tick shall have none, as an IDR if `random_access`, and its sound.
    pub fn encode(
        &mut self,
        frame: &ProgramFrame,
        picture: Option<&Picture>,
        random_access: bool,
        out: &mut Vec<AccessUnit>,
    ) -> Result<(), EncodeError> {
        let start = *self.start.get_or_insert_with(|| Start {
            pts_base: Pts(frame.stamp.pts.0 - self.rate.frames_to_units(frame.stamp.tick.0, 90_000)),
            first_sample: frame.stamp.first_sample,
        });
        if let Some(picture) = picture {
            let number = frame.stamp.tick.0 as i64;
            self.video.encode(picture, number, random_access, &mut self.coded_pictures)?;
        }
        self.stamp_pictures(start, out);
        let sample_rate = self.sample_rate;
        self.audio
            .encode(&frame.audio, &mut |sample, data| out.push(start.sound_unit(sample_rate, sample, data)))
    }

    /// Encodes what the encoders hold back, and fills up the last frame of sound; the last call.
    pub fn finish(&mut self, out: &mut Vec<AccessUnit>) -> Result<(), EncodeError> {
        let Some(start) = self.start else { return Ok(()) };
        self.video.finish(&mut self.coded_pictures)?;
        self.stamp_pictures(start, out);
        let sample_rate = self.sample_rate;
        self.audio.finish(&mut |sample, data| out.push(start.sound_unit(sample_rate, sample, data)))
    }

    fn stamp_pictures(&mut self, start: Start, out: &mut Vec<AccessUnit>) {
        let rate = self.rate;
        out.extend(self.coded_pictures.drain(..).map(|coded| AccessUnit {
            stream: VIDEO,
            pts: start.pts_of_picture(rate, coded.number),
            dts: start.pts_of_picture(rate, coded.decode_number),
            random_access: coded.random_access,
            data: coded.data,
        }));
    }
}

impl Start {
    /// base + ⌊n·90000·den/num⌋; an encoder that reorders asks for numbers before the first.
    fn pts_of_picture(self, rate: FrameRate, number: i64) -> Pts {
        let ticks = rate.frames_to_units(number.unsigned_abs(), 90_000);
        if number < 0 {
            self.pts_base.saturating_sub(Pts(ticks))
        } else {
            self.pts_base.saturating_add(Pts(ticks))
        }
    }

    /// A frame of sound that begins `since_start` samples after the first: base + ⌊sample·90000/rate⌋ (AU-8).
    fn sound_unit(self, sample_rate: u64, since_start: u64, data: Vec<u8>) -> AccessUnit {
        let sample = u128::from(self.first_sample + since_start);
        let pts = Pts(self.pts_base.0 + (sample * 90_000 / u128::from(sample_rate)) as u64);
        AccessUnit { stream: AUDIO, pts, dts: pts, random_access: true, data }
    }
}
