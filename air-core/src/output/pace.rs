//! The writer: sends each burst when it departs, and is the only thread that waits for a reader.
//!
//! Never early, late ones at once; never dropped, doubled or reordered (OT-1). It looks at departure
//! times on the master clock only, not at what the packets hold, and keeps nothing back once it is due.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::fifo::Fifo;
use super::lane::OnLost;
use super::sink::SinkState;
use crate::episode::{Episode, News};
use crate::time::{Clock, Wake};
use crate::transport::{Closer, Transport};
use crate::worker::Worker;

/// What is due goes out in one write, which stops growing here: a reader's usual pipe or socket buffer.
const ENOUGH: usize = 64 * 1024;

/// A write that takes longer is a stall.
const STALL: Duration = Duration::from_millis(100);

/// How long a close that is not forced waits for the write in progress.
const GRACE: Duration = Duration::from_millis(50);

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

    /// Being closed, unless it is already.
    fn stopping(&self) {
        if self.state() != SinkState::Stopped {
            self.set(SinkState::Stopping);
        }
    }

    fn set(&self, state: SinkState) {
        self.state.store(state as u8, Ordering::Release);
    }
}

/// The writer of one sink, and its owner.
#[derive(Debug)]
pub struct Pace {
    worker: Worker,
    fifo: Fifo,
    closer: Closer,
    status: Arc<SinkStatus>,
}

impl Pace {
    /// Starts the worker `name`, which sends what comes through `fifo`.
    ///
    /// `on_lost` is called on that thread with the reason if writing fails. It must not wait for the thread: pass
    /// the news on and let another close this. Errors: no thread could be had.
    pub fn start(
        name: String,
        clock: Arc<dyn Clock>,
        fifo: Fifo,
        transport: Box<dyn Transport>,
        on_lost: OnLost,
    ) -> io::Result<Pace> {
        let status = Arc::<SinkStatus>::default();
        status.set(SinkState::Starting);
        let closer = transport.closer();
        let writer = Writer {
            clock,
            fifo: fifo.clone(),
            transport,
            status: Arc::clone(&status),
            backpressure: Episode::default(),
        };
        let panicked = Arc::clone(&on_lost);
        let work = move || writer.run(|reason| on_lost(reason));
        let worker = Worker::start(name, work, move || panicked("its writer panicked".into()))?;
        Ok(Pace { worker, fifo, closer, status })
    }

    /// State and counters.
    pub fn status(&self) -> Arc<SinkStatus> {
        Arc::clone(&self.status)
    }

    /// Lets the write in progress end, for 50 ms, and begins no other. What waits in the queue is not sent.
    pub fn finish_write(&mut self) {
        self.status.stopping();
        self.fifo.bell().stop();
        // Both outcomes lead on: ended in time, or cut short.
        self.worker.wait(GRACE);
    }

    /// Ends the stream at once: the reader sees the end, and no byte goes out after this returns.
    pub fn stop(&self) {
        self.status.stopping();
        self.fifo.bell().stop();
        self.closer.close();
    }

    /// Waits, no longer than `at_most`, for the worker to end; whether it has.
    pub fn wait_stopped(&mut self, at_most: Duration) -> bool {
        let stopped = self.worker.wait(at_most);
        if stopped {
            self.status.set(SinkState::Stopped);
        }
        stopped
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the thread owns; the transport is freed with it.
struct Writer {
    clock: Arc<dyn Clock>,
    fifo: Fifo,
    transport: Box<dyn Transport>,
    status: Arc<SinkStatus>,
    backpressure: Episode,
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
    fn stall(&mut self) {
        self.status.counters.stalls.fetch_add(1, Ordering::Relaxed);
        if self.status.state() != SinkState::Backpressure {
            if let Some(News::Begins { untold }) = self.backpressure.note(true, self.clock.now()) {
                let waiting = self.fifo.depth();
                tracing::warn!(
                    ?waiting,
                    untold,
                    "INV-P10-BACKPRESSURE: applied: the reader does not keep up"
                );
            }
            self.turn(SinkState::Backpressure);
        }
    }

    /// Running once the reader has everything that is due.
    fn settle(&mut self, stalled: bool) {
        let caught_up = !stalled && self.fifo.next_departure() > self.clock.now();
        match self.status.state() {
            SinkState::Backpressure if caught_up => {
                if self.backpressure.note(false, self.clock.now()).is_some() {
                    tracing::info!("INV-P10-BACKPRESSURE: released: the reader has caught up");
                }
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
