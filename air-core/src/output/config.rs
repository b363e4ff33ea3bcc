//! What a sink is told: encoders, rates and names. Checked when the sink is attached, fixed until it leaves.

use crate::encode::EncodeError;
use crate::format::ProgramFormat;

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
    /// From a picture's arrival on the system clock to its PTS, in milliseconds, 100 to 900. Default 300.
    /// The video buffer is sized to match: no picture takes longer to send.
    pub mux_delay_ms: u32,
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
            mux_delay_ms: 300,
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

impl SinkConfig {
    /// Says what contradicts itself, if anything does.
    pub(crate) fn validate(&self, format: &ProgramFormat) -> Result<(), EncodeError> {
        if !(100..=900).contains(&self.mux_delay_ms) {
            let given = self.mux_delay_ms;
            return Err(EncodeError::Config(format!(
                "a mux delay of {given} ms is not within 100 to 900 ms"
            )));
        }
        let wanted = self.video_bitrate.unwrap_or(MIN_VIDEO_BITRATE).max(MIN_VIDEO_BITRATE);
        if let (Some(rate), Some(room)) = (self.mux_rate, self.video_room())
            && room < wanted
        {
            let least = self.mux_rate_for(wanted);
            return Err(EncodeError::Config(format!(
                "a mux rate of {rate} b/s leaves no room for {wanted} b/s of video: it takes {least} b/s"
            )));
        }
        if self.video_rates(format).bitrate < MIN_VIDEO_BITRATE || self.gop_frames == Some(0) {
            return Err(EncodeError::Config(format!(
                "video takes at least {MIN_VIDEO_BITRATE} b/s and a GOP at least one picture"
            )));
        }
        Ok(())
    }

    /// The rates for pictures of `format`.
    pub fn video_rates(&self, format: &ProgramFormat) -> VideoRates {
        let pixels = u64::from(format.video.width) * u64::from(format.video.height);
        // The line through 4 Mb/s at 720p and 8 Mb/s at 1080p.
        let suited = 800_000 + pixels * 125 / 36;
        let room = self.video_room().unwrap_or(u64::MAX);
        let bitrate = self.video_bitrate.unwrap_or(suited).min(room);
        let max_bitrate = (bitrate + bitrate / 2).min(room);
        let vbv_ms = u64::from(self.mux_delay_ms).saturating_sub(SLACK_MS);
        VideoRates { bitrate, max_bitrate, vbv_bits: max_bitrate * vbv_ms / 1000 }
    }

    /// Pictures from one IDR to the next.
    pub fn gop(&self, format: &ProgramFormat) -> u32 {
        self.gop_frames.unwrap_or_else(|| format.video.frame_rate.frames_per_second_rounded())
    }

    /// Video bits per second that a constant mux rate has room for.
    fn video_room(&self) -> Option<u64> {
        let rest = self.mux_rate?.saturating_sub(self.other_rate());
        Some(rest * VIDEO_SHARE.0 / VIDEO_SHARE.1)
    }

    fn mux_rate_for(&self, video: u64) -> u64 {
        (video * VIDEO_SHARE.1).div_ceil(VIDEO_SHARE.0) + self.other_rate()
    }

    /// What everything but video takes: a frame of sound fills three packets where 2.9 would do, and tables
    /// and clocks of their own take about 80 packets a second.
    fn other_rate(&self) -> u64 {
        self.audio_bitrate * 5 / 4 + 120_000
    }
}

/// Less would not carry a picture.
const MIN_VIDEO_BITRATE: u64 = 50_000;

/// Share of a packet's bits that are video: 184 of 188 bytes, less PES headers and the last packet's filling.
const VIDEO_SHARE: (u64, u64) = (94, 100);
