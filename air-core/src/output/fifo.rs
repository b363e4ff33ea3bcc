//! The queue between the lane, which makes packets, and the writer, which sends them.
//!
//! Pushing never waits. The bound is kept by the lane: it asks [`Fifo::is_over`] before it turns an
//! access unit into packets and drops the whole unit otherwise, so that no packet is ever lost and
//! continuity counters stay legal. A prompt reader keeps the queue empty; it delays nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::time::{Bell, Nanos};

/// Most buffers kept for reuse: more than are ever under way while the reader is prompt.
const SPARE_BUFFERS: usize = 64;

/// Whole transport-stream packets that leave together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    /// When, on the master clock; never earlier than that of the burst before.
    pub departs: Nanos,
    /// A multiple of 188 bytes.
    pub bytes: Vec<u8>,
}

/// How much may wait for a slow reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// From the departure of the oldest burst to that of the newest.
    pub media: Duration,
    /// Bytes in all bursts.
    pub bytes: usize,
}

impl Bound {
    /// What a reader may fall behind unless configured otherwise: a slow start of 2 s (L-02) and as much again.
    pub const DEFAULT_MEDIA: Duration = Duration::from_secs(5);

    /// `media` of a stream of `bits_per_second`, and twice its bytes: peaks are above the mean.
    pub fn new(media: Duration, bits_per_second: u64) -> Bound {
        let bytes = u128::from(bits_per_second) / 8 * media.as_millis() / 1000 * 2;
        Bound { media, bytes: usize::try_from(bytes).unwrap_or(usize::MAX) }
    }
}

/// What is waiting now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// From the departure of the oldest burst to that of the newest.
    pub media: Duration,
    /// Bytes in all bursts.
    pub bytes: usize,
}

/// Both ends of the queue; clones share it.
#[derive(Clone, Debug)]
pub struct Fifo {
    shared: Arc<Mutex<Queue>>,
    bound: Bound,
    bell: Bell,
}

#[derive(Debug, Default)]
struct Queue {
    bursts: VecDeque<Burst>,
    bytes: usize,
    over: bool,
    spare: Vec<Vec<u8>>,
}

impl Queue {
    fn depth(&self) -> Depth {
        let ends = self.bursts.front().zip(self.bursts.back());
        let media = ends.map_or(Duration::ZERO, |(oldest, newest)| newest.departs.since(oldest.departs));
        Depth { media, bytes: self.bytes }
    }

    /// Over from the bound on, until half of it: one long loss and one IDR, not a loss per picture.
    fn judge(&mut self, bound: Bound) {
        let depth = self.depth();
        let share = if self.over { 2 } else { 1 };
        self.over = depth.media >= bound.media / share || depth.bytes >= bound.bytes / share as usize;
    }
}

impl Fifo {
    /// An empty queue.
    pub fn new(bound: Bound) -> Fifo {
        Fifo { shared: Arc::default(), bound, bell: Bell::new() }
    }

    /// Adds a burst behind all others. Never waits and never refuses.
    pub fn push(&self, burst: Burst) {
        let mut queue = self.lock();
        let was_empty = queue.bursts.is_empty();
        queue.bytes += burst.bytes.len();
        queue.bursts.push_back(burst);
        queue.judge(self.bound);
        drop(queue);
        // A writer with something to wait for has its deadline already.
        if was_empty {
            self.bell.ring();
        }
    }

    /// Whether the bound was reached and the queue has not drained to half of it since.
    pub fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Whether so much waits, four times the bound, that nothing at all may be added.
    pub fn is_full(&self) -> bool {
        let depth = self.depth();
        depth.media >= self.bound.media * 4 || depth.bytes >= self.bound.bytes.saturating_mul(4)
    }

    /// What is waiting.
    pub fn depth(&self) -> Depth {
        self.lock().depth()
    }

