//! Engine values to and from Python: what comes out becomes a dict of the fields of the Python result class.

mod remote;

use std::collections::BTreeMap;

use air_core::{EventKind, SinkConfig, StreamTransport};
use pyo3::prelude::*;

pyo3::create_exception!(
    air_py,
    AirError,
    pyo3::exceptions::PyRuntimeError,
    "The engine could not do what was asked; the text names the asset, the step and the cause."
);

/// The attributes of `air_py.SinkConfig`; what is `None` keeps the engine's default.
#[derive(FromPyObject)]
pub struct SinkArguments {
    video_encoder: Option<String>,
    preset: Option<String>,
    video_bitrate: Option<u64>,
    gop_frames: Option<u32>,
    threads: Option<u32>,
    video_options: BTreeMap<String, String>,
    audio_encoder: Option<String>,
    audio_bitrate: Option<u64>,
    mux_rate: Option<u64>,
    mux_delay_ms: Option<u32>,
    service_name: Option<String>,
    provider_name: Option<String>,
}

impl From<SinkArguments> for SinkConfig {
    fn from(sink: SinkArguments) -> Self {
        let default = Self::default();
        Self {
            video_encoder: sink.video_encoder.unwrap_or(default.video_encoder),
            preset: sink.preset.or(default.preset),
            video_bitrate: sink.video_bitrate.or(default.video_bitrate),
            gop_frames: sink.gop_frames.or(default.gop_frames),
            threads: sink.threads.unwrap_or(default.threads),
            video_options: sink.video_options.into_iter().collect(),
            audio_encoder: sink.audio_encoder.unwrap_or(default.audio_encoder),
            audio_bitrate: sink.audio_bitrate.unwrap_or(default.audio_bitrate),
            mux_rate: sink.mux_rate.or(default.mux_rate),
            mux_delay_ms: sink.mux_delay_ms,
            service_name: sink.service_name.unwrap_or(default.service_name),
            provider_name: sink.provider_name.unwrap_or(default.provider_name),
        }
    }
}

/// The transport of that number; an unknown one is `Unspecified`, which the engine refuses with a reason.
pub fn stream_transport(number: i32) -> StreamTransport {
    [StreamTransport::UnixDomainSocket, StreamTransport::TcpLoopback, StreamTransport::File]
        .into_iter()
        .find(|transport| *transport as i32 == number)
        .unwrap_or(StreamTransport::Unspecified)
}

/// `air_py.Reply`.
#[derive(IntoPyObject)]
pub struct ReplyFields {
    success: bool,
    message: String,
    result_code: i32,
}

impl From<air_core::Reply> for ReplyFields {
    fn from(reply: air_core::Reply) -> Self {
        Self { success: reply.success, message: reply.message, result_code: reply.result_code as i32 }
    }
}

/// `air_py.LoadPreviewReply`.
#[derive(IntoPyObject)]
pub struct LoadPreviewFields {
    success: bool,
    message: String,
    result_code: i32,
    shadow_decode_started: bool,
}

impl From<air_core::LoadPreviewReply> for LoadPreviewFields {
    fn from(reply: air_core::LoadPreviewReply) -> Self {
        let ReplyFields { success, message, result_code } = reply.reply.into();
        Self { success, message, result_code, shadow_decode_started: reply.shadow_decode_started }
    }
}

/// `air_py.SwitchToLiveReply`.
#[derive(IntoPyObject)]
pub struct SwitchToLiveFields {
    success: bool,
    message: String,
    result_code: i32,
    pts_contiguous: bool,
    live_start_pts: u64,
    switch_completion_time_ms: i64,
    violation_reason: String,
}

impl From<air_core::SwitchToLiveReply> for SwitchToLiveFields {
    fn from(reply: air_core::SwitchToLiveReply) -> Self {
        let ReplyFields { success, message, result_code } = reply.reply.into();
        Self {
            success,
            message,
            result_code,
            pts_contiguous: reply.pts_contiguous,
            live_start_pts: reply.live_start_pts,
            switch_completion_time_ms: reply.switch_completion_time_ms,
            violation_reason: reply.violation_reason,
        }
    }
}

/// `air_py.AttachStreamReply`.
#[derive(IntoPyObject)]
pub struct AttachStreamFields {
    success: bool,
    message: String,
    result_code: i32,
    negotiated_transport: i32,
    negotiated_endpoint: String,
}

impl From<air_core::AttachStreamReply> for AttachStreamFields {
    fn from(reply: air_core::AttachStreamReply) -> Self {
        let ReplyFields { success, message, result_code } = reply.reply.into();
        Self {
            success,
            message,
            result_code,
            negotiated_transport: reply.negotiated_transport as i32,
            negotiated_endpoint: reply.negotiated_endpoint,
        }
    }
}

/// `air_py.Counters`.
#[derive(IntoPyObject)]
pub struct CountersFields {
    content_frames: u64,
    held_frames: u64,
    black_frames: u64,
    underruns: u64,
    failsafe_entries: u64,
    late_ticks: u64,
    pictures_dropped: u64,
    decode_errors: u64,
    bytes_written: u64,
    writes: u64,
    stalls: u64,
}

