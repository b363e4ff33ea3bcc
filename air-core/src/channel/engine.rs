//! The engine: the eight operations, for any thread. What waits, waits here, on the caller's thread; the control
//! state decides and the tick loop performs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use air_av::Interrupt;
use air_ts::Pts;

use super::ChannelConfig;
use super::reply::{AttachStreamReply, LoadPreviewReply, Status, SwitchToLiveReply};
use super::request::{Request, Response};
use super::session::Session;
use crate::config::EngineConfig;
use crate::control::{Closed, Command, Input, LiveState, Reply, ResultCode, SegmentId, SinkId, State, step};
use crate::events::{Event, EventQueue};
use crate::format::ProgramFormat;
use crate::output::{Inspection, LiveSink, Sink};
use crate::producer::Cue;
use crate::program::{FrameSource, ReadAhead, Slot};
use crate::time::{Clock, SystemClock, UtcMillis};
use crate::transport::{self, StreamTransport};

/// Version of the control interface, of which `protos/playout.proto` is one form.
const API_VERSION: &str = "1.0.0";

/// Longest wait for an asset to open.
const OPEN_WITHIN: Duration = Duration::from_secs(3);
/// Longest wait for the first frame when nothing is on air yet.
const FIRST_CUE_WITHIN: Duration = Duration::from_secs(4);
/// Longest wait for it when something is: the caller is answered "not ready", and the take follows by itself.
const CUE_WITHIN: Duration = Duration::from_millis(100);
/// Longest wait for the worker of an asset that could not be opened.
const OPENER_ENDS_WITHIN: Duration = Duration::from_millis(200);

/// PTS of tick 0: one second, so that no clock or stamp before it is negative.
const PTS_BASE: Pts = Pts(90_000);

/// One playout engine: at most one channel session at a time (CS-3). Every method may be called from any
/// thread; dropping the engine stops its channel.
pub struct Engine {
    config: EngineConfig,
    clock: Arc<dyn Clock>,
    events: Arc<EventQueue>,
    session: Mutex<Option<Arc<Session>>>,
    /// Of segments and sinks: none is used twice.
    next_id: AtomicU64,
}

