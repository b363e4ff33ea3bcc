//! A viewer whose connected socket the fan-out writes to.

use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, Shutdown, sendmsg, shutdown};

use crate::cursor::Cursor;
use crate::peer::{self, Peer, Peers};
use crate::ring::Ring;
use crate::shared::{Shared, Tally};

/// Bytes after which it is the next viewer's turn: one that joins gets seconds of stream at once. Enough for a picture.
const TURN_BYTES: usize = 256 * 1024;
const SLICES: usize = 64;
/// A viewer blocked for this long is looked at, now and then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The owner's hold on a viewer of [`crate::Fanout::hand_over`]. Dropping it leaves the viewer alone.
#[derive(Clone, Debug)]
pub struct SocketViewer {
    tally: Arc<Tally>,
    socket: std::sync::Weak<OwnedFd>,
}

impl SocketViewer {
    /// Ends the connection, whoever else holds the socket. From any thread; again is fine.
    pub fn close(&self) {
        if let Some(socket) = self.socket.upgrade() {
            let _ = shutdown(&*socket, Shutdown::Both);
        }
    }

    /// The connection is over, whoever ended it.
    pub fn is_closed(&self) -> bool {
        self.tally.closed.load(Ordering::Relaxed)
    }

    /// Bytes the kernel took, the head included.
    pub fn bytes_sent(&self) -> u64 {
        self.tally.bytes_sent.load(Ordering::Relaxed)
    }

    /// Times it was moved to a later entry point.
    pub fn skips(&self) -> u64 {
        self.tally.skips.load(Ordering::Relaxed)
    }
}

/// The thread's side of it. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub socket: Arc<OwnedFd>,
    cursor: Cursor,
    tally: Arc<Tally>,
    flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// It has all there is.
    Open,
    /// There is more for it, in turns.
    Queued,
    /// The kernel takes no more until it says so. `limited`: it may give the peer up.
    Blocked { since: Instant, limited: bool },
}

/// What has become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It has all there is.
    All,
    /// It could have had more in this turn.
    Some,
    /// It waits for the kernel.
    Blocked,
    /// It is over.
    Ended,
}

impl Connection {
    pub fn new(socket: OwnedFd, ring: &Ring, head: Vec<u8>) -> Self {
        peer::prepare(&socket);
        let tally = Arc::default();
        Self { socket: Arc::new(socket), cursor: Cursor::new(ring, head), tally, flow: Flow::Queued }
    }

    pub fn viewer(&self) -> SocketViewer {
        SocketViewer { tally: self.tally.clone(), socket: Arc::downgrade(&self.socket) }
    }

    pub fn is_blocked(&self) -> bool {
        matches!(self.flow, Flow::Blocked { .. })
    }

    /// It gets what there is in turns, and has its place among those who do.
    pub fn is_queued(&self) -> bool {
        self.flow == Flow::Queued
    }

    /// The kernel takes bytes again.
    pub fn unblock(&mut self) {
        if let Flow::Blocked { limited, .. } = std::mem::replace(&mut self.flow, Flow::Queued)
            && !limited
        {
            peer::limit_silence(&self.socket, true);
        }
    }

    /// Writes what there is, for one turn.
    pub fn write(&mut self, ring: &Ring, shared: &Shared, now: Instant) -> Written {
        if self.cursor.is_behind(ring) {
            // a blocked one is moved when it takes bytes again, and not over and over before
            if !self.is_blocked() || shared.slow == crate::SlowPolicy::Close {
                if !shared.count_slow(&self.tally) {
                    return Written::Ended;
                }
                self.cursor.skip(ring);
            }
        }
        if self.is_blocked() {
            return Written::Blocked;
        }
        let mut turn = 0;
        while turn < TURN_BYTES {
            match self.write_once(ring) {
                Ok(0) => {
                    self.flow = Flow::Open;
                    return Written::All;
                }
                Ok(sent) => {
                    self.cursor.advance(ring, sent);
                    shared.count_sent(&self.tally, sent);
                    turn += sent;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.flow = Flow::Blocked { since: now, limited: true };
                    return Written::Blocked;
                }
                Err(_) => return Written::Ended,
            }
        }
        self.flow = Flow::Queued;
        Written::Some
    }

    fn write_once(&mut self, ring: &Ring) -> rustix::io::Result<usize> {
        self.cursor.settle(ring);
        let slices: Vec<IoSlice<'_>> = self.cursor.slices(ring).take(SLICES).map(IoSlice::new).collect();
        if slices.is_empty() {
            return Ok(0);
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(&*self.socket, &slices, &mut SendAncillaryBuffer::default(), flags)
    }

    /// The kernel has taken nothing for [`PATIENCE`].
    pub fn is_stuck(&self, now: Instant) -> bool {
        matches!(self.flow, Flow::Blocked { since, .. } if now.saturating_duration_since(since) >= PATIENCE)
    }

    /// Looks at a blocked one's peer, and tells the kernel how patient to be; false when nobody is there.
    pub fn is_there(&mut self, peers: &Peers) -> bool {
        let Flow::Blocked { limited, .. } = &mut self.flow else { return true };
        let found = peers.find(&self.socket);
        let wanted = found != Peer::Paused;
        if *limited != wanted {
            *limited = wanted;
            peer::limit_silence(&self.socket, wanted);
        }
        found != Peer::Deaf
    }
}

impl Drop for Connection {
    /// The socket may be the host's too: shut down, it ends there as well.
    fn drop(&mut self) {
        let _ = shutdown(&*self.socket, Shutdown::Both);
        self.tally.closed.store(true, Ordering::Relaxed);
    }
}
