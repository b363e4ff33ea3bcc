//! The fan-out as its owner has it.

#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::SocketType;

use crate::bell::Bell;
use crate::endpoint::Endpoint;
use crate::event_loop::EventLoop;
use crate::pulled::PulledViewer;
use crate::ring::{Bounds, Ring};
use crate::shared::{Shared, Stats, lock};
use crate::socket::{Connection, SocketViewer};

/// What becomes of a viewer that needs what the ring no longer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowPolicy {
    /// It goes on at the latest entry point, once it takes bytes again.
    #[default]
    Skip,
    /// Its connection ends.
    Close,
}

/// How a fan-out is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its thread is `<name>-fanout`, of which Linux shows 15 bytes. No NUL.
    pub name: String,
    /// For viewers that fall behind.
    pub slow: SlowPolicy,
    /// Bytes of stream kept at most.
    pub ring_bytes: usize,
    /// Time of stream kept at most.
    pub ring_age: Duration,
}

impl Default for Config {
    /// Ten seconds, in 16 MiB at most: a viewer's network may stumble for as long.
    fn default() -> Self {
        Self {
            name: "air".into(),
            slow: SlowPolicy::Skip,
            ring_bytes: 16 << 20,
            ring_age: Duration::from_secs(10),
        }
    }
}

/// See the [crate]. Dropping it closes it.
#[derive(Debug)]
pub struct Fanout {
    shared: Arc<Shared>,
    endpoint: PathBuf,
    running: Mutex<Option<Running>>,
}

/// What a fan-out has until it is closed.
#[derive(Debug)]
struct Running {
    thread: JoinHandle<()>,
    /// Has the thread look for what is new: a viewer, or its end.
    bell: Arc<Bell>,
    joining: Sender<Connection>,
}

impl Fanout {
    /// Listens, and starts the thread. Errors are the system's: no descriptors, no directory for temporary files.
    pub fn new(config: Config) -> io::Result<Self> {
        let bounds = Bounds { bytes: config.ring_bytes, age: config.ring_age };
        let shared = Shared::new(config.slow, Ring::new(bounds));
        let (bell, endpoint) = (Arc::new(Bell::new()?), Endpoint::new()?);
        let path = endpoint.path().to_owned();
        let (joining, joined) = channel();
        let event_loop = EventLoop::new(shared.clone(), bell.clone(), joined, endpoint)?;
        let ends = Ends(shared.clone());
        let work = move || {
            let _ends = ends;
            // An error of the system's reads as what it is to everybody else: the end of the stream.
            let _ = event_loop.run();
        };
        let thread = Builder::new().name(format!("{}-fanout", config.name)).spawn(work)?;
        Ok(Self { shared, endpoint: path, running: Some(Running { thread, bell, joining }).into() })
    }

    /// The path on which an engine may connect, one at a time.
    pub fn endpoint(&self) -> &Path {
        &self.endpoint
    }

    /// A viewer whose batches the host takes. Fails when closed, or without descriptors.
    pub fn viewer(&self) -> io::Result<Arc<PulledViewer>> {
        self.check_open()?;
        PulledViewer::join(&self.shared)
    }

    /// Writes the stream to a connected stream socket, after `head`. The descriptor is duplicated; when the viewer is
    /// over the socket is shut down, so whoever else holds it sees the end. Nothing else may write to it until then,
    /// and what the peer sends is not read. Fails when closed, on what is no stream socket, or without descriptors.
    pub fn hand_over(&self, socket: impl AsFd, head: Vec<u8>) -> io::Result<SocketViewer> {
        self.check_open()?;
        if rustix::net::sockopt::socket_type(&socket)? != SocketType::STREAM {
            return Err(rustix::io::Errno::PROTOTYPE.into());
        }
        let socket = socket.as_fd().try_clone_to_owned()?;
        // A connection that is made is one that ends with a shutdown: before, the socket is still all the host's.
        let running = lock(&self.running);
        let Running { joining, bell, .. } = running.as_ref().ok_or_else(closed)?;
        let connection = Connection::new(socket, &self.shared.ring(), head);
        let viewer = connection.viewer();
        joining.send(connection).map_err(|_| closed())?;
        bell.ring();
        Ok(viewer)
    }

    /// How things stand.
    pub fn stats(&self) -> Stats {
        self.shared.stats(Instant::now())
    }

    /// Waits, no longer than `at_most`, for the stream's first bytes; whether they have come. Closing ends the wait.
    pub fn wait_for_begin(&self, at_most: Duration) -> bool {
        self.shared.wait_for_begin(at_most)
    }

    /// It was closed, or its thread could not go on.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closing()
    }

    /// Ends everything: viewers, the engine's connection, the socket's path, the thread. From any thread, within
    /// milliseconds; returns when all is gone, also to a second caller.
    pub fn close(&self) {
        self.shared.closing.store(true, Relaxed);
        // Held while waiting, so that a second caller waits too.
        let mut running = lock(&self.running);
        if let Some(Running { thread, bell, .. }) = running.take() {
            bell.ring();
            // A panic of the thread has ended everything as well.
            let _ = thread.join();
        }
    }

    fn check_open(&self) -> io::Result<()> {
        if self.is_closed() { Err(closed()) } else { Ok(()) }
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the fan-out is closed")
}

/// However the thread ends, by a panic too, whoever waits is told.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.closing.store(true, Relaxed);
        self.0.announce_begin();
        for viewer in lock(&self.0.pulled).drain(..).filter_map(|viewer| viewer.upgrade()) {
            viewer.close();
        }
    }
}
