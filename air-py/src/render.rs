//! A plan to a file, with progress and Ctrl-C answered from the rendering thread.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use air_core::{ProgramFormat, RenderOptions, RenderSegment};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{AirError, CountersFields, SinkArguments};

/// How often Python is asked whether to go on: often enough for Ctrl-C, too rare to slow the encoder.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// `air_py.RenderStats`.
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
) -> PyResult<RenderFields> {
    let format = ProgramFormat::from_json(program_format_json)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let options = RenderOptions { sink: sink.into(), ..RenderOptions::new(format) };
    let plan: Vec<_> = segments
        .into_iter()
        .map(|(asset, start_offset_ms, duration_ms)| RenderSegment { asset, start_offset_ms, duration_ms })
        .collect();

    let mut raised = None;
    let mut asked = Instant::now();
    let stats = py.detach(|| {
        air_core::render(&plan, &out, &options, &mut |ticks| {
            if asked.elapsed() < PROGRESS_INTERVAL {
                return true;
            }
            asked = Instant::now();
            ask(progress.as_ref(), ticks).unwrap_or_else(|error| {
                raised = Some(error);
                false
            })
        })
    });
    match (raised, stats) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(AirError::new_err(error.to_string())),
        (None, Ok(stats)) => Ok(RenderFields {
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
