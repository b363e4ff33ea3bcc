//! The engine as a Python object: one method per control operation, each of them convert, call, convert back.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::convert::{AttachStreamFields, EventFields, LoadPreviewFields, ReplyFields, SinkArguments};
use crate::convert::{StatusFields, SwitchToLiveFields, stream_transport};

/// Longest wait between two looks at the host's pending signals, so that Ctrl-C ends a wait.
pub const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// One playout engine; dropping it stops its channel.
#[pyclass(frozen)]
pub struct Engine {
    inner: air_core::Engine,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(sink: SinkArguments) -> Self {
        let config = air_core::EngineConfig { sink: sink.into(), ..Default::default() };
        Self { inner: air_core::Engine::new(config) }
    }

    fn get_version(&self) -> &'static str {
        self.inner.get_version()
    }

    fn start_channel(
        &self,
        py: Python<'_>,
        channel_id: i32,
        plan_handle: &str,
        port: i32,
        program_format_json: &str,
    ) -> ReplyFields {
        py.detach(|| self.inner.start_channel(channel_id, plan_handle, port, program_format_json)).into()
    }

    fn update_plan(&self, py: Python<'_>, channel_id: i32, plan_handle: &str) -> ReplyFields {
        py.detach(|| self.inner.update_plan(channel_id, plan_handle)).into()
    }

    fn load_preview(
        &self,
        py: Python<'_>,
        channel_id: i32,
        asset_path: &str,
        start_offset_ms: i64,
        hard_stop_time_ms: i64,
    ) -> LoadPreviewFields {
        py.detach(|| self.inner.load_preview(channel_id, asset_path, start_offset_ms, hard_stop_time_ms))
            .into()
    }

    fn switch_to_live(
        &self,
        py: Python<'_>,
        channel_id: i32,
        target_boundary_time_ms: i64,
        issued_at_time_ms: i64,
    ) -> SwitchToLiveFields {
        py.detach(|| self.inner.switch_to_live(channel_id, target_boundary_time_ms, issued_at_time_ms)).into()
    }

    fn attach_stream(
        &self,
        py: Python<'_>,
        channel_id: i32,
        transport: i32,
        endpoint: &str,
        replace_existing: bool,
    ) -> AttachStreamFields {
        let transport = stream_transport(transport);
        py.detach(|| self.inner.attach_stream(channel_id, transport, endpoint, replace_existing)).into()
    }

    fn detach_stream(&self, py: Python<'_>, channel_id: i32, force: bool) -> ReplyFields {
        py.detach(|| self.inner.detach_stream(channel_id, force)).into()
    }

    fn stop_channel(&self, py: Python<'_>, channel_id: i32) -> ReplyFields {
        py.detach(|| self.inner.stop_channel(channel_id)).into()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.stop_any());
    }

    fn status(&self, py: Python<'_>) -> Option<StatusFields> {
        py.detach(|| self.inner.status()).map(Into::into)
    }

    fn next_event(&self, py: Python<'_>, timeout: Duration) -> PyResult<Option<EventFields>> {
        let began = Instant::now();
        loop {
            let asked = Instant::now();
            let wait = timeout.saturating_sub(began.elapsed()).min(SIGNAL_INTERVAL);
            let event = py.detach(|| self.inner.next_event(wait));
            // Nothing before the time is up: no channel runs, and nothing can come.
            if event.is_some() || asked.elapsed() < wait || began.elapsed() >= timeout {
                return Ok(event.map(Into::into));
            }
            py.check_signals()?;
        }
    }
}

impl Drop for Engine {
    /// Stops the channel without the GIL: the last reference may go while other Python threads have work to do.
    fn drop(&mut self) {
        Python::attach(|py| py.detach(|| self.inner.stop_any()));
    }
}
