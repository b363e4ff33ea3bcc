//! The writer: sends each burst when it departs, and is the only thread that waits for a reader.
//!
//! Never early, late ones at once; never dropped, doubled or reordered (OT-1). It looks at departure
//! times on the master clock only, not at what the packets hold, and keeps nothing back once it is due.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::fifo::Fifo;
use crate::time::{Clock, Wake};
use crate::transport::{Closer, Transport};

/// What is due goes out in one write, which stops growing here: a reader's usual pipe or socket buffer.
const ENOUGH: usize = 64 * 1024;

/// A write that takes longer is a stall.
const STALL: Duration = Duration::from_millis(100);

/// How long a close that is not forced waits for the write in progress.
const GRACE: Duration = Duration::from_millis(50);

/// What a sink is doing (OB-7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum SinkState {
    /// There is none.
    #[default]
    Idle,
    /// Connected; nothing has been written yet.
    Starting,
    /// Bytes leave on time.
    Running,
    /// The reader is slower than the stream: the queue is growing, or has not drained yet.
    Backpressure,
    /// The reader has gone, or writing failed: nothing more is written.
    Error,
    /// Being closed.
    Stopping,
    /// Closed.
    Stopped,
}

impl SinkState {
    const ALL: [SinkState; 7] = [
        SinkState::Idle,
        SinkState::Starting,
        SinkState::Running,
        SinkState::Backpressure,
        SinkState::Error,
        SinkState::Stopping,
        SinkState::Stopped,
    ];
}

impl fmt::Display for SinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SinkState::Idle => "idle",
            SinkState::Starting => "starting",
            SinkState::Running => "running",
            SinkState::Backpressure => "backpressure",
            SinkState::Error => "error",
            SinkState::Stopping => "stopping",
            SinkState::Stopped => "stopped",
        })
    }
}

/// What a sink has written since it was attached; none of them ever falls.
#[derive(Debug, Default)]
pub struct SinkCounters {
    /// Bytes that the transport took.
    pub bytes_written: AtomicU64,
    /// Writes that the transport took, in whole or in part.
    pub writes: AtomicU64,
    /// Writes that took longer than 100 ms.
    pub stalls: AtomicU64,
}

/// State and counters of one sink, for any thread to read, also after the sink has gone.
#[derive(Debug, Default)]
pub struct SinkStatus {
    state: AtomicU8,
    /// The counters.
    pub counters: SinkCounters,
}

impl SinkStatus {
    /// What the sink is doing.
    pub fn state(&self) -> SinkState {
        SinkState::ALL[usize::from(self.state.load(Ordering::Acquire))]
    }

    fn set(&self, state: SinkState) {
        self.state.store(state as u8, Ordering::Release);
    }
}

/// The writer thread of one sink, and its owner.
#[derive(Debug)]
pub struct Pace {
    thread: Option<JoinHandle<()>>,
    ended: Receiver<()>,
    fifo: Fifo,
    closer: Closer,
    status: Arc<SinkStatus>,
}

impl Pace {
    /// Starts the thread `name` (Linux shows 15 bytes of it), which sends what comes through `fifo`.
    ///
    /// `on_lost` is called once, on that thread, with the reason if writing fails. It must not wait for
    /// the thread: pass the news on and let another close this. Errors: no thread could be had.
    pub fn start(
        name: &str,
        clock: Arc<dyn Clock>,
        fifo: Fifo,
        transport: Box<dyn Transport>,
        on_lost: impl FnOnce(String) + Send + 'static,
    ) -> io::Result<Pace> {
        let status = Arc::<SinkStatus>::default();
        status.set(SinkState::Starting);
        let closer = transport.closer();
        let (alive, ended) = mpsc::channel::<()>();
        let writer = Writer { clock, fifo: fifo.clone(), transport, status: Arc::clone(&status) };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Dropped at the end: that is what `ended` waits for.
            let _alive = alive;
            writer.run(on_lost);
        })?;
        Ok(Pace { thread: Some(thread), ended, fifo, closer, status })
    }

    /// State and counters.
    pub fn status(&self) -> Arc<SinkStatus> {
        Arc::clone(&self.status)
    }

    /// Ends the stream: the reader sees the end, and no byte goes out after this returns. What still
    /// waits in the queue is not sent. `force` says not to grant the write in progress its 50 ms.
    pub fn close(mut self, force: bool) {
        self.end(force);
    }

    fn end(&mut self, force: bool) {
        let Some(thread) = self.thread.take() else { return };
        self.status.set(SinkState::Stopping);
        self.fifo.bell().stop();
        if !force {
            // Both outcomes lead on: ended in time, or cut short.
            let _ = self.ended.recv_timeout(GRACE);
        }
        self.closer.close();
        if thread.join().is_err() {
            tracing::error!("the writer thread panicked");
        }
        self.status.set(SinkState::Stopped);
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.end(true);
    }
}