    /// An empty buffer for the next burst, one that has been sent if there is any.
    pub fn buffer(&self) -> Vec<u8> {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// Rung when there is something to wait for; stopping it ends the writer.
    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// When the oldest burst departs; [`Nanos::NEVER`] if there is none.
    pub(super) fn next_departure(&self) -> Nanos {
        self.lock().bursts.front().map_or(Nanos::NEVER, |burst| burst.departs)
    }

    /// Moves the bursts due at `now`, in order, onto the end of `batch` until it holds `enough` bytes.
    pub(super) fn take_due(&self, now: Nanos, enough: usize, batch: &mut Vec<u8>) {
        let mut queue = self.lock();
        while batch.len() < enough {
            let Some(mut burst) = queue.bursts.pop_front_if(|burst| burst.departs <= now) else { break };
            queue.bytes -= burst.bytes.len();
            batch.append(&mut burst.bytes);
            if queue.spare.len() < SPARE_BUFFERS {
                queue.spare.push(burst.bytes);
            }
        }
        queue.judge(self.bound);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One burst of one packet, a number in its last byte.
    fn burst(departs_ms: u64, number: u8) -> Burst {
        let mut bytes = vec![0; 187];
        bytes.push(number);
        Burst { departs: Nanos(departs_ms * 1_000_000), bytes }
    }

    fn take(fifo: &Fifo, now_ms: u64, enough: usize) -> Vec<u8> {
        let mut batch = Vec::new();
        fifo.take_due(Nanos(now_ms * 1_000_000), enough, &mut batch);
        batch.chunks(188).map(|packet| packet[187]).collect()
    }

    fn five_seconds() -> Fifo {
        Fifo::new(Bound { media: Bound::DEFAULT_MEDIA, bytes: usize::MAX })
    }

    /// OT-1: what is due comes out once, in order, and nothing that is not due.
    #[test]
    fn only_what_is_due_is_taken() {
        let fifo = five_seconds();
        for number in 0..4 {
            fifo.push(burst(10 * u64::from(number), number));
        }
        assert_eq!(take(&fifo, 20, usize::MAX), [0, 1, 2]);
        assert_eq!(take(&fifo, 29, usize::MAX), [0; 0]);
        assert_eq!(fifo.next_departure(), Nanos(30_000_000));
        assert_eq!(take(&fifo, 30, usize::MAX), [3]);
        assert_eq!((fifo.next_departure(), fifo.depth()), (Nanos::NEVER, Depth::default()));
    }

    #[test]
    fn a_batch_stops_growing_once_it_is_large_enough() {
        let fifo = five_seconds();
        (0..5).for_each(|number| fifo.push(burst(0, number)));
        assert_eq!(take(&fifo, 0, 300), [0, 1]);
        assert_eq!(take(&fifo, 0, usize::MAX), [2, 3, 4]);
    }

    /// R-25, L-42: over at five seconds, usable again at half of it, and no burst is lost on the way.
    #[test]
    fn the_bound_in_media_time_has_hysteresis() {
        let fifo = five_seconds();
        for number in 0..=50 {
            assert!(!fifo.is_over(), "at {number}");
            fifo.push(burst(100 * u64::from(number), number));
        }
        assert_eq!(fifo.depth(), Depth { media: Duration::from_secs(5), bytes: 51 * 188 });
        assert!(fifo.is_over());
        assert_eq!(take(&fifo, 2_500, usize::MAX).len(), 26);
        assert!(!fifo.is_over() && !fifo.is_full());
        assert_eq!(take(&fifo, 5_000, usize::MAX).last(), Some(&50));
    }

    #[test]
    fn over_lasts_until_half_of_the_bound() {
        let fifo = five_seconds();
        (0..=50).for_each(|number| fifo.push(burst(100 * u64::from(number), number)));
        take(&fifo, 2_300, usize::MAX);
        assert!(fifo.is_over(), "2.6 s are left");
    }

    #[test]
    fn the_bound_in_bytes_holds_when_departures_do_not_spread() {
        let bound = Bound::new(Duration::from_secs(1), 8 * 188);
        assert_eq!(bound.bytes, 2 * 188);
        let fifo = Fifo::new(bound);
        fifo.push(burst(0, 0));
        assert!(!fifo.is_over() && !fifo.is_full());
        fifo.push(burst(0, 1));
        assert!(fifo.is_over());
    }

    #[test]
    fn a_sent_buffer_is_used_again() {
        let fifo = five_seconds();
        assert_eq!(fifo.buffer().capacity(), 0);
        fifo.push(burst(0, 0));
        take(&fifo, 0, usize::MAX);
        let buffer = fifo.buffer();
        assert!(buffer.is_empty() && buffer.capacity() >= 188);
    }
}
