//! What the fan-out's thread, its viewers and its owner see of each other.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
};
use std::time::{Duration, Instant};

use air_ts::{Check, Severity};

use crate::fanout::SlowPolicy;
use crate::inspection::Inspection;
use crate::pulled::PulledViewer;
use crate::ring::Ring;

#[derive(Debug)]
pub(crate) struct Shared {
    pub slow: SlowPolicy,
    /// Written by the fan-out's thread, and only for as long as a block takes to move.
    ring: RwLock<Ring>,
    pub inspection: Mutex<Inspection>,
    pub pulled: Mutex<Vec<Weak<PulledViewer>>>,
    pub counts: Counts,
    pub closing: AtomicBool,
    begun: (Mutex<bool>, Condvar),
}

/// Of the whole life of a fan-out.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub sockets: AtomicUsize,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub skips: AtomicU64,
    pub slow_closed: AtomicU64,
}

/// A fan-out at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Viewers that are there.
    pub viewers: usize,
    /// Bytes that came from engines, in whole packets.
    pub bytes_in: u64,
    /// Bytes that went to all viewers, heads included.
    pub bytes_out: u64,
    /// Of the stream, over the last second.
    pub bitrate_bps: u64,
    /// Times a viewer that had fallen behind was moved to a later entry point.
    pub skips: u64,
    /// Viewers closed because they had fallen behind.
    pub slow_closed: u64,
    /// How often each check of the judge's house profile found something.
    pub findings: Vec<(Check, Severity, u64)>,
}

/// What one viewer has had.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub bytes_sent: AtomicU64,
    pub skips: AtomicU64,
    pub closed: AtomicBool,
}

impl Shared {
    pub fn new(slow: SlowPolicy, ring: Ring) -> Arc<Self> {
        Arc::new(Self {
            slow,
            ring: RwLock::new(ring),
            inspection: Mutex::new(Inspection::new()),
            pulled: Mutex::default(),
            counts: Counts::default(),
            closing: AtomicBool::new(false),
            begun: Default::default(),
        })
    }

    /// To read; by any number at once.
    pub fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change; by the fan-out's thread.
    pub fn ring_mut(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// The pulled viewers that are there; the others are forgotten.
    pub fn pulled_viewers(&self) -> Vec<Arc<PulledViewer>> {
        let mut there = Vec::new();
        lock(&self.pulled).retain(|viewer| {
            let viewer = viewer.upgrade().filter(|viewer| !viewer.is_closed());
            let is_there = viewer.is_some();
            there.extend(viewer);
            is_there
        });
        there
    }

    pub fn stats(&self, now: Instant) -> Stats {
        let findings = lock(&self.inspection).counts();
        let bitrate_bps = self.ring().bitrate_bps(now);
        Stats {
            viewers: self.counts.sockets.load(Relaxed) + self.pulled_viewers().len(),
            bytes_in: self.counts.bytes_in.load(Relaxed),
            bytes_out: self.counts.bytes_out.load(Relaxed),
            bitrate_bps,
            skips: self.counts.skips.load(Relaxed),
            slow_closed: self.counts.slow_closed.load(Relaxed),
            findings: findings
                .into_iter()
                .map(|(check, (severity, count))| (check, severity, count))
                .collect(),
        }
    }

    /// The first bytes are there, or none will come.
    pub fn announce_begin(&self) {
        *lock(&self.begun.0) = true;
        self.begun.1.notify_all();
    }

    /// Waits, no longer than `at_most`, for the first bytes; whether they have come.
    pub fn wait_for_begin(&self, at_most: Duration) -> bool {
        let begun = lock(&self.begun.0);
        let waited = self.begun.1.wait_timeout_while(begun, at_most, |begun| !*begun);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.counts.bytes_in.load(Relaxed) > 0
    }

    /// A viewer has fallen behind; whether it stays.
    pub fn count_slow(&self, tally: &Tally) -> bool {
        match self.slow {
            SlowPolicy::Skip => {
                self.counts.skips.fetch_add(1, Relaxed);
                tally.skips.fetch_add(1, Relaxed);
            }
            SlowPolicy::Close => _ = self.counts.slow_closed.fetch_add(1, Relaxed),
        }
        self.slow == SlowPolicy::Skip
    }

    pub fn count_sent(&self, tally: &Tally, bytes: usize) {
        self.counts.bytes_out.fetch_add(bytes as u64, Relaxed);
        tally.bytes_sent.fetch_add(bytes as u64, Relaxed);
    }
}

/// Whoever panicked holding it left a whole value behind: all of them are replaced, not edited.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
