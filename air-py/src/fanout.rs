//! The fan-out and its viewers as Python objects. What the host's event loop waits on is a descriptor, so no thread
//! of ours ever calls into Python.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use air_fanout::{Config, PulledViewer, SlowPolicy, SocketViewer, Taken};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::engine::SIGNAL_INTERVAL;

/// One stream for any number of viewers; dropping it closes it.
#[pyclass(frozen)]
pub struct Fanout {
    inner: air_fanout::Fanout,
}

#[pymethods]
impl Fanout {
    #[new]
    fn new(py: Python<'_>, name: String, slow: &str, ring_bytes: usize, ring_ms: u64) -> PyResult<Self> {
        let slow = match slow {
            "skip" => SlowPolicy::Skip,
            "close" => SlowPolicy::Close,
            _ => return Err(PyValueError::new_err(format!("slow must be 'skip' or 'close', not '{slow}'"))),
        };
        if name.contains('\0') {
            return Err(PyValueError::new_err("name contains a NUL"));
        }
        let config = Config { name, slow, ring_bytes, ring_age: Duration::from_millis(ring_ms) };
        Ok(Self { inner: py.detach(|| air_fanout::Fanout::new(config))? })
    }

    #[getter]
    fn endpoint(&self) -> std::path::PathBuf {
        self.inner.endpoint().to_owned()
    }

    #[getter]
    fn closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn viewer(&self, py: Python<'_>) -> PyResult<Viewer> {
        Ok(Viewer(Kind::Pulled(py.detach(|| self.inner.viewer())?)))
    }

    fn hand_over(&self, py: Python<'_>, descriptor: RawFd, head: Vec<u8>) -> PyResult<Viewer> {
        if descriptor < 0 {
            return Err(PyValueError::new_err("descriptor must not be negative"));
        }
        // SAFETY: it is not -1, and is only lent for this call, in which the fan-out duplicates it: the kernel refuses
        // one that is not open.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
        Ok(Viewer(Kind::Socket(py.detach(|| self.inner.hand_over(socket, head))?)))
    }

    fn stats(&self, py: Python<'_>) -> StatsFields {
        py.detach(|| self.inner.stats()).into()
    }

    fn first_bytes(&self, py: Python<'_>, timeout: Duration) -> PyResult<bool> {
        let began = Instant::now();
        loop {
            let wait = timeout.saturating_sub(began.elapsed()).min(SIGNAL_INTERVAL);
            let begun = py.detach(|| self.inner.wait_for_begin(wait));
            if begun || began.elapsed() >= timeout || self.inner.is_closed() {
                return Ok(begun);
            }
            py.check_signals()?;
        }
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }
}

impl Drop for Fanout {
    /// Closes without the GIL: the last reference may go while other Python threads have work to do.
    fn drop(&mut self) {
        Python::attach(|py| py.detach(|| self.inner.close()));
    }
}

/// A viewer of either kind.
#[pyclass(frozen)]
pub struct Viewer(Kind);

enum Kind {
    /// Python takes its batches.
    Pulled(Arc<PulledViewer>),
    /// The fan-out writes to its socket.
    Socket(SocketViewer),
}

#[pymethods]
impl Viewer {
    /// The next batch, waiting for it; `None` at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let viewer = self.pulled()?;
        loop {
            let taken = py.detach(|| match viewer.take() {
                Taken::Nothing => {
                    viewer.wait(SIGNAL_INTERVAL);
                    viewer.take()
                }
                taken => taken,
            });
            match taken {
                Taken::Batch(batch) => return Ok(Some(PyBytes::new(py, &batch))),
                Taken::End => return Ok(None),
                Taken::Nothing => py.check_signals()?,
            }
        }
    }

    /// What there is now, maybe nothing; `None` at the end.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let viewer = self.pulled()?;
        Ok(match py.detach(|| viewer.take()) {
            Taken::Batch(batch) => Some(PyBytes::new(py, &batch)),
            Taken::Nothing => Some(PyBytes::new(py, &[])),
            Taken::End => None,
        })
    }

    /// A descriptor that is readable when there may be something to take.
    fn fileno(&self) -> PyResult<RawFd> {
        Ok(self.pulled()?.bell().as_raw_fd())
    }

    fn close(&self) {
        match &self.0 {
            Kind::Pulled(viewer) => viewer.close(),
            Kind::Socket(viewer) => viewer.close(),
        }
    }

    #[getter]
    fn closed(&self) -> bool {
        match &self.0 {
            Kind::Pulled(viewer) => viewer.is_closed(),
            Kind::Socket(viewer) => viewer.is_closed(),
        }
    }

    #[getter]
    fn bytes_sent(&self) -> u64 {
        match &self.0 {
            Kind::Pulled(viewer) => viewer.bytes_sent(),
            Kind::Socket(viewer) => viewer.bytes_sent(),
        }
    }

    #[getter]
    fn skips(&self) -> u64 {
        match &self.0 {
            Kind::Pulled(viewer) => viewer.skips(),
            Kind::Socket(viewer) => viewer.skips(),
        }
    }
}

impl Viewer {
    fn pulled(&self) -> PyResult<&PulledViewer> {
        match &self.0 {
            Kind::Pulled(viewer) => Ok(viewer),
            Kind::Socket(_) => Err(PyTypeError::new_err(
                "the fan-out writes to this viewer itself: there is nothing to iterate",
            )),
        }
    }
}

/// `air_py.FanoutStats`.
#[derive(IntoPyObject)]
pub struct StatsFields {
    viewers: usize,
    bytes_in: u64,
    bytes_out: u64,
    bitrate_bps: u64,
    skips: u64,
    slow_closed: u64,
    findings: Vec<FindingFields>,
}

/// `air_py.StreamFinding`.
#[derive(IntoPyObject)]
pub struct FindingFields {
    check: &'static str,
    severity: &'static str,
    count: u64,
}

impl From<air_fanout::Stats> for StatsFields {
    fn from(stats: air_fanout::Stats) -> Self {
        let finding = |(check, is, count): (air_ts::Check, air_ts::Severity, _)| FindingFields {
            check: check.name(),
            severity: is.name(),
            count,
        };
        Self {
            viewers: stats.viewers,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            bitrate_bps: stats.bitrate_bps,
            skips: stats.skips,
            slow_closed: stats.slow_closed,
            findings: stats.findings.into_iter().map(finding).collect(),
        }
    }
}
