//! What the operations answer: the fields of the RPCs' responses, and the status of a channel.

use super::Channel;
use crate::control::{LiveState, PreviewState, Reply, Session};
use crate::output::{JudgeSummary, SinkState};
use crate::stats::Counters;
use crate::transport::StreamTransport;

/// Answer to `load_preview`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadPreviewReply {
    /// What every operation answers.
    pub reply: Reply,
    /// Whether priming has begun.
    pub shadow_decode_started: bool,
}

/// Answer to `switch_to_live`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchToLiveReply {
    /// What every operation answers.
    pub reply: Reply,
    /// Whether timestamps, counters and PIDs go on across the switch: always, when it succeeds.
    pub pts_contiguous: bool,
    /// PTS of the first new frame, in 90 kHz ticks of the session; 0 when nothing was taken.
    pub live_start_pts: u64,
    /// UTC milliseconds at which the switch was made; 0: not yet.
    pub switch_completion_time_ms: i64,
    /// Why the switch was refused; empty when it was not.
    pub violation_reason: String,
}

/// Answer to `attach_stream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachStreamReply {
    /// What every operation answers.
    pub reply: Reply,
    /// The transport in use; `Unspecified` on failure.
    pub negotiated_transport: StreamTransport,
    /// The endpoint in use; empty on failure.
    pub negotiated_endpoint: String,
}

/// How a channel stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The label it was started with.
    pub channel_id: i32,
    /// The next tick; `None` before the first take.
    pub tick: Option<u64>,
    /// The preview slot.
    pub preview: PreviewState,
    /// The live slot.
    pub live: LiveState,
    /// The asset on air, or the last that was.
    pub live_asset: Option<String>,
    /// What the sink is doing.
    pub sink: SinkState,
    /// Everything counted in this session.
    pub counters: Counters,
    /// What is wrong with the stream as it was written to the sink that is attached, or to the last one; `None`
    /// before the first, and when the engine was not told to judge.
    pub judge: Option<JudgeSummary>,
}

impl Channel {
    /// How the channel stands, but for what the judge says: the tick does not wait for that.
    pub(crate) fn status(&mut self) -> Status {
        let session = self.control.session().copied().unwrap_or_default();
        let Session { preview, live, .. } = session;
        Status {
            channel_id: self.config.channel_id,
            tick: self.timeline.map(|_| self.next.0),
            preview,
            live,
            live_asset: self.program.live().map(|slot| slot.asset().to_owned()),
            sink: self.output.state(),
            counters: self.counters(),
            judge: None,
        }
    }
}
