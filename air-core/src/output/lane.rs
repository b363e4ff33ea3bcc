//! The lane: a thread that turns program frames into bursts of packets for the writer.
//!
//! Offering never waits. When the encoder falls behind, the picture of a tick is replaced by the one before,
//! which costs little to encode, and only then left out; its sound never is (L-29). When the *reader* falls
//! behind, whole ticks are left out before they become packets, and the first after them is an IDR.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use air_av::Picture;

use super::fifo::{Burst, Fifo};
use super::packer::{PackError, Packer};
use crate::frame::ProgramFrame;
use crate::time::Nanos;

/// Frames waiting at which pictures are held: about the mux delay at 30 frames per second.
const HOLD_AT: usize = 8;
/// Frames waiting at which pictures are left out.
const LEAVE_OUT_AT: usize = 4 * HOLD_AT;

/// Packets that depart within this span leave together: a fifth of what arrival may differ from the PCR by.
const BURST: Duration = Duration::from_millis(2);

/// The thread and its queue.
pub struct Lane {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    pictures_dropped: AtomicU64,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<(ProgramFrame, Shown)>,
    stopping: bool,
    finished: bool,
}

/// What becomes of a tick's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Itself,
    /// The one before, again.
    Held,
    Nothing,
}

impl Lane {
    /// Starts the thread `name`, which packs into `fifo`; `on_lost` is called on it, once, if it cannot go on.
    pub fn start(
        name: &str,
        packer: Packer,
        fifo: Fifo,
        on_lost: impl FnOnce(String) + Send + 'static,
    ) -> std::io::Result<Lane> {
        let queue = Mutex::new(Queue::default());
        let shared = Arc::new(Shared { queue, changed: Condvar::new(), pictures_dropped: AtomicU64::new(0) });
        let theirs = Arc::clone(&shared);
        let work = move || {
            if let Err(error) = theirs.work(packer, &fifo) {
                on_lost(error.to_string());
            }
            theirs.change(|queue| queue.finished = true);
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Lane { shared, thread: Some(thread) })
    }

    /// Queues the frame of one tick.
    pub fn offer(&self, frame: ProgramFrame) {
        self.shared.change(|queue| {
            let shown = match queue.frames.len() {
                0..HOLD_AT => Shown::Itself,
                HOLD_AT..LEAVE_OUT_AT => Shown::Held,
                _ => Shown::Nothing,
            };
            queue.frames.push_back((frame, shown));
        });
    }

    /// Pictures held or left out so far.
    pub fn pictures_dropped(&self) -> u64 {
        self.shared.pictures_dropped.load(Ordering::Relaxed)
    }

    /// Asks the thread to end after the frame in hand.
    pub fn stop(&self) {
        self.shared.change(|queue| queue.stopping = true);
    }

    /// Waits, no longer than `at_most`, for the thread to end; whether it has.
    pub fn wait_stopped(&mut self, at_most: Duration) -> bool {
        let waiting = |queue: &mut Queue| !queue.finished;
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), at_most, waiting);
        let finished = waited.unwrap_or_else(PoisonError::into_inner).0.finished;
        if let Some(thread) = self.thread.take_if(|_| finished) {
            // It has nothing left to do but return.
            let _ = thread.join();
        }
        finished
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The next frame, waited for; `None` once the lane is to stop.
    fn next(&self) -> Option<(ProgramFrame, Shown)> {
        let idle = |queue: &mut Queue| queue.frames.is_empty() && !queue.stopping;
        let mut queue = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if queue.stopping { None } else { queue.frames.pop_front() }
    }

    fn work(&self, mut packer: Packer, fifo: &Fifo) -> Result<(), PackError> {
        let mut held: Option<Picture> = None;
        while let Some((frame, shown)) = self.next() {
            let mut bursts = Bursts::new(fifo);
            let has_room = fifo.has_room();
            if has_room {
                if shown == Shown::Itself || held.is_none() {
                    held = Some(frame.picture.clone());
                }
                let picture = held.as_ref().filter(|_| shown != Shown::Nothing);
                packer.pack(&frame, picture, &mut |departs, packet| bursts.add(departs, packet))?;
            } else {
                packer.leave_out(&frame, &mut |departs, packet| bursts.add(departs, packet))?;
            }
            if shown != Shown::Itself || !has_room {
                self.pictures_dropped.fetch_add(1, Ordering::Relaxed);
            }
            bursts.finish();
        }
        Ok(())
    }
}

/// Gathers packets that depart at nearly the same time.
struct Bursts<'a> {
    fifo: &'a Fifo,
    burst: Burst,
}

impl Bursts<'_> {
    fn new(fifo: &Fifo) -> Bursts<'_> {
        Bursts { fifo, burst: Burst { departs: Nanos::default(), bytes: fifo.buffer() } }
    }

    fn add(&mut self, departs: Nanos, packet: &[u8; 188]) {
        if !self.burst.bytes.is_empty() && departs.since(self.burst.departs) >= BURST {
            self.send();
        }
        if self.burst.bytes.is_empty() {
            self.burst.departs = departs;
        }
        self.burst.bytes.extend_from_slice(packet);
    }

    fn send(&mut self) {
        let next = Burst { departs: Nanos::default(), bytes: self.fifo.buffer() };
        self.fifo.push(std::mem::replace(&mut self.burst, next));
    }

    fn finish(mut self) {
        if !self.burst.bytes.is_empty() {
            self.send();
        }
    }
}
