//! An engine in another process as a Python object: the methods of `Engine`, each asked over gRPC.
//!
//! `ConnectionError` says that the other end is gone, `TimeoutError` that it does not answer. What that means for the
//! process is not known here.

mod inbox;
mod link;

use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use air_proto::control::playout_control_client::PlayoutControlClient;
use air_proto::monitor::playout_monitor_client::PlayoutMonitorClient;
use air_proto::{control, monitor};
use pyo3::exceptions::{PyConnectionError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use tonic::transport::Channel;

use crate::convert::SwitchToLiveFields;
use crate::convert::{
    AirError, AttachStreamFields, EventFields, LoadPreviewFields, ReplyFields, StatusFields,
};
use crate::engine::SIGNAL_INTERVAL;
use inbox::{Begin, Inbox, Next};
use link::{Link, NoReply};

/// A call that has no answer by then never gets one: the slowest, the first switch, takes four seconds.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// What a stop may take, so that with a kill after it a channel is gone within a quarter of a second.
const STOPPED_WITHIN: Duration = Duration::from_millis(150);

/// How long the event of a start that has been answered may still be on its way.
const TOLD_OF_START_WITHIN: Duration = Duration::from_secs(1);

/// The same for the events of a stop: with all that comes after, a host's end has to fit into a second.
const TOLD_OF_STOP_WITHIN: Duration = Duration::from_millis(250);

/// One playout engine in another process; dropping it closes the connection.
#[pyclass(frozen)]
pub struct RemoteEngine {
    /// Until it is closed.
    link: Mutex<Option<Arc<Link>>>,
    inbox: Arc<Inbox>,
}

#[pymethods]
impl RemoteEngine {
    /// The engine at the other end of a connected stream socket, of which `descriptor` is duplicated. Waits for
    /// nothing: calls are answered once that end serves.
    #[new]
    fn new(descriptor: RawFd) -> PyResult<Self> {
        if descriptor < 0 {
            return Err(PyValueError::new_err("descriptor must not be negative"));
        }
        // SAFETY: it is not -1, and is only lent for this statement, which duplicates it: the kernel refuses one that
        // is not open.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()?;
        let link = Arc::new(Link::new(UnixStream::from(socket))?);
        let engine = Self { link: Mutex::new(Some(link)), inbox: Arc::default() };
        engine.subscribe()?;
        Ok(engine)
    }

    fn get_version(&self, py: Python<'_>) -> PyResult<String> {
        let mut client = self.control()?;
        let call = async move { client.get_version(control::ApiVersionRequest {}).await };
        Ok(self.ask(py, call)?.into_inner().version)
    }

    fn start_channel(
        &self,
        py: Python<'_>,
        channel_id: i32,
        plan_handle: String,
        port: i32,
        program_format_json: String,
    ) -> PyResult<ReplyFields> {
        let request = control::StartChannelRequest { channel_id, plan_handle, port, program_format_json };
        let mut client = self.control()?;
        if !self.wait_begun(py, channel_id)? {
            return Ok(ReplyFields::of_a_stop_before_the_start(false));
        }
        let before = self.inbox.started();
        let reply = self.ask(py, async move { client.start_channel(request).await })?;
        if reply.get_ref().success {
            py.detach(|| self.inbox.wait_started(before, TOLD_OF_START_WITHIN));
        }
        Ok(reply.into())
    }

    fn update_plan(&self, py: Python<'_>, channel_id: i32, plan_handle: String) -> PyResult<ReplyFields> {
        let mut client = self.control()?;
        let request = control::UpdatePlanRequest { channel_id, plan_handle };
        Ok(self.ask(py, async move { client.update_plan(request).await })?.into())
    }

    fn load_preview(
        &self,
        py: Python<'_>,
        channel_id: i32,
        asset_path: String,
        start_offset_ms: i64,
        hard_stop_time_ms: i64,
    ) -> PyResult<LoadPreviewFields> {
        let request =
            control::LoadPreviewRequest { channel_id, asset_path, start_offset_ms, hard_stop_time_ms };
        let mut client = self.control()?;
        Ok(self.ask(py, async move { client.load_preview(request).await })?.into())
    }

    fn switch_to_live(
        &self,
        py: Python<'_>,
        channel_id: i32,
        target_boundary_time_ms: i64,
        issued_at_time_ms: i64,
    ) -> PyResult<SwitchToLiveFields> {
        let request = control::SwitchToLiveRequest { channel_id, target_boundary_time_ms, issued_at_time_ms };
        let mut client = self.control()?;
        Ok(self.ask(py, async move { client.switch_to_live(request).await })?.into())
    }

    fn attach_stream(
        &self,
        py: Python<'_>,
        channel_id: i32,
        transport: i32,
        endpoint: String,
        replace_existing: bool,
    ) -> PyResult<AttachStreamFields> {
        let request = control::AttachStreamRequest { channel_id, transport, endpoint, replace_existing };
        let mut client = self.control()?;
        Ok(self.ask(py, async move { client.attach_stream(request).await })?.into())
    }

    fn detach_stream(&self, py: Python<'_>, channel_id: i32, force: bool) -> PyResult<ReplyFields> {
        let mut client = self.control()?;
        let request = control::DetachStreamRequest { channel_id, force };
        Ok(self.ask(py, async move { client.detach_stream(request).await })?.into())
    }

    /// Never waits for an engine that has yet to begin: no channel runs in it, and a start that waits for it is refused.
    fn stop_channel(&self, py: Python<'_>, channel_id: i32) -> PyResult<ReplyFields> {
        let mut client = self.control()?;
        if self.inbox.stop_early(channel_id) {
            return Ok(ReplyFields::of_a_stop_before_the_start(true));
        }
        let request = control::StopChannelRequest { channel_id };
        let call = async move { client.stop_channel(request).await };
        let reply = self.link()?.ask(py, STOPPED_WITHIN, call)?;
        py.detach(|| self.inbox.wait_stopped(TOLD_OF_STOP_WITHIN));
        Ok(reply.into())
    }

    fn status(&self, py: Python<'_>) -> PyResult<Option<StatusFields>> {
        let mut client = self.monitor()?;
        let request = monitor::StatusRequest { channel_id: None };
        let status = self.ask(py, async move { client.status(request).await })?;
        Ok(status.into_inner().channels.into_iter().next().map(Into::into))
    }

    fn next_event(&self, py: Python<'_>, timeout: Duration) -> PyResult<Option<EventFields>> {
        let began = Instant::now();
        loop {
            let wait = timeout.saturating_sub(began.elapsed()).min(SIGNAL_INTERVAL);
            match py.detach(|| self.inbox.next(wait)) {
                Next::Event(event) => return Ok(Some((*event).into())),
                Next::NoChannel => return Ok(None),
                Next::Ended => return Err(NoReply::Gone.into()),
                Next::NotYet if began.elapsed() >= timeout => return Ok(None),
                Next::NotYet => py.check_signals()?,
            }
        }
    }

    /// Closes the connection for both ends and waits for nothing: calls that wait are told.
    fn hang_up(&self) {
        if let Ok(link) = self.link() {
            link.hang_up();
        }
    }

    /// Closes the connection and waits until nothing of it is left.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.take_link()));
    }
}

