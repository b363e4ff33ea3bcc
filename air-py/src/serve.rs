//! The engine's server as a Python function, for a process that does nothing else.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs `air-server` with these arguments, its own name not among them, and returns its exit code. Signals are the
/// server's from here on; to be called by the main thread, with no handlers of Python's for SIGTERM and SIGINT.
#[pyfunction]
pub fn serve_grpc(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| air_server::main(arguments))
}
