//! A plan to a file. It is rendered on a thread of its own, so that the caller's can answer signals at once, also
//! while a file is waited for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use air_core::{ProgramFormat, RenderOptions, RenderProgress, RenderSegment};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{AirError, AsRunFields, CountersFields, SinkArguments};

/// How often Python is asked whether to go on: often enough for Ctrl-C, too rare to slow the encoder.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// `air_py.Stats`.
#[derive(IntoPyObject)]
pub struct RenderFields {
    ticks: u64,
    bytes: u64,
    counters: CountersFields,
    as_run: Vec<AsRunFields>,
}

/// What of `air_core::RenderOptions` is neither format nor sink.
#[derive(FromPyObject)]
pub struct RenderArguments {
    #[pyo3(item)]
    failsafe: bool,
    #[pyo3(item)]
    pts_base: u64,
}

/// Renders `segments` (asset, start in ms, duration in ms) to `out`; `progress(ticks, total_ticks)` returning
/// `False` cancels.
#[pyfunction]
pub fn render(
    py: Python<'_>,
    segments: Vec<(String, u64, Option<u64>)>,
    out: PathBuf,
    program_format_json: &str,
    sink: SinkArguments,
    options: RenderArguments,
    progress: Option<Py<PyAny>>,
) -> PyResult<RenderFields> {
    let format = ProgramFormat::from_json(program_format_json)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let RenderArguments { failsafe, pts_base } = options;
    let options = RenderOptions { sink: sink.into(), failsafe, pts_base, ..RenderOptions::new(format) };
    let plan: Vec<_> = segments
        .into_iter()
        .map(|(asset, start_offset_ms, duration_ms)| RenderSegment { asset, start_offset_ms, duration_ms })
        .collect();

    let begun = RenderProgress { ticks: 0, total_ticks: None };
    let (done, cancelled) = (Mutex::new(begun), AtomicBool::new(false));
    let mut raised = None;
    let stats = py.detach(|| {
        std::thread::scope(|scope| {
            let (running, ended) = sync_channel::<()>(0);
            let (plan, out, options, done, cancelled) = (&plan, &out, &options, &done, &cancelled);
            let rendering = scope.spawn(move || {
                // Dropped when the thread ends, however it does.
                let _running = running;
                air_core::render(plan, out, options, &mut |progress| {
                    *done.lock().unwrap_or_else(PoisonError::into_inner) = progress;
                    !cancelled.load(Ordering::Relaxed)
                })
            });
            while ended.recv_timeout(PROGRESS_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let done = *done.lock().unwrap_or_else(PoisonError::into_inner);
                let goes_on = ask(progress.as_ref(), done).unwrap_or_else(|error| {
                    raised.get_or_insert(error);
                    false
                });
                if !goes_on {
                    cancelled.store(true, Ordering::Relaxed);
                    options.interrupt.trip();
                }
            }
            rendering.join().ok()
        })
    });
    match (raised, stats) {
        (Some(error), _) => Err(error),
        (None, None) => Err(AirError::new_err("the rendering broke off")),
        (None, Some(Err(error))) => Err(AirError::new_err(error.to_string())),
        (None, Some(Ok(stats))) => Ok(RenderFields {
            ticks: stats.ticks,
            bytes: stats.counters.bytes_written,
            counters: stats.counters.into(),
            as_run: stats.as_run.into_iter().map(Into::into).collect(),
        }),
    }
}

/// Whether to go on, by the host's pending signals and its own callback.
fn ask(progress: Option<&Py<PyAny>>, done: RenderProgress) -> PyResult<bool> {
    Python::attach(|py| {
        py.check_signals()?;
        let Some(progress) = progress else { return Ok(true) };
        let answer = progress.call1(py, (done.ticks, done.total_ticks))?;
        // A callback that only prints returns None, which is not a wish to stop.
        Ok(answer.is_none(py) || answer.is_truthy(py)?)
    })
}
