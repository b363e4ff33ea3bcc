//! A viewer whose batches a thread of the host takes.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bell::Bell;
use crate::cursor::Cursor;
use crate::shared::{Shared, Tally, lock};

/// A multiple of 188: what one batch holds at most.
const BATCH_BYTES: usize = 188 * 1024;

/// See the [module](self). Dropping it is leaving.
#[derive(Debug)]
pub struct PulledViewer {
    shared: Arc<Shared>,
    cursor: Mutex<Cursor>,
    bell: Bell,
    /// Somebody waits for the bell.
    waits: AtomicBool,
    tally: Tally,
}

/// What [`PulledViewer::take`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Whole packets, at most 188 KiB.
    Batch(Vec<u8>),
    /// Not now: wait until [`PulledViewer::bell`] is readable, or in [`PulledViewer::wait`].
    Nothing,
    /// Nor ever: the viewer or the fan-out is closed.
    End,
}

impl PulledViewer {
    pub(crate) fn join(shared: &Arc<Shared>) -> std::io::Result<Arc<Self>> {
        let cursor = Cursor::new(&shared.ring(), Vec::new());
        let viewer = Arc::new(Self {
            shared: shared.clone(),
            cursor: Mutex::new(cursor),
            bell: Bell::new()?,
            waits: AtomicBool::new(false),
            tally: Tally::default(),
        });
        lock(&shared.pulled).push(Arc::downgrade(&viewer));
        Ok(viewer)
    }

    /// Takes what there is. From any thread, never waits.
    pub fn take(&self) -> Taken {
        // Before looking, so that what comes after the look rings.
        self.bell.silence();
        self.waits.store(true, Ordering::SeqCst);
        if self.is_closed() || self.shared.is_closing() {
            return Taken::End;
        }
        let ring = self.shared.ring();
        let mut cursor = lock(&self.cursor);
        if cursor.is_behind(&ring) {
            if !self.shared.count_slow(&self.tally) {
                self.close();
                return Taken::End;
            }
            cursor.skip(&ring);
        }
        cursor.settle(&ring);
        let mut batch = Vec::new();
        for slice in cursor.slices(&ring) {
            batch.extend_from_slice(&slice[..slice.len().min(BATCH_BYTES - batch.len())]);
        }
        cursor.advance(&ring, batch.len());
        if batch.is_empty() {
            return Taken::Nothing;
        }
        self.waits.store(false, Ordering::SeqCst);
        self.shared.count_sent(&self.tally, batch.len());
        Taken::Batch(batch)
    }

    /// Waits, no longer than `at_most`, until there may be something to take.
    pub fn wait(&self, at_most: Duration) {
        self.bell.wait(at_most);
    }

    /// Readable when there may be something to take.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Leaves. From any thread, also while another waits; again is fine.
    pub fn close(&self) {
        self.tally.closed.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    /// The viewer has left, or was closed.
    pub fn is_closed(&self) -> bool {
        self.tally.closed.load(Ordering::Relaxed) || self.shared.is_closing()
    }

    /// Bytes taken.
    pub fn bytes_sent(&self) -> u64 {
        self.tally.bytes_sent.load(Ordering::Relaxed)
    }

    /// Times it was moved to a later entry point.
    pub fn skips(&self) -> u64 {
        self.tally.skips.load(Ordering::Relaxed)
    }

    /// There is something new.
    pub(crate) fn wake(&self) {
        if self.waits.swap(false, Ordering::SeqCst) {
            self.bell.ring();
        }
    }
}
