//! Where one viewer is in the stream, and what it gets next.
//!
//! Next are its own bytes (a head, copied tables, the rest of a packet begun, marked packets), then the ring's. The
//! position is always between two packets: what remains of a packet half sent is the viewer's own, so it can be
//! finished whatever becomes of the ring.

use air_ts::packet::PACKET_SIZE;

use crate::mark::Marker;
use crate::ring::Ring;

/// Bytes marked at a time.
const MARKED_BYTES: usize = 64 * PACKET_SIZE;

#[derive(Debug)]
pub(crate) struct Cursor {
    place: Place,
    own: Vec<u8>,
    /// Bytes of `own` that were sent.
    own_sent: usize,
    /// After a cut, until every PID has said so.
    marker: Option<Marker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// For an entry point, since the ring ended there.
    Waiting {
        since: u64,
    },
    At(u64),
}

impl Cursor {
    /// Begins at the latest entry point, or with a stream that begins later; `head` is sent first.
    pub fn new(ring: &Ring, head: Vec<u8>) -> Self {
        Self { place: Place::Waiting { since: ring.end() }, own: head, own_sent: 0, marker: None }
    }

    /// What the viewer needs next has left the ring.
    pub fn is_behind(&self, ring: &Ring) -> bool {
        matches!(self.place, Place::At(position) if position < ring.start())
    }

    /// Goes to the latest entry point, also when it has to wait for one.
    pub fn skip(&mut self, ring: &Ring) {
        self.place = Place::Waiting { since: ring.end() };
        self.marker = Some(Marker::new());
    }

    /// Prepares what comes next. To be called before [`Self::slices`].
    pub fn settle(&mut self, ring: &Ring) {
        if let Place::Waiting { since } = self.place {
            self.enter(ring, since);
        }
        if self.own_sent == self.own.len() {
            self.own.clear();
            self.own_sent = 0;
            self.mark(ring);
        }
    }

    fn enter(&mut self, ring: &Ring, since: u64) {
        // who was there before the stream gets all of it
        let whole = (since..ring.end()).contains(&ring.begun()) && ring.begun() >= ring.start();
        if whole {
            self.place = Place::At(ring.begun());
        } else if let Some(entry) = ring.entry() {
            self.place = Place::At(entry.position);
            self.own.extend_from_slice(entry.tables.as_deref().unwrap_or_default());
        } else if since < ring.start() {
            // a whole ring has gone by: what has no entry points is given as it is, rather than never
            self.place = Place::At(ring.end());
        }
    }

    /// Makes the next packets the viewer's own, so that they can be marked.
    fn mark(&mut self, ring: &Ring) {
        let (Some(marker), Place::At(position)) = (&mut self.marker, self.place) else { return };
        let Some(block) = ring.from(position).next() else { return };
        self.own.extend_from_slice(&block[..block.len().min(MARKED_BYTES)]);
        self.place = Place::At(position + self.own.len() as u64);
        if !marker.mark(&mut self.own) || marker.has_marked(ring.media_pids()) {
            self.marker = None;
        }
    }

    /// What to send, in order; may be nothing.
    pub fn slices<'a>(&'a self, ring: &'a Ring) -> impl Iterator<Item = &'a [u8]> {
        let own = Some(&self.own[self.own_sent..]).filter(|own| !own.is_empty());
        let position = match self.place {
            Place::At(position) if self.marker.is_none() => position,
            _ => ring.end(),
        };
        own.into_iter().chain(ring.from(position))
    }

    /// The first `sent` bytes of [`Self::slices`] are gone.
    pub fn advance(&mut self, ring: &Ring, sent: usize) {
        let own = sent.min(self.own.len() - self.own_sent);
        self.own_sent += own;
        let (Place::At(position), true) = (self.place, sent > own) else { return };
        let reached = position + (sent - own) as u64;
        let rest = reached.next_multiple_of(PACKET_SIZE as u64) - reached;
        self.own.clear();
        self.own_sent = 0;
        if let Some(block) = ring.from(reached).next().filter(|_| rest > 0) {
            self.own.extend_from_slice(&block[..rest as usize]);
        }
        self.place = Place::At(reached + rest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use air_ts::packet::SYNC_BYTE;
    use proptest::prelude::*;

    use super::*;
    use crate::intake::Intake;
    use crate::ring::Bounds;
    use crate::testing::{Shape, number, numbered_stream};

    /// A small ring, an engine that sends pieces, and a viewer that takes what it likes.
    struct Scene {
        intake: Intake,
        ring: Ring,
        cursor: Cursor,
        got: Vec<u8>,
        skips: usize,
    }

    impl Scene {
        fn new(ring_bytes: usize) -> Self {
            let bounds = Bounds { bytes: ring_bytes, age: Duration::MAX };
            let (mut intake, mut ring) = (Intake::default(), Ring::new(bounds));
            intake.begin(&mut ring, Instant::now());
            let cursor = Cursor::new(&ring, Vec::new());
            Self { intake, ring, cursor, got: Vec::new(), skips: 0 }
        }

        fn come(&mut self, bytes: &[u8]) {
            self.intake.take(bytes);
            self.intake.publish(&mut self.ring, Instant::now());
        }

        fn take(&mut self, at_most: usize) {
            if self.cursor.is_behind(&self.ring) {
                self.cursor.skip(&self.ring);
                self.skips += 1;
            }
            self.cursor.settle(&self.ring);
            let mut there = self.cursor.slices(&self.ring).collect::<Vec<_>>().concat();
            there.truncate(at_most);
            self.cursor.advance(&self.ring, there.len());
            self.got.extend(there);
        }
    }

    /// The runs of packets that follow each other in the stream, by the numbers that the packets bear.
    fn runs(bytes: &[u8]) -> Vec<Vec<u32>> {
        let mut runs: Vec<Vec<u32>> = Vec::new();
        for number in bytes.chunks_exact(PACKET_SIZE).map(number) {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|last| last + 1 == number) => run.push(number),
                _ => runs.push(vec![number]),
            }
        }
        runs
    }

