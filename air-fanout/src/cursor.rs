//! Where one viewer is in the stream, and what it gets next.
//!
//! Next are its own bytes (a head, copied tables, the rest of a packet begun, marked packets), then the ring's. The
//! position is always between two packets: what remains of a packet half sent is the viewer's own, so it can be
//! finished whatever becomes of the ring.

use air_ts::packet::PACKET_SIZE;

use crate::mark::Marker;
use crate::ring::{Entry, Ring};

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
    /// Until there is an entry point.
    Waiting,
    At(u64),
}

impl Cursor {
    /// Begins at the next entry point there is; `head` is sent first.
    pub fn new(head: Vec<u8>) -> Self {
        Self { place: Place::Waiting, own: head, own_sent: 0, marker: None }
    }

    /// What the viewer needs next has left the ring.
    pub fn is_behind(&self, ring: &Ring) -> bool {
        matches!(self.place, Place::At(position) if position < ring.start())
    }

    /// Goes to the latest entry point, also when it has to wait for one.
    pub fn skip(&mut self) {
        self.place = Place::Waiting;
        self.marker = Some(Marker::new());
    }

    /// Prepares what comes next. To be called before [`Self::slices`].
    pub fn settle(&mut self, ring: &Ring) {
        if let (Place::Waiting, Some(entry)) = (self.place, ring.entry()) {
            self.enter(entry);
        }
        if self.own_sent == self.own.len() {
            self.own.clear();
            self.own_sent = 0;
            self.mark(ring);
        }
    }

    fn enter(&mut self, entry: &Entry) {
        self.place = Place::At(entry.position);
        self.own.extend_from_slice(entry.tables.as_deref().unwrap_or_default());
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
