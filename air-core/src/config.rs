//! What an engine is told, and what a sink is: encoders, rates and names. The latter is checked when the sink is
//! attached, and fixed until it leaves.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::format::ProgramFormat;
use crate::media_roots::MediaRoots;

/// Configuration of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// What every sink attached to the engine is told.
    pub sink: SinkConfig,
    /// How long a late segment's last picture is held before black; 0 is black at once. Default 250 ms.
    pub hold: Duration,
    /// Whether what is written to sinks is judged, for [`Status::judge`](crate::Status::judge). Costs a quarter of a
    /// microsecond a packet on the sink's thread, far less than a hundredth of what encoding does. Default no: a host
    /// that has a fan-out has its judge.
    pub judge: bool,
    /// Where assets may lie. Default anywhere.
    pub media_roots: MediaRoots,
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig {
            sink: SinkConfig::default(),
            hold: Duration::from_millis(250),
            judge: false,
            media_roots: MediaRoots::default(),
        }
    }
}

/// A configuration that contradicts itself or the channel's format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value outside its range.
    #[error("{name} of {value} is not within {least} to {most}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// As given.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// The constant rate is less than what goes into it.
    #[error("a mux rate of {mux_rate} b/s leaves no room for {video} b/s of video: it takes {least} b/s")]
    NoRoom {
        /// As given.
        mux_rate: u64,
        /// The video rate asked for, or the least there is.
        video: u64,
        /// The mux rate that would do.
        least: u64,
    },
    /// A frame, or a frame of sound, lasts so long that no delay within the limit could carry it.
    #[error("this format takes a mux delay of {needed_ms} ms, and {MOST_MUX_DELAY_MS} ms is the most")]
    TooSlow {
        /// The delay it would take.
        needed_ms: u64,
    },
}

/// Configuration of a sink. The channel's format says nothing of codec, rate or container (PF-5): this does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkConfig {
    /// Video encoder: "libx264", or "null" for tests and measurements. Default "libx264".
    pub video_encoder: String,
    /// The encoder's own preset, if it has presets. Default "veryfast".
    pub preset: Option<String>,
    /// Mean video rate in bits per second; `None` suits the picture size: 4 Mb/s at 720p, 8 Mb/s at 1080p.
    pub video_bitrate: Option<u64>,
    /// Pictures from one IDR to the next; `None` is one second.
    pub gop_frames: Option<u32>,
    /// Threads the video encoder may use; 0 lets it choose.
    pub threads: u32,
    /// Options handed to the video encoder as they are; one it does not know is an error.
    pub video_options: Vec<(String, String)>,
    /// Audio encoder: "aac", or "null". Default "aac".
    pub audio_encoder: String,
    /// Audio rate in bits per second. Default 192 000.
    pub audio_bitrate: u64,
    /// `Some`: constant rate of the whole stream, in bits per second, kept with null packets.
    /// `None`: packets leave as access units come.
    pub mux_rate: Option<u64>,
    /// From a picture's arrival on the system clock to its PTS, in milliseconds, at most 900. `None` is 300, or
    /// what slow frames of picture or sound take. The video buffer is sized to match: no picture takes longer to
    /// send.
    pub mux_delay_ms: Option<u32>,
    /// What receivers call the channel. Default "Air".
    pub service_name: String,
    /// Who they say provides it. Default "Air".
    pub provider_name: String,
}

impl Default for SinkConfig {
    fn default() -> Self {
        SinkConfig {
            video_encoder: "libx264".into(),
            preset: Some("veryfast".into()),
            video_bitrate: None,
            gop_frames: None,
            threads: 0,
            video_options: Vec::new(),
            audio_encoder: "aac".into(),
            audio_bitrate: 192_000,
            mux_rate: None,
            mux_delay_ms: None,
            service_name: "Air".into(),
            provider_name: "Air".into(),
        }
    }
}

/// The rates a video encoder is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoRates {
    /// Mean, in bits per second.
    pub bitrate: u64,
    /// Most, over the length of the buffer.
    pub max_bitrate: u64,
    /// The buffer, in bits.
    pub vbv_bits: u64,
}

/// Of the mux delay, what is kept for sound and tables between the packets of a picture.
const SLACK_MS: u64 = 60;
const USUAL_MUX_DELAY_MS: u64 = 300;
const MOST_MUX_DELAY_MS: u64 = 900;

/// Samples an AAC encoder wants before the first frame leaves it: that one, the one it overlaps with, and one to
/// look ahead.
const SOUND_LOOKAHEAD: u64 = 3 * 1024;

