//! What an engine in another process replies and tells, as the same fields that one in this process gives.

use air_core::ResultCode;
use air_proto::control::{
    AttachStreamResponse, DetachStreamResponse, LoadPreviewResponse, StartChannelResponse,
    StopChannelResponse, SwitchToLiveResponse, UpdatePlanResponse,
};
use air_proto::monitor::event::Kind;
use air_proto::monitor::{AsRun, ChannelStatus, Counters, Event, SourcePicture};
use tonic::Response;

use super::{
    AsRunFields, AttachStreamFields, CountersFields, EventFields, LoadPreviewFields, ReplyFields,
    SourcePictureFields, StatusFields, SwitchToLiveFields,
};

/// The result code that came beside a message without a field for it; a server that sends none succeeded or failed.
fn code_beside<T>(response: &Response<T>, success: bool) -> i32 {
    let sent = response.metadata().get(air_server::control::RESULT_CODE);
    let sent = sent.and_then(|code| code.to_str().ok()?.parse().ok());
    sent.unwrap_or(if success { ResultCode::Ok as i32 } else { ResultCode::Failed as i32 })
}

impl ReplyFields {
    /// To whoever stops a channel before its engine has begun, or was about to start one.
    pub fn of_a_stop_before_the_start(is_the_stop: bool) -> Self {
        let (message, code) = match is_the_stop {
            true => ("channel is not started", ResultCode::Ok),
            false => ("stopped before the engine had begun", ResultCode::ProtocolViolation),
        };
        Self { success: is_the_stop, message: message.to_owned(), result_code: code as i32 }
    }
}

macro_rules! plain_replies {
    ($($message:ident),*) => {$(
        impl From<Response<$message>> for ReplyFields {
            fn from(response: Response<$message>) -> Self {
                let result_code = code_beside(&response, response.get_ref().success);
                let reply = response.into_inner();
                Self { success: reply.success, message: reply.message, result_code }
            }
        }
    )*};
}
plain_replies!(StartChannelResponse, UpdatePlanResponse, DetachStreamResponse, StopChannelResponse);

impl From<Response<LoadPreviewResponse>> for LoadPreviewFields {
    fn from(response: Response<LoadPreviewResponse>) -> Self {
        let reply = response.into_inner();
        Self {
            success: reply.success,
            message: reply.message,
            result_code: reply.result_code,
            shadow_decode_started: reply.shadow_decode_started,
        }
    }
}

impl From<Response<SwitchToLiveResponse>> for SwitchToLiveFields {
    fn from(response: Response<SwitchToLiveResponse>) -> Self {
        let reply = response.into_inner();
        Self {
            success: reply.success,
            message: reply.message,
            result_code: reply.result_code,
            pts_contiguous: reply.pts_contiguous,
            live_start_pts: reply.live_start_pts,
            switch_completion_time_ms: reply.switch_completion_time_ms,
            violation_reason: reply.violation_reason,
        }
    }
}

impl From<Response<AttachStreamResponse>> for AttachStreamFields {
    fn from(response: Response<AttachStreamResponse>) -> Self {
        let result_code = code_beside(&response, response.get_ref().success);
        let reply = response.into_inner();
        Self {
            success: reply.success,
            message: reply.message,
            result_code,
            negotiated_transport: reply.negotiated_transport,
            negotiated_endpoint: reply.negotiated_endpoint,
        }
    }
}

impl From<ChannelStatus> for StatusFields {
    fn from(status: ChannelStatus) -> Self {
        Self {
            channel_id: status.channel_id,
            tick: status.tick,
            preview: word(status.preview().as_str_name(), "PREVIEW_STATE_"),
            live: word(status.live().as_str_name(), "LIVE_STATE_"),
            sink: word(status.sink().as_str_name(), "SINK_STATE_"),
            live_asset: status.live_asset,
            counters: status.counters.unwrap_or_default().into(),
        }
    }
}

/// What the engine calls the state that the interface calls `name`.
fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

impl From<Counters> for CountersFields {
    fn from(counters: Counters) -> Self {
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

impl From<SourcePicture> for SourcePictureFields {
    fn from(picture: SourcePicture) -> Self {
        Self { number: picture.number, media_ms: picture.media_ms }
    }
}

impl From<AsRun> for AsRunFields {
    fn from(as_run: AsRun) -> Self {
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

impl From<Event> for EventFields {
    fn from(event: Event) -> Self {
        let fields = match event.kind {
            Some(Kind::Taken(taken)) => {
                Self { asset: Some(taken.asset), ..Self::of_segment("taken", taken.segment) }
            }
            Some(Kind::Exhausted(exhausted)) => Self {
                end_tick: Some(exhausted.end_tick),
                end_time_ms: Some(exhausted.end_time_ms),
                reason: exhausted.reason,
                ..Self::of_segment("exhausted", exhausted.segment)
            },
            Some(Kind::AsRun(record)) => Self {
                asset: Some(record.asset.clone()),
                record: Some(record.clone().into()),
                ..Self::of_segment("as_run", record.segment)
            },
            Some(Kind::Completed(completed)) => Self::of_segment("completed", completed.segment),
            Some(Kind::Underrun(underrun)) => Self::of_segment("underrun", underrun.segment),
            Some(Kind::CueFailed(failed)) => {
                Self { reason: Some(failed.reason), ..Self::of_segment("cue_failed", failed.segment) }
            }
            Some(Kind::Late(late)) => Self { kind: "late", ticks: Some(late.ticks), ..Self::default() },
            Some(Kind::SinkLost(lost)) => {
                Self { kind: "sink_lost", reason: Some(lost.reason), ..Self::default() }
            }
            // What this package does not know yet still reaches the host, with its text.
            _ => Self { kind: "other", ..Self::default() },
        };
        Self { tick: event.tick, message: event.message, ..fields }
    }
}