/// What the thread owns; the transport is freed with it.
struct Writer {
    clock: Arc<dyn Clock>,
    fifo: Fifo,
    transport: Box<dyn Transport>,
    status: Arc<SinkStatus>,
}

impl Writer {
    fn run(mut self, on_lost: impl FnOnce(String)) {
        let Err(error) = self.send_all() else { return };
        if self.fifo.bell().is_stopped() {
            return;
        }
        // The one line about it: nothing is written, retried or logged after the first failure (L-38).
        let bytes_written = self.status.counters.bytes_written.load(Ordering::Relaxed);
        tracing::warn!(%error, bytes_written, "sink lost");
        self.status.set(SinkState::Error);
        on_lost(error.to_string());
    }

    /// Until stopped, or until the transport fails.
    fn send_all(&mut self) -> io::Result<()> {
        let mut batch = Vec::with_capacity(ENOUGH);
        loop {
            match self.clock.wait_until(self.fifo.next_departure(), self.fifo.bell()) {
                Wake::Stopped => return Ok(()),
                Wake::Rung => continue,
                Wake::Deadline => {}
            }
            self.fifo.take_due(self.clock.now(), ENOUGH, &mut batch);
            self.send(&batch)?;
            batch.clear();
        }
    }

    fn send(&mut self, mut rest: &[u8]) -> io::Result<()> {
        let started = self.clock.now();
        let mut stalled = false;
        while !rest.is_empty() {
            let written = match self.transport.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                written => written?,
            };
            rest = &rest[written..];
            self.count(written);
            if !stalled && (written == 0 || self.clock.now().since(started) > STALL) {
                stalled = true;
                self.stall();
            }
        }
        self.settle(stalled);
        Ok(())
    }

    fn count(&self, written: usize) {
        let counters = &self.status.counters;
        counters.bytes_written.fetch_add(written as u64, Ordering::Relaxed);
        counters.writes.fetch_add(u64::from(written > 0), Ordering::Relaxed);
    }

    /// Every stall counts; only the first of a row is news.
    fn stall(&self) {
        self.status.counters.stalls.fetch_add(1, Ordering::Relaxed);
        if self.status.state() != SinkState::Backpressure {
            tracing::warn!(waiting = ?self.fifo.depth(), "the reader does not keep up");
            self.turn(SinkState::Backpressure);
        }
    }

    /// Running once the reader has everything that is due.
    fn settle(&self, stalled: bool) {
        let caught_up = !stalled && self.fifo.next_departure() > self.clock.now();
        match self.status.state() {
            SinkState::Backpressure if caught_up => {
                tracing::info!("the reader has caught up");
                self.turn(SinkState::Running);
            }
            SinkState::Starting => self.turn(SinkState::Running),
            _ => {}
        }
    }

    /// From one working state to another; a close that has begun meanwhile stays what it is.
    fn turn(&self, to: SinkState) {
        let _ = self.status.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
            (now != SinkState::Stopping as u8).then_some(to as u8)
        });
    }
}

#[cfg(test)]
mod tests;