/// Less would not carry a picture; more is no broadcast.
const VIDEO_BITRATES: RangeInclusive<u64> = 50_000..=1_000_000_000;
const AUDIO_BITRATES: RangeInclusive<u64> = 8_000..=2_000_000;
const MUX_RATES: RangeInclusive<u64> = 100_000..=2_000_000_000;
const GOPS: RangeInclusive<u64> = 1..=10_000;

/// Share of a packet's bits that are video: 184 of 188 bytes, less PES headers and the last packet's filling.
const VIDEO_SHARE: (u64, u64) = (94, 100);

impl SinkConfig {
    /// Says what contradicts itself, if anything does.
    pub(crate) fn validate(&self, format: &ProgramFormat) -> Result<(), ConfigError> {
        within("video bit rate", self.video_bitrate, VIDEO_BITRATES)?;
        within("audio bit rate", Some(self.audio_bitrate), AUDIO_BITRATES)?;
        within("mux rate", self.mux_rate, MUX_RATES)?;
        within("GOP", self.gop_frames.map(u64::from), GOPS)?;
        let needed_ms = least_mux_delay_ms(format);
        if needed_ms > MOST_MUX_DELAY_MS {
            return Err(ConfigError::TooSlow { needed_ms });
        }
        within("mux delay", self.mux_delay_ms.map(u64::from), needed_ms..=MOST_MUX_DELAY_MS)?;
        let video = self.video_bitrate.unwrap_or(*VIDEO_BITRATES.start());
        match (self.mux_rate, self.video_room()) {
            (Some(mux_rate), Some(room)) if room < video => {
                let least = (video * VIDEO_SHARE.1).div_ceil(VIDEO_SHARE.0) + self.other_rate();
                Err(ConfigError::NoRoom { mux_rate, video, least })
            }
            _ => Ok(()),
        }
    }

    /// The rates for pictures of `format`.
    pub(crate) fn video_rates(&self, format: &ProgramFormat) -> VideoRates {
        let pixels = u64::from(format.video.width) * u64::from(format.video.height);
        // The line through 4 Mb/s at 720p and 8 Mb/s at 1080p.
        let suited = 800_000 + pixels * 125 / 36;
        let room = self.video_room().unwrap_or(u64::MAX);
        let bitrate = self.video_bitrate.unwrap_or(suited).min(room);
        let max_bitrate = (bitrate + bitrate / 2).min(room);
        let vbv_ms = self.mux_delay_ms(format).saturating_sub(SLACK_MS);
        VideoRates { bitrate, max_bitrate, vbv_bits: max_bitrate * vbv_ms / 1000 }
    }

    /// From a picture's arrival to its PTS, in milliseconds.
    pub(crate) fn mux_delay_ms(&self, format: &ProgramFormat) -> u64 {
        let usual = || USUAL_MUX_DELAY_MS.max(least_mux_delay_ms(format));
        self.mux_delay_ms.map_or_else(usual, u64::from)
    }

    /// Pictures from one IDR to the next.
    pub(crate) fn gop(&self, format: &ProgramFormat) -> u32 {
        self.gop_frames.unwrap_or_else(|| format.video.frame_rate.frames_per_second_rounded())
    }

    /// Video bits per second that a constant mux rate has room for.
    fn video_room(&self) -> Option<u64> {
        let rest = self.mux_rate?.saturating_sub(self.other_rate());
        Some(rest * VIDEO_SHARE.0 / VIDEO_SHARE.1)
    }

    /// What everything but video takes: a frame of sound fills three packets where 2.9 would do, and tables
    /// and clocks of their own take about 80 packets a second.
    fn other_rate(&self) -> u64 {
        self.audio_bitrate * 5 / 4 + 120_000
    }
}

/// The delay with which no frame of picture or sound is late: sound waits for its encoder, and both for the
/// end of a tick.
fn least_mux_delay_ms(format: &ProgramFormat) -> u64 {
    let sound = (SOUND_LOOKAHEAD * 1000).div_ceil(u64::from(format.audio.sample_rate));
    format.video.frame_rate.frames_to_units_ceil(1, 1000) + sound + SLACK_MS
}

fn within(name: &'static str, value: Option<u64>, range: RangeInclusive<u64>) -> Result<(), ConfigError> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(ConfigError::OutOfRange { name, value, least: *range.start(), most: *range.end() })
        }
        _ => Ok(()),
    }
}