impl RemoteEngine {
    /// Has what happens from now on come into the inbox, which is also told when that begins.
    fn subscribe(&self) -> PyResult<()> {
        let mut client = self.monitor()?;
        let inbox = Arc::clone(&self.inbox);
        self.link()?.run(async move {
            if let Ok(events) = client.events(monitor::EventsRequest { channel_ids: vec![] }).await {
                inbox.begin();
                let mut events = events.into_inner();
                while let Ok(Some(event)) = events.message().await {
                    inbox.put(event);
                }
            }
            inbox.end();
        });
        Ok(())
    }

    /// Waits until the engine tells of events, so that of a start none is missed; false when a stop of the channel came
    /// first.
    fn wait_begun(&self, py: Python<'_>, channel_id: i32) -> PyResult<bool> {
        let (since, stops) = (Instant::now(), self.inbox.early_stops(channel_id));
        loop {
            match py.detach(|| self.inbox.wait_begun(channel_id, stops, SIGNAL_INTERVAL)) {
                Begin::Begun => return Ok(true),
                Begin::Stopped => return Ok(false),
                Begin::Ended => return Err(NoReply::Gone.into()),
                Begin::NotYet if since.elapsed() >= ANSWERED_WITHIN => return Err(NoReply::Late.into()),
                Begin::NotYet => py.check_signals()?,
            }
        }
    }

    fn link(&self) -> Result<Arc<Link>, NoReply> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(NoReply::Gone)
    }

    /// The link, for the last time. The connection is closed with it; calls that wait are told.
    fn take_link(&self) -> Option<Arc<Link>> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
        link.inspect(|link| link.close())
    }

    fn control(&self) -> PyResult<PlayoutControlClient<Channel>> {
        Ok(PlayoutControlClient::new(self.link()?.channel.clone()))
    }

    fn monitor(&self) -> PyResult<PlayoutMonitorClient<Channel>> {
        Ok(PlayoutMonitorClient::new(self.link()?.channel.clone()))
    }

    fn ask<T: Send + 'static>(
        &self,
        py: Python<'_>,
        call: impl Future<Output = Result<T, tonic::Status>> + Send + 'static,
    ) -> PyResult<T> {
        Ok(self.link()?.ask(py, ANSWERED_WITHIN, call)?)
    }
}

impl Drop for RemoteEngine {
    /// Closes without the GIL: the last reference may go while other Python threads have work to do.
    fn drop(&mut self) {
        Python::attach(|py| py.detach(|| drop(self.take_link())));
    }
}

impl From<NoReply> for PyErr {
    fn from(none: NoReply) -> PyErr {
        match none {
            NoReply::Gone => PyConnectionError::new_err("the engine is gone"),
            NoReply::Late => PyTimeoutError::new_err("the engine does not answer"),
            NoReply::Failed(reason) => AirError::new_err(reason),
            NoReply::Interrupted(signal) => signal,
        }
    }
}