    fn without_marks(bytes: &[u8]) -> Vec<u8> {
        let mut plain = bytes.to_vec();
        for packet in plain.as_chunks_mut::<PACKET_SIZE>().0 {
            if packet[3] & 0x20 != 0 && packet[4] > 0 {
                packet[5] &= 0x7F;
            }
        }
        plain
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// FO-1, FO-2, FO-6: whatever the pieces and however slow the viewer, it gets whole packets of the stream, in
        /// runs that each begin at an entry point, one more than it was moved.
        #[test]
        fn a_viewer_gets_runs_of_whole_packets_that_begin_at_entry_points(
            steps in prop::collection::vec((1..3000usize, 0..4000usize), 1..100),
            // a GOP, the start of the next and a piece at least: there is always an entry point
            ring_packets in 40..80usize,
        ) {
            let shape = Shape::tables_first();
            let stream = numbered_stream(shape, 60);
            let mut scene = Scene::new(ring_packets * PACKET_SIZE);
            let mut come = 0;
            for (piece, taken) in steps {
                let end = stream.len().min(come + piece);
                scene.come(&stream[come..end]);
                scene.take(taken);
                come = end;
            }
            // the packet begun is finished
            scene.take(scene.got.len().next_multiple_of(PACKET_SIZE) - scene.got.len());
            prop_assert_eq!(scene.got.len() % PACKET_SIZE, 0);
            let got = without_marks(&scene.got);
            let runs = runs(&got);
            prop_assert!(runs.len() <= scene.skips + 1);
            let gop = shape.gop_bytes() as usize / PACKET_SIZE;
            for run in &runs {
                prop_assert_eq!(run[0] as usize % gop, 0, "begins with the tables of a GOP");
                let (from, to) = (run[0] as usize * PACKET_SIZE, (run[0] as usize + run.len()) * PACKET_SIZE);
                let at = run_offset(&got, run[0]);
                prop_assert_eq!(&got[at..at + to - from], &stream[from..to]);
            }
        }
    }

    fn run_offset(bytes: &[u8], first: u32) -> usize {
        bytes.chunks_exact(PACKET_SIZE).position(|packet| number(packet) == first).unwrap_or_default()
            * PACKET_SIZE
    }

    #[test]
    fn a_packet_begun_is_finished_before_the_viewer_is_moved() {
        let stream = numbered_stream(Shape::tables_first(), 10);
        let mut scene = Scene::new(40 * PACKET_SIZE);
        scene.come(&stream[..5 * PACKET_SIZE]);
        scene.take(100);
        scene.come(&stream[5 * PACKET_SIZE..]);
        scene.take(usize::MAX);
        assert_eq!((scene.skips, scene.got.len()), (1, PACKET_SIZE), "its own bytes come before the ring's");
        scene.take(usize::MAX);
        scene.take(usize::MAX);
        assert_eq!(scene.got[..PACKET_SIZE], stream[..PACKET_SIZE]);
        assert_eq!(runs(&scene.got)[0], [0]);
        assert_eq!(scene.skips, 1);
        let marked = scene.got.iter().zip(without_marks(&scene.got)).filter(|(a, b)| *a != b).count();
        assert_eq!(marked, 2, "video and sound, once each");
    }

    #[test]
    fn a_stream_without_entry_points_is_given_as_it_is_once_a_ring_of_it_has_gone_by() {
        let mut scene = Scene::new(40 * PACKET_SIZE);
        let packet = |number: u8| [&[SYNC_BYTE, 0x1F, 0xFF, 0x10][..], &[number; 184]].concat();
        // the first of them, from which the stream can be entered, leaves the ring
        (0..50).for_each(|number| scene.come(&packet(number)));
        scene.cursor = Cursor::new(&scene.ring, Vec::new());
        for number in 50..=90 {
            scene.take(usize::MAX);
            assert_eq!(scene.got, [0; 0]);
            scene.come(&packet(number));
        }
        scene.take(usize::MAX);
        scene.come(&packet(91));
        scene.take(usize::MAX);
        assert_eq!(scene.got, packet(91));
    }

    #[test]
    fn a_viewer_that_comes_late_begins_at_the_latest_whole_picture() {
        let (shape, stream) = (Shape::tables_first(), numbered_stream(Shape::tables_first(), 3));
        let mut scene = Scene::new(1 << 20);
        scene.come(&stream);
        scene.cursor = Cursor::new(&scene.ring, Vec::new());
        scene.take(usize::MAX);
        // the fourth GOP has begun, but its first picture is not whole
        let begin = 2 * shape.gop_bytes() as usize;
        assert_eq!(scene.got, stream[begin..]);
    }
}
