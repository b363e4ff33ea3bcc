//! `air_py._air`, the native half of the Python package.
//!
//! It converts, calls the engine, the fan-out, the judge or the server, and converts back. Names, defaults, argument
//! checks and result types live in the Python half, which is the public API; nothing here is meant to be imported by a
//! user.
//!
//! Two promises hold for every function: the GIL is released while the engine works or waits, and no engine thread
//! ever takes it.

mod check;
mod convert;
mod engine;
mod fanout;
mod log;
mod probe;
mod remote;
mod render;
mod serve;
mod toml;

/// Native half of `air_py`; private.
#[pyo3::pymodule]
mod _air {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::{
        check::Judge,
        convert::AirError,
        engine::Engine,
        fanout::{Fanout, Viewer},
        log::{log_install, log_next, log_stop},
        probe::probe,
        remote::RemoteEngine,
        render::render,
        serve::serve_grpc,
        toml::toml_lines,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
