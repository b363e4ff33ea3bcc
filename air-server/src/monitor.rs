//! `air.playout.v1.PlayoutMonitor`: how channels stand, and what happens on them.

use std::pin::Pin;
use std::sync::Arc;

use air_core::{Counters, JudgeFinding, JudgeSummary, LiveState, PreviewState, SinkState};
use air_proto::monitor as proto;
use air_proto::monitor::event::Kind;
use air_proto::monitor::playout_monitor_server::PlayoutMonitor;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use crate::events;
use crate::sessions::Sessions;
use crate::waiting::waiting;

/// The service.
pub struct Monitor {
    sessions: Arc<Sessions>,
}

impl Monitor {
    /// The service over `sessions`.
    pub fn new(sessions: Arc<Sessions>) -> Monitor {
        Monitor { sessions }
    }
}

#[tonic::async_trait]
impl PlayoutMonitor for Monitor {
    async fn status(
        &self,
        request: Request<proto::StatusRequest>,
    ) -> Result<Response<proto::StatusResponse>, Status> {
        let only = request.into_inner().channel_id;
        let sessions = Arc::clone(&self.sessions);
        let ask = move || {
            let sessions = only.map_or_else(|| sessions.all(), |id| vec![sessions.of(id)]);
            sessions.iter().filter_map(|session| session.engine.status()).map(status).collect()
        };
        Ok(Response::new(proto::StatusResponse { channels: waiting(ask).await? }))
    }

    type EventsStream = Pin<Box<dyn Stream<Item = Result<proto::Event, Status>> + Send>>;

    async fn events(
        &self,
        request: Request<proto::EventsRequest>,
    ) -> Result<Response<Self::EventsStream>, Status> {
        let only = request.into_inner().channel_ids;
        let listener =
            self.sessions.events.listen().ok_or_else(|| Status::unavailable("the server is about to end"))?;
        let wanted = move |event| match event {
            Ok(event) => {
                Some(event).filter(|it: &proto::Event| only.is_empty() || only.contains(&it.channel_id))
            }
            Err(Lagged(events)) => {
                Some(events::of_session(0, "not read in time", Kind::Missed(proto::Missed { events })))
            }
        };
        Ok(Response::new(Box::pin(BroadcastStream::new(listener).filter_map(wanted).map(Ok))))
    }
}

fn status(status: air_core::Status) -> proto::ChannelStatus {
    proto::ChannelStatus {
        channel_id: status.channel_id,
        tick: status.tick,
        preview: preview(status.preview).into(),
        live: live(status.live).into(),
        live_asset: status.live_asset,
        sink: sink(status.sink).into(),
        counters: Some(counters(status.counters)),
        judge: status.judge.map(judge),
    }
}

fn preview(state: PreviewState) -> proto::PreviewState {
    match state {
        PreviewState::Empty => proto::PreviewState::Empty,
        PreviewState::Cueing(_) => proto::PreviewState::Cueing,
        PreviewState::Cued(_) => proto::PreviewState::Cued,
        PreviewState::Armed { .. } => proto::PreviewState::Armed,
        PreviewState::Failed(_) => proto::PreviewState::Failed,
    }
}

fn live(state: LiveState) -> proto::LiveState {
    match state {
        LiveState::Vacant => proto::LiveState::Vacant,
        LiveState::Rolling(_) => proto::LiveState::Rolling,
        LiveState::Exhausted(_) => proto::LiveState::Exhausted,
    }
}

fn sink(state: SinkState) -> proto::SinkState {
    match state {
        SinkState::Idle => proto::SinkState::Idle,
        SinkState::Starting => proto::SinkState::Starting,
        SinkState::Running => proto::SinkState::Running,
        SinkState::Backpressure => proto::SinkState::Backpressure,
        SinkState::Error => proto::SinkState::Error,
        SinkState::Stopping => proto::SinkState::Stopping,
        SinkState::Stopped => proto::SinkState::Stopped,
    }
}

fn judge(summary: JudgeSummary) -> proto::JudgeSummary {
    let finding = |it: &JudgeFinding| proto::Finding {
        check: it.check.name().to_owned(),
        severity: it.severity.name().to_owned(),
        count: it.count,
    };
    proto::JudgeSummary { packets: summary.packets, findings: summary.findings.iter().map(finding).collect() }
}

fn counters(counters: Counters) -> proto::Counters {
    proto::Counters {
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

#[cfg(test)]
mod tests {
    use air_core::{Check, Severity};

    use super::*;

    #[test]
    fn findings_are_told_by_name_and_severity() {
        let finding = |check, severity| JudgeFinding { check, severity, count: 3 };
        let findings =
            vec![finding(Check::Continuity, Severity::Hard), finding(Check::PartialPacket, Severity::Soft)];
        let told = judge(JudgeSummary { sink: 1, packets: 9, findings });
        let words: Vec<_> = told.findings.iter().map(|it| (&*it.check, &*it.severity, it.count)).collect();
        assert_eq!(told.packets, 9);
        let expected = [("1.4 Continuity_count_error", "hard", 3), ("partial_last_packet", "soft", 3)];
        assert_eq!(words, expected);
    }
}
