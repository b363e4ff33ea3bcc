//! Air's engine: everything that *is* playout.
//!
//! One thread per channel turns ticks into frames; producers read ahead on their own threads; the sink encodes,
//! wraps and writes on its own. Nothing but the master clock waits. Read [`channel`] first.
//!
//! | module | what it holds |
//! |---|---|
//! | [`time`] | units, the master clock, the timeline |
//! | [`format`](mod@format), [`frame`] | the house format, house frames and program frames |
//! | [`producer`], [`conform`] | what turns an asset into house frames |
//! | [`MediaRoots`] | which files may be played |
//! | [`program`] | slots, reading ahead, the choice of one frame per tick |
//! | [`config`] | what an engine and a sink are told |
//! | [`control`] | what a channel may be told, as one pure function |
//! | [`encode`], [`output`], [`transport`] | from program frames to bytes at an endpoint |
//! | [`channel`] | the tick, the tick loop, and the engine that callers see |
//!
//! A channel that plays one film into a socket:
//!
//! ```no_run
//! use air_core::{Engine, EngineConfig, StreamTransport};
//!
//! let engine = Engine::new(EngineConfig::default());
//! let format = r#"{"video": {"width": 1280, "height": 720, "frame_rate": "30000/1001"},
//!                  "audio": {"sample_rate": 48000, "channels": 2}}"#;
//! engine.start_channel(1, "plan", 0, format);
//! engine.attach_stream(1, StreamTransport::UnixDomainSocket, "/run/air/1.ts", false);
//! engine.load_preview(1, "film.mp4", 0, 0);
//! engine.switch_to_live(1, 0, 0);
//! ```

#![forbid(unsafe_code)]

pub mod channel;
pub mod config;
pub mod conform;
pub mod control;
pub mod encode;
mod episode;
pub mod events;
pub mod format;
pub mod frame;
mod media_roots;
pub mod output;
pub mod producer;
pub mod program;
pub mod stats;
#[cfg(test)]
mod testing;
pub mod time;
pub mod transport;
mod worker;

pub use air_av::{Interrupt, install_log, keep_few_arenas};
pub use air_ts::{Check, Severity};
pub use channel::{
    AttachStreamReply, Engine, LoadPreviewReply, RenderError, RenderOptions, RenderProgress, RenderSegment,
    RenderStats, Status, SwitchToLiveReply, render,
};
pub use config::{ConfigError, EngineConfig, SinkConfig};
pub use control::{LiveState, PreviewState, Reply, ResultCode};
pub use events::{Event, EventKind};
pub use format::{AudioFormat, FormatError, ProgramFormat, VideoFormat};
pub use frame::SourcePicture;
pub use media_roots::MediaRoots;
pub use output::{JudgeFinding, JudgeSummary, SinkState};
pub use producer::{MediaInfo, probe};
pub use program::AsRun;
pub use stats::Counters;
pub use time::FrameRate;
pub use transport::StreamTransport;