impl Engine {
    /// An engine with nothing started.
    ///
    /// What libav has to say goes to `tracing` from now on, for the whole process, in place of standard error.
    pub fn new(config: EngineConfig) -> Engine {
        air_av::install_log();
        let clock = Arc::new(SystemClock::new());
        Engine {
            config,
            clock,
            events: Arc::default(),
            session: Mutex::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// Version of the control interface.
    pub fn get_version(&self) -> &'static str {
        API_VERSION
    }

    /// Starts a channel in the format that `program_format_json` describes. Opens no file and sends no byte:
    /// `plan_handle` and `port` are accepted and never interpreted (CS-1). A channel that runs is left as it is.
    pub fn start_channel(
        &self,
        channel_id: i32,
        _plan_handle: &str,
        _port: i32,
        program_format_json: &str,
    ) -> Reply {
        self.finish_stopping();
        let mut current = self.lock();
        match &*current {
            Some(session) if session.channel_id == channel_id => {
                return Reply::ok("channel already started, nothing changed");
            }
            Some(session) => {
                let busy = format!("channel {} runs in this engine: stop it first", session.channel_id);
                return Reply::new(ResultCode::RejectedBusy, busy);
            }
            None => {}
        }
        let format = match ProgramFormat::from_json(program_format_json) {
            Ok(format) => format,
            Err(error) => return Reply::failed(format!("program format: {error}")),
        };
        let config = ChannelConfig {
            channel_id,
            format,
            pts_base: PTS_BASE,
            hold: self.config.hold,
            clock: Arc::clone(&self.clock),
            events: Arc::clone(&self.events),
        };
        match Session::start(config) {
            Ok(session) => {
                *current = Some(Arc::new(session));
                self.events.open();
                Reply::ok("channel started")
            }
            Err(reason) => Reply::failed(reason),
        }
    }

    /// Accepts a plan, which drives nothing (CS-14).
    pub fn update_plan(&self, channel_id: i32, _plan_handle: &str) -> Reply {
        self.on(channel_id, Command::UpdatePlan, |session| Ok(session.ask(Request::UpdatePlan)?.reply))
    }

    /// Opens `asset_path` and puts it into preview, to be cued at `start_offset_ms` of its own time. Waits until
    /// its streams are known, no longer than 3 s; a file that cannot be played is refused, and what was in
    /// preview stays. `hard_stop_time_ms` is UTC; 0 is no stop.
    pub fn load_preview(
        &self,
        channel_id: i32,
        asset_path: &str,
        start_offset_ms: i64,
        hard_stop_time_ms: i64,
    ) -> LoadPreviewReply {
        let command = Command::Load(SegmentId(0));
        let reply = self.on(channel_id, command, |session| {
            let Ok(start_offset_ms) = u64::try_from(start_offset_ms) else {
                return Ok(Reply::failed(format!("start offset {start_offset_ms} ms is negative")));
            };
            let hard_stop = (hard_stop_time_ms != 0).then_some(UtcMillis(hard_stop_time_ms));
            self.open_into_preview(session, asset_path, start_offset_ms, hard_stop)
        });
        LoadPreviewReply { shadow_decode_started: reply.success, reply }
    }

    fn open_into_preview(
        &self,
        session: &Session,
        asset: &str,
        start_offset_ms: u64,
        hard_stop: Option<UtcMillis>,
    ) -> Result<Reply, Closed> {
        let _one_at_a_time = session.loading();
        if session.is_stopping() {
            return Err(Closed);
        }
        let refusal = session.ask(Request::Would(Command::Load(SegmentId(0))))?.reply;
        if !refusal.success {
            return Ok(refusal);
        }
        let segment = SegmentId(self.new_id());
        let (format, media_roots) = (session.format, self.config.media_roots.clone());
        let cue = Cue { format, start_offset_ms, media_roots, interrupt: Interrupt::new() };
        let name = format!("air-ch{}-read{}", session.channel_id, segment.0);
        let mut source = match ReadAhead::start(name, asset, cue, session.bell().clone()) {
            Ok(source) => source,
            Err(error) => return Ok(Reply::failed(format!("no thread to read {asset:?}: {error}"))),
        };
        let cueing = source.cueing();
        session.opening(Some(cueing.clone()));
        let opened = cueing.wait_opened(OPEN_WITHIN);
        session.opening(None);
        if let Err(reason) = opened {
            source.stop();
            if !source.wait_stopped(OPENER_ENDS_WITHIN) {
                tracing::warn!(asset, "a stuck reader was abandoned");
            }
            if session.is_stopping() {
                return Err(Closed); // Which says nothing of the asset.
            }
            tracing::warn!(asset, reason, "cannot be played");
            return Ok(Reply::failed(reason));
        }
        let channels = session.format.audio.channels;
        let slot = Slot::new(segment, asset.to_owned(), channels, Box::new(source));
        let slot = slot.starting_at(start_offset_ms).until(hard_stop);
        let loaded = session.ask(Request::Load(slot));
        match &loaded {
            Ok(loaded) if loaded.reply.success => session.loaded(cueing),
            Ok(_) => {}
            // The channel has stopped meanwhile; its end waits for this, and this for the worker.
            Err(Closed) => drop(cueing.wait_stopped(OPENER_ENDS_WITHIN)),
        }
        Ok(loaded?.reply)
    }

    /// Takes preview at the next tick, or at the first tick at or after `target_boundary_time_ms` (UTC; 0 or a
    /// time past: now). Waits for the first frame: up to 4 s when nothing is on air yet, else 100 ms; then the
    /// answer is "not ready", and the take follows by itself. `issued_at_time_ms` is not interpreted.
    pub fn switch_to_live(
        &self,
        channel_id: i32,
        target_boundary_time_ms: i64,
        _issued_at_time_ms: i64,
    ) -> SwitchToLiveReply {
        let boundary = Some(UtcMillis(target_boundary_time_ms)).filter(|boundary| boundary.0 != 0);
        let is_ahead = boundary.is_some_and(|boundary| boundary.to_nanos() > self.clock.utc());
        let mut taken = None;
        let reply = self.on(channel_id, Command::Switch { at: None }, |session| {
            if let Some(cueing) = session.preview().filter(|_| !is_ahead) {
                let status = session.ask(Request::Status)?.status;
                let on_air = status.live != LiveState::Vacant;
                cueing.wait_cued(if on_air { CUE_WITHIN } else { FIRST_CUE_WITHIN });
            }
            let response = session.ask(Request::Switch { boundary })?;
            taken = response.taken;
            Ok(response.reply)
        });
        SwitchToLiveReply {
            pts_contiguous: reply.success,
            live_start_pts: taken.map_or(0, |taken| taken.pts.0),
            switch_completion_time_ms: taken.map_or(0, |taken| taken.time.0),
            violation_reason: if reply.success { String::new() } else { reply.message.clone() },
            reply,
        }
    }

    /// Connects to `endpoint`, on which the reader listens, and sends the channel there from the next tick on.
    /// Answers once connected and once the encoder is open.
    pub fn attach_stream(
        &self,
        channel_id: i32,
        transport: StreamTransport,
        endpoint: &str,
        replace_existing: bool,
    ) -> AttachStreamReply {
        let command = Command::Attach { sink: SinkId(0), replace_existing };
        let reply = self
            .on(channel_id, command, |session| self.attach(session, transport, endpoint, replace_existing));
        let negotiated =
            if reply.success { (transport, endpoint) } else { (StreamTransport::Unspecified, "") };
        AttachStreamReply {
            reply,
            negotiated_transport: negotiated.0,
            negotiated_endpoint: negotiated.1.into(),
        }
    }

    fn attach(
        &self,
        session: &Session,
        transport: StreamTransport,
        endpoint: &str,
        replace_existing: bool,
    ) -> Result<Reply, Closed> {
        let refused = |reason: String| {
            tracing::warn!(endpoint, reason, "cannot attach");
            Ok(Reply::failed(reason))
        };
        let command = Command::Attach { sink: SinkId(0), replace_existing };
        let refusal = session.ask(Request::Would(command))?.reply;
        if !refusal.success {
            return Ok(refusal);
        }
        let connected = match transport::connect(transport, endpoint) {
            Ok(connected) => connected,
            Err(error) => return refused(error.to_string()),
        };
        let id = SinkId(self.new_id());
        let (inspection, connected) = Inspection::of(id, connected, self.config.judge);
        let caller = session.caller();
        let on_lost = move |reason| {
            // A channel that has gone needs no news of its sink.
            let _ = caller.notify(Request::SinkLost { id, reason });
        };
        let name = format!("air-ch{}", session.channel_id);
        let clock = Arc::clone(&self.clock);
        let sink = LiveSink::open(&name, &self.config.sink, &session.format, connected, clock, on_lost);
        let sink = match sink {
            Ok(sink) => Box::new(sink),
            Err(error) => return refused(error.to_string()),
        };
        let Response { reply, closed, .. } = session.ask(Request::Attach { id, sink, replace_existing })?;
        if reply.success {
            session.attached(inspection);
        }
        close_all(closed, true);
        Ok(reply)
    }

    /// Ends the stream: nothing more is written and the reader sees the end. `force` says not to wait for the
    /// write in progress. Nothing attached is no error.
    pub fn detach_stream(&self, channel_id: i32, force: bool) -> Reply {
        self.on(channel_id, Command::Detach, |session| {
            let Response { reply, closed, .. } = session.ask(Request::Detach)?;
            close_all(closed, force);
            Ok(reply)
        })
    }

    /// Stops the channel: no byte after this returns, and its threads, sockets and codecs are gone. A channel
    /// that does not run is no error.
    pub fn stop_channel(&self, channel_id: i32) -> Reply {
        let session = self.lock().clone().filter(|session| session.channel_id == channel_id);
        match session {
            Some(session) => {
                self.stop(&session);
                Reply::ok("channel stopped")
            }
            None => Reply::ok("channel is not started"),
        }
    }

    /// Stops whatever channel runs, as [`Engine::stop_channel`] does.
    pub fn stop_any(&self) {
        let session = self.lock().clone();
        if let Some(session) = session {
            self.stop(&session);
        }
    }

    /// Stops `session`, or waits until another caller has, and only then lets go of it. Its last events are told
    /// before there are no more.
    fn stop(&self, session: &Arc<Session>) {
        session.stop();
        let mut current = self.lock();
        if current.take_if(|current| Arc::ptr_eq(current, session)).is_some() {
            self.events.close();
        }
    }

    /// Waits for a session that another caller is stopping.
    fn finish_stopping(&self) {
        let stopping = self.lock().clone().filter(|session| session.is_stopping());
        if let Some(session) = stopping {
            self.stop(&session);
        }
    }

    /// How the channel stands; `None` when none runs.
    pub fn status(&self) -> Option<Status> {
        let session = self.lock().clone()?;
        let status = session.ask(Request::Status).ok()?.status;
        Some(Status { judge: session.judge(), ..status })
    }

    /// The oldest event not yet taken, waited for no longer than `timeout`; `None` at once when no channel runs.
    pub fn next_event(&self, timeout: Duration) -> Option<Event> {
        self.events.next(timeout)
    }

    /// Does `operation` on the session called `channel_id`. Without one, the answer is what the control state
    /// gives to `command` when stopped.
    fn on(
        &self,
        channel_id: i32,
        command: Command,
        operation: impl FnOnce(&Session) -> Result<Reply, Closed>,
    ) -> Reply {
        let session = self.lock().clone().filter(|session| session.channel_id == channel_id);
        let reply = match session {
            Some(session) => operation(&session),
            None => Err(Closed),
        };
        reply.unwrap_or_else(|Closed| {
            let stopped = step(&State::Stopped, Input::Command(command));
            stopped.reply.unwrap_or_else(|| Reply::failed(Closed.to_string()))
        })
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close_all(sinks: Vec<Box<dyn Sink>>, force: bool) {
    for sink in sinks {
        sink.close(force);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop_any();
    }
}
