//! A shared vector: what tests look at, and hosts that want the bytes without a socket.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Closer, Transport};

/// A transport that keeps what is written to it.
#[derive(Debug)]
pub struct Memory {
    written: Capture,
}

/// The reading side of a [`Memory`]: every byte written so far.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    shared: Arc<Mutex<Written>>,
}

#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    closed: bool,
}

impl Memory {
    /// An empty transport and the view of it.
    pub fn new() -> (Memory, Capture) {
        let capture = Capture::default();
        (Memory { written: capture.clone() }, capture)
    }
}

impl Capture {
    /// A copy of all bytes written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// Takes the bytes written since the last take.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().bytes)
    }

    /// Goes away as a reader does: the next write fails.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock();
        if written.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        written.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn closer(&self) -> Closer {
        let capture = self.written.clone();
        Closer::new(move || capture.close())
    }
}
