//! A plan to a file. It is rendered on a thread of its own, so that the caller's can answer signals at once, also
//! while a file is waited for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use air_core::{ProgramFormat, RenderOptions, RenderSegment};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{AirError, CountersFields, SinkArguments};

/// How often Python is asked whether to go on: often enough for Ctrl-C, too rare to slow the encoder.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// `air_py.Stats`.
#[derive(IntoPyObject)]
pub struct RenderFields {
    ticks: u64,
    bytes: u64,
    counters: CountersFields,
}

/// Renders `segments` (asset, start in ms, duration in ms) to `out`; `progress(ticks)` returning `False` cancels.
#[pyfunction]
pub fn render(
    py: Python<'_>,
    segments: Vec<(String, u64, Option<u64>)>,
    out: PathBuf,
    program_format_json: &str,
    sink: SinkArguments,
    progress: Option<Py<PyAny>>,
    pts_base: u64,
) -> PyResult<RenderFields> {
    let format = ProgramFormat::from_json(program_format_json)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let options = RenderOptions { sink: sink.into(), pts_base, ..RenderOptions::new(format) };
    let plan: Vec<_> = segments
        .into_iter()
        .map(|(asset, start_offset_ms, duration_ms)| RenderSegment { asset, start_offset_ms, duration_ms })
        .collect();

    let (done, cancelled) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut raised = None;
    let stats = py.detach(|| {
        std::thread::scope(|scope| {
            let (finished, outcome) = sync_channel(1);
            let (plan, out, options, done, cancelled) = (&plan, &out, &options, &done, &cancelled);
            scope.spawn(move || {
                let stats = air_core::render(plan, out, options, &mut |ticks| {
                    done.store(ticks, Ordering::Relaxed);
                    !cancelled.load(Ordering::Relaxed)
                });
                // The receiver waits below, until this comes.
                let _ = finished.send(stats);
            });
            loop {
                match outcome.recv_timeout(PROGRESS_INTERVAL) {
                    Ok(stats) => return Some(stats),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                let goes_on = ask(progress.as_ref(), done.load(Ordering::Relaxed)).unwrap_or_else(|error| {
                    raised.get_or_insert(error);
                    false
                });
                if !goes_on {
                    cancelled.store(true, Ordering::Relaxed);
                    options.interrupt.trip();
                }
            }
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
        }),
    }
}

/// Whether to go on, by the host's pending signals and its own callback.
fn ask(progress: Option<&Py<PyAny>>, ticks: u64) -> PyResult<bool> {
    Python::attach(|py| {
        py.check_signals()?;
        let Some(progress) = progress else { return Ok(true) };
        let answer = progress.call1(py, (ticks,))?;
        // A callback that only prints returns None, which is not a wish to stop.
        Ok(answer.is_none(py) || answer.is_truthy(py)?)
    })
}
