//! The engine's bytes on their way into the ring: cut into whole packets, looked through for entry points, and marked
//! where another engine has taken over.

use std::sync::Arc;
use std::time::Instant;

use air_ts::packet::{PACKET_SIZE, SYNC_BYTE};

use crate::entry::EntryFinder;
use crate::mark::Marker;
use crate::ring::{Entry, Ring};

/// What has come and is not published yet.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    staged: Vec<u8>,
    finder: EntryFinder,
    /// After another engine took over.
    marker: Option<Marker>,
    /// The entry point of a stream that has just begun is its first byte.
    begins: bool,
}

impl Intake {
    /// Whole packets that wait to be published, in bytes.
    pub fn waiting(&self) -> usize {
        self.staged.len() / PACKET_SIZE * PACKET_SIZE
    }

    /// Takes bytes as they come, cut anywhere.
    pub fn take(&mut self, bytes: &[u8]) {
        self.staged.extend_from_slice(bytes);
    }

    /// Another engine's stream begins; what the one before left half done is dropped.
    pub fn begin(&mut self, ring: &mut Ring, now: Instant) {
        self.publish(ring, now);
        self.staged.clear();
        self.finder = EntryFinder::default();
        self.marker = (ring.end() > 0).then(Marker::new);
        self.begins = true;
        ring.begin();
    }

    /// Moves the whole packets into the ring; what was moved.
    pub fn publish(&mut self, ring: &mut Ring, now: Instant) -> Option<Arc<[u8]>> {
        let length = self.aligned();
        if length == 0 {
            return None;
        }
        let packets = &mut self.staged[..length];
        self.marker.take_if(|marker| !marker.mark(packets) || marker.has_marked(self.finder.media_pids()));
        if std::mem::take(&mut self.begins) {
            ring.set_entry(Entry { position: ring.end(), tables: None });
        }
        for (packet, position) in packets.as_chunks().0.iter().zip((ring.end()..).step_by(PACKET_SIZE)) {
            if let Some(entry) = self.finder.take(position, packet) {
                ring.set_entry(entry);
            }
        }
        ring.set_media_pids(self.finder.media_pids());
        let block: Arc<[u8]> = Arc::from(&*packets);
        self.staged.drain(..length);
        ring.push(block.clone(), now);
        Some(block)
    }

    /// Bytes of the whole packets at the front, after what is none was dropped. An engine's stream begins with a
    /// packet and stays in step; this is for whatever else may connect.
    fn aligned(&mut self) -> usize {
        let is_packet = |bytes: &[u8]| bytes[0] == SYNC_BYTE;
        if !self.staged.chunks_exact(PACKET_SIZE).all(is_packet) {
            let mut kept = Vec::with_capacity(self.staged.len());
            let mut rest = &self.staged[..];
            while rest.len() >= PACKET_SIZE {
                if is_packet(rest) && rest.get(PACKET_SIZE).is_none_or(|&next| next == SYNC_BYTE) {
                    kept.extend_from_slice(&rest[..PACKET_SIZE]);
                    rest = &rest[PACKET_SIZE..];
                } else {
                    let skip = rest[1..].iter().position(|&byte| byte == SYNC_BYTE);
                    rest = &rest[skip.map_or(rest.len(), |at| at + 1)..];
                }
            }
            kept.extend_from_slice(rest);
            self.staged = kept;
        }
        self.waiting()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ring::Bounds;
    use crate::testing::{Shape, stream};

    fn ring() -> Ring {
        Ring::new(Bounds { bytes: 1 << 20, age: Duration::from_secs(10) })
    }

    fn all(ring: &Ring) -> Vec<u8> {
        ring.from(0).flatten().copied().collect()
    }

    /// FO-6
    #[test]
    fn bytes_cut_anywhere_become_whole_packets_and_garbage_none() {
        let (mut intake, mut ring, now) = (Intake::default(), ring(), Instant::now());
        let packets = stream(Shape::tables_first(), 3);
        intake.begin(&mut ring, now);
        intake.take(b"garbage");
        for piece in packets.chunks(77) {
            intake.take(piece);
            intake.publish(&mut ring, now);
        }
        assert_eq!(all(&ring), packets);
    }

    #[test]
    fn an_engine_that_takes_over_begins_with_a_whole_packet_that_says_so() {
        let (mut intake, mut ring, now) = (Intake::default(), ring(), Instant::now());
        let packets = stream(Shape::tables_first(), 3);
        intake.begin(&mut ring, now);
        intake.take(&packets[..1000]);
        intake.begin(&mut ring, now);
        assert_eq!(ring.entry(), None);
        intake.take(&packets);
        intake.publish(&mut ring, now);
        let (all, seam) = (all(&ring), 1000 / 188 * 188);
        assert_eq!(all[..seam], packets[..seam]);
        let marked = all[seam..].iter().zip(&packets).filter(|(marked, plain)| marked != plain).count();
        assert_eq!((all.len() - seam, marked), (packets.len(), 2), "video and sound");
        assert!(ring.entry().is_some_and(|entry| entry.position >= seam as u64));
    }
}
