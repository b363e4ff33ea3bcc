//! What happens on channels, from their engines to whoever listens. Nobody who listens holds up an engine: what is not
//! read in time is counted as missed.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use air_core::EventKind;
use air_proto::monitor as proto;
use air_proto::monitor::event::Kind;
use tokio::sync::broadcast;

/// Events that wait for a listener: minutes of a busy channel.
const MOST_WAITING: usize = 1024;

/// Where all events of the process pass.
pub struct Events(Mutex<Option<broadcast::Sender<proto::Event>>>);

impl Events {
    /// With nobody listening.
    pub fn new() -> Events {
        Events(Mutex::new(Some(broadcast::channel(MOST_WAITING).0)))
    }

    /// All events from now on; `None` once there are no more.
    pub fn listen(&self) -> Option<broadcast::Receiver<proto::Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(broadcast::Sender::subscribe)
    }

    /// Tells those who listen.
    pub fn tell(&self, event: proto::Event) {
        if let Some(sender) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = sender.send(event); // Nobody may be there.
        }
    }

    /// There are no more.
    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Default for Events {
    fn default() -> Self {
        Events::new()
    }
}

/// Something of which the engine does not tell.
pub fn of_session(channel_id: i32, message: &str, kind: Kind) -> proto::Event {
    proto::Event { channel_id, time_ms: now_ms(), tick: 0, message: message.to_owned(), kind: Some(kind) }
}

/// An engine's event as it is told.
pub fn of_engine(channel_id: i32, event: air_core::Event) -> proto::Event {
    let message = event.kind.to_string();
    let kind = match event.kind {
        EventKind::Taken { segment, asset } => Some(Kind::Taken(proto::Taken { segment, asset })),
        EventKind::Exhausted { segment, end_tick, end_time_ms, reason } => {
            Some(Kind::Exhausted(proto::Exhausted { segment, end_tick, end_time_ms, reason }))
        }
        EventKind::Completed { segment } => Some(Kind::Completed(proto::Completed { segment })),
        EventKind::AsRun(record) => Some(Kind::AsRun(as_run(*record))),
        EventKind::CueFailed { segment, reason } => {
            Some(Kind::CueFailed(proto::CueFailed { segment, reason }))
        }
        EventKind::Underrun { segment } => Some(Kind::Underrun(proto::Underrun { segment })),
        EventKind::Late { ticks } => Some(Kind::Late(proto::Late { ticks })),
        EventKind::SinkLost { reason } => Some(Kind::SinkLost(proto::SinkLost { reason })),
        // One that the interface has no words for yet is told by its message.
        _ => None,
    };
    proto::Event { channel_id, time_ms: now_ms(), tick: event.tick, message, kind }
}

fn as_run(record: air_core::AsRun) -> proto::AsRun {
    let picture =
        |it: air_core::SourcePicture| proto::SourcePicture { number: it.number, media_ms: it.media_ms };
    proto::AsRun {
        segment: record.segment,
        asset: record.asset,
        start_offset_ms: record.start_offset_ms,
        planned_first_tick: record.planned_first_tick,
        first_tick: record.first_tick,
        planned_last_tick: record.planned_last_tick,
        last_tick: record.last_tick,
        first_time_ms: record.first_time_ms,
        first_source: record.first_source.map(picture),
        last_source: record.last_source.map(picture),
        content: record.content,
        repeated: record.repeated,
        dropped: record.dropped,
        held: record.held,
        black: record.black,
        failure: record.failure,
    }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
