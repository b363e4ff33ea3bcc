//! The gRPC connection to an engine in another process, over one socket that is connected already.

use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::engine::SIGNAL_INTERVAL;

/// How long the connection's thread may take to let go of it.
const RELEASED_WITHIN: Duration = Duration::from_millis(100);

/// Why a call has no reply.
pub enum NoReply {
    /// The other end is gone.
    Gone,
    /// There was none in time.
    Late,
    /// The other end could not even refuse; it says why.
    Failed(String),
    /// The host has a signal to see to.
    Interrupted(PyErr),
}

/// A connection, and the thread that serves it.
pub struct Link {
    /// What calls are made on.
    pub channel: Channel,
    socket: UnixStream,
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
}

impl Link {
    /// A connection over `socket`. Says nothing yet.
    ///
    /// # Errors
    /// No thread, no more descriptors.
    pub fn new(socket: UnixStream) -> io::Result<Link> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("air-link").enable_all().build()?;
        let ours = socket.try_clone()?;
        ours.set_nonblocking(true)?;
        let mut ours = Some(ours);
        let connect = service_fn(move |_| {
            let socket = ours.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
            std::future::ready(socket.and_then(tokio::net::UnixStream::from_std).map(TokioIo::new))
        });
        let handle = runtime.handle().clone();
        let channel = {
            let _context = handle.enter();
            Endpoint::from_static("http://engine").connect_with_connector_lazy(connect)
        };
        Ok(Link { channel, socket, handle, runtime: Mutex::new(Some(runtime)) })
    }

    /// What `call` is answered, within `patience`; the GIL is released meanwhile.
    pub fn ask<T: Send + 'static>(
        &self,
        py: Python<'_>,
        patience: Duration,
        call: impl Future<Output = Result<T, tonic::Status>> + Send + 'static,
    ) -> Result<T, NoReply> {
        let (answer, answered) = sync_channel(1);
        self.handle.spawn(async move { answer.send(timeout(patience, call).await) });
        py.detach(move || {
            loop {
                match answered.recv_timeout(SIGNAL_INTERVAL) {
                    Ok(Ok(Ok(reply))) => return Ok(reply),
                    Ok(Ok(Err(status))) => return Err(status.into()),
                    Ok(Err(_)) => return Err(NoReply::Late),
                    Err(RecvTimeoutError::Disconnected) => return Err(NoReply::Gone),
                    Err(RecvTimeoutError::Timeout) => {
                        Python::attach(|py| py.check_signals()).map_err(NoReply::Interrupted)?;
                    }
                }
            }
        })
    }

    /// Runs `task` for as long as the connection lives.
    pub fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }

    /// Closes the connection for both ends; waits for nothing.
    pub fn hang_up(&self) {
        let _ = self.socket.shutdown(Shutdown::Both); // The other end may have been first.
    }

    /// Closes the connection and waits until nothing of it is left.
    pub fn close(&self) {
        self.hang_up();
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(RELEASED_WITHIN);
        }
    }
}

impl From<tonic::Status> for NoReply {
    /// What breaks a connection comes with its cause; what the other end says does not.
    fn from(status: tonic::Status) -> NoReply {
        match std::error::Error::source(&status) {
            Some(_) => NoReply::Gone,
            None => NoReply::Failed(status.message().to_owned()),
        }
    }
}