impl From<air_core::Counters> for CountersFields {
    fn from(counters: air_core::Counters) -> Self {
        Self {
            content_frames: counters.content_frames,
            held_frames: counters.held_frames,
            black_frames: counters.black_frames,
            underruns: counters.underruns,
            failsafe_entries: counters.failsafe_entries,
            late_ticks: counters.late_ticks,
            pictures_dropped: counters.pictures_dropped,
            decode_errors: counters.decode_errors,
            bytes_written: counters.bytes_written,
            writes: counters.writes,
            stalls: counters.stalls,
        }
    }
}

/// `air_py.Status`.
#[derive(IntoPyObject)]
pub struct StatusFields {
    channel_id: i32,
    tick: Option<u64>,
    preview: String,
    live: String,
    live_asset: Option<String>,
    sink: String,
    counters: CountersFields,
}

impl From<air_core::Status> for StatusFields {
    fn from(status: air_core::Status) -> Self {
        Self {
            channel_id: status.channel_id,
            tick: status.tick,
            preview: status.preview.to_string(),
            live: status.live.to_string(),
            live_asset: status.live_asset,
            sink: status.sink.to_string(),
            counters: status.counters.into(),
        }
    }
}

/// `air_py.SourcePicture`.
#[derive(IntoPyObject)]
pub struct SourcePictureFields {
    number: u64,
    media_ms: u64,
}

impl From<air_core::SourcePicture> for SourcePictureFields {
    fn from(picture: air_core::SourcePicture) -> Self {
        Self { number: picture.number, media_ms: picture.media_ms }
    }
}

/// `air_py.AsRun`.
#[derive(IntoPyObject)]
pub struct AsRunFields {
    segment: u64,
    asset: String,
    start_offset_ms: u64,
    planned_first_tick: u64,
    first_tick: u64,
    planned_last_tick: Option<u64>,
    last_tick: Option<u64>,
    first_time_ms: i64,
    first_source: Option<SourcePictureFields>,
    last_source: Option<SourcePictureFields>,
    content: u64,
    repeated: u64,
    dropped: u64,
    held: u64,
    black: u64,
    failure: Option<String>,
}

impl From<air_core::AsRun> for AsRunFields {
    fn from(as_run: air_core::AsRun) -> Self {
        Self {
            segment: as_run.segment,
            asset: as_run.asset,
            start_offset_ms: as_run.start_offset_ms,
            planned_first_tick: as_run.planned_first_tick,
            first_tick: as_run.first_tick,
            planned_last_tick: as_run.planned_last_tick,
            last_tick: as_run.last_tick,
            first_time_ms: as_run.first_time_ms,
            first_source: as_run.first_source.map(Into::into),
            last_source: as_run.last_source.map(Into::into),
            content: as_run.content,
            repeated: as_run.repeated,
            dropped: as_run.dropped,
            held: as_run.held,
            black: as_run.black,
            failure: as_run.failure,
        }
    }
}

/// `air_py.Event`.
#[derive(IntoPyObject, Default)]
pub struct EventFields {
    tick: u64,
    kind: &'static str,
    message: String,
    segment: Option<u64>,
    asset: Option<String>,
    reason: Option<String>,
    ticks: Option<u64>,
    end_tick: Option<u64>,
    end_time_ms: Option<i64>,
    record: Option<AsRunFields>,
}

impl From<air_core::Event> for EventFields {
    fn from(event: air_core::Event) -> Self {
        let (tick, message) = (event.tick, event.kind.to_string());
        let fields = match event.kind {
            EventKind::Taken { segment, asset } => {
                Self { kind: "taken", segment: Some(segment), asset: Some(asset), ..Self::default() }
            }
            EventKind::Exhausted { segment, end_tick, end_time_ms, reason } => Self {
                end_tick: Some(end_tick),
                end_time_ms: Some(end_time_ms),
                reason,
                ..Self::of_segment("exhausted", segment)
            },
            EventKind::AsRun(record) => {
                let (segment, asset) = (record.segment, Some(record.asset.clone()));
                Self { asset, record: Some((*record).into()), ..Self::of_segment("as_run", segment) }
            }
            EventKind::Completed { segment } => Self::of_segment("completed", segment),
            EventKind::Underrun { segment } => Self::of_segment("underrun", segment),
            EventKind::CueFailed { segment, reason } => {
                Self { reason: Some(reason), ..Self::of_segment("cue_failed", segment) }
            }
            EventKind::Late { ticks } => Self { kind: "late", ticks: Some(ticks), ..Self::default() },
            EventKind::SinkLost { reason } => {
                Self { kind: "sink_lost", reason: Some(reason), ..Self::default() }
            }
            // An event this package does not know yet still reaches the host, with its text.
            _ => Self { kind: "other", ..Self::default() },
        };
        Self { tick, message, ..fields }
    }
}

impl EventFields {
    fn of_segment(kind: &'static str, segment: u64) -> Self {
        Self { kind, segment: Some(segment), ..Self::default() }
    }
}
