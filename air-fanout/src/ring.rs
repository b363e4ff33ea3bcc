//! The last seconds of the stream, in shared blocks at absolute positions.
//!
//! A position is a number of bytes from the first byte of the fan-out's life; every block begins and ends between
//! two packets. The ring knows where a viewer can begin, and nothing of viewers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is kept at most. Whichever is reached first counts; the newest block always stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub bytes: usize,
    pub age: Duration,
}

/// Where a viewer can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The first packet to send from the ring.
    pub position: u64,
    /// Copies of PAT and PMT to send before it, when the stream's own are too far away.
    pub tables: Option<Arc<[u8]>>,
}

#[derive(Debug)]
struct Block {
    start: u64,
    bytes: Arc<[u8]>,
    arrived: Instant,
}

#[derive(Debug)]
pub(crate) struct Ring {
    bounds: Bounds,
    blocks: VecDeque<Block>,
    bytes: usize,
    end: u64,
    begun: u64,
    entry: Option<Entry>,
    media_pids: Vec<u16>,
}

impl Ring {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            blocks: VecDeque::new(),
            bytes: 0,
            end: 0,
            begun: 0,
            entry: None,
            media_pids: Vec::new(),
        }
    }

    /// The first position that is still here.
    pub fn start(&self) -> u64 {
        self.end - self.bytes as u64
    }

    /// The position of the next byte to come.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Adds whole packets, and lets go of what is beyond the bounds.
    pub fn push(&mut self, bytes: Arc<[u8]>, now: Instant) {
        let (start, length) = (self.end, bytes.len());
        self.blocks.push_back(Block { start, bytes, arrived: now });
        self.end += length as u64;
        self.bytes += length;
        while self.blocks.len() > 1 && self.is_beyond_bounds(now) {
            self.bytes -= self.blocks.pop_front().map_or(0, |block| block.bytes.len());
        }
    }

    fn is_beyond_bounds(&self, now: Instant) -> bool {
        let oldest = self.blocks.front().map(|block| now.saturating_duration_since(block.arrived));
        self.bytes > self.bounds.bytes || oldest > Some(self.bounds.age)
    }

    /// Another engine's stream begins with the next byte: who joins now shall see that one only.
    pub fn begin(&mut self) {
        self.begun = self.end;
        self.entry = None;
    }

    /// Where the latest engine's stream began.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Where viewers begin from now on.
    pub fn set_entry(&mut self, entry: Entry) {
        self.entry = Some(entry);
    }

    /// The latest entry point, if it is still here.
    pub fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref().filter(|entry| entry.position >= self.start())
    }

    /// The PIDs of the programme's streams; none until its tables have come.
    pub fn media_pids(&self) -> &[u16] {
        &self.media_pids
    }

    pub fn set_media_pids(&mut self, pids: &[u16]) {
        if self.media_pids != pids {
            self.media_pids = pids.to_vec();
        }
    }

    /// What there is from `position` on, block by block; nothing when the position has left the ring.
    pub fn from(&self, position: u64) -> impl Iterator<Item = &[u8]> {
        let first = match position >= self.start() {
            // a viewer that keeps up is at the end, and the ring holds thousands of blocks
            true => self.blocks.partition_point(|block| block.start + block.bytes.len() as u64 <= position),
            false => self.blocks.len(),
        };
        self.blocks
            .range(first..)
            .map(move |block| &block.bytes[position.saturating_sub(block.start) as usize..])
    }

    /// Bits per second that came within the second before `now`.
    pub fn bitrate_bps(&self, now: Instant) -> u64 {
        let second = Duration::from_secs(1);
        let recent = self
            .blocks
            .iter()
            .rev()
            .take_while(|block| now.saturating_duration_since(block.arrived) < second);
        recent.map(|block| block.bytes.len() as u64 * 8).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(bytes: usize, age_ms: u64) -> Ring {
        Ring::new(Bounds { bytes, age: Duration::from_millis(age_ms) })
    }

    fn all(ring: &Ring, position: u64) -> Vec<u8> {
        ring.from(position).flatten().copied().collect()
    }

    #[test]
    fn what_is_beyond_the_bounds_in_bytes_or_time_is_gone() {
        let now = Instant::now();
        let mut ring = ring(300, 1000);
        ring.push(Arc::from([1; 188]), now);
        ring.push(Arc::from([2; 188]), now);
        assert_eq!((ring.start(), ring.end()), (188, 376), "188 + 188 > 300");
        assert_eq!(all(&ring, 0), [0; 0], "left the ring");
        assert_eq!(all(&ring, 188), [2; 188]);
        ring.push(Arc::from([3; 100]), now + Duration::from_millis(1001));
        assert_eq!((ring.start(), all(&ring, 376)), (376, vec![3; 100]));
    }

    #[test]
    fn an_entry_point_that_left_the_ring_is_none() {
        let mut ring = ring(200, 1000);
        ring.set_entry(Entry { position: 0, tables: None });
        ring.push(Arc::from([1; 188]), Instant::now());
        assert!(ring.entry().is_some());
        ring.push(Arc::from([1; 188]), Instant::now());
        assert_eq!(ring.entry(), None);
    }

    #[test]
    fn the_bitrate_is_of_the_last_second_only() {
        let now = Instant::now();
        let mut ring = ring(10_000, 10_000);
        ring.push(Arc::from([0; 1000]), now);
        ring.push(Arc::from([0; 500]), now + Duration::from_millis(700));
        assert_eq!(ring.bitrate_bps(now + Duration::from_millis(800)), 12_000);
        assert_eq!(ring.bitrate_bps(now + Duration::from_millis(1500)), 4000);
        assert_eq!(ring.bitrate_bps(now + Duration::from_millis(2500)), 0);
    }
}
