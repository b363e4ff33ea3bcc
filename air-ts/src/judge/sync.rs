//! Where packets begin: lock, bad sync bytes and loss of sync (TR 101 290, 5.2.1, 1.1 and 1.2).

use crate::packet::{PACKET_SIZE, SYNC_BYTE};

/// Sync bytes in a row that make a lock.
const LOCK_PACKETS: usize = 5;
/// Bytes taken in at once, so that memory stays bounded whatever the caller feeds.
const CHUNK: usize = 64 * 1024;

/// What was found at one place of the byte stream.
pub(super) enum Framed<'a> {
    Packet(&'a [u8; PACKET_SIZE]),
    /// A packet between two good ones that starts with this byte.
    BadSyncByte(u8),
    /// So many bytes were no packets, after a lock that was lost.
    Loss(u64),
    /// So many bytes at the end are less than a packet.
    Partial(u64),
}

#[derive(Debug, Default)]
pub(super) struct Framing {
    pending: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Nothing yet. What comes before the first packet is the capture's own affair.
    #[default]
    Start,
    Locked,
    /// The lock was lost so many bytes ago.
    Lost(u64),
}

impl Framing {
    pub(super) fn feed(&mut self, bytes: &[u8], found: &mut impl FnMut(Framed<'_>)) {
        for chunk in bytes.chunks(CHUNK) {
            self.pending.extend_from_slice(chunk);
            self.scan(false, found);
        }
    }

    pub(super) fn finish(&mut self, found: &mut impl FnMut(Framed<'_>)) {
        self.scan(true, found);
        if let State::Lost(skipped) = self.state {
            found(Framed::Loss(skipped + self.pending.len() as u64));
        } else if !self.pending.is_empty() {
            found(Framed::Partial(self.pending.len() as u64));
        }
    }

    fn scan(&mut self, last: bool, found: &mut impl FnMut(Framed<'_>)) {
        let mut at = 0;
        loop {
            let rest = &self.pending[at..];
            let step = match self.state {
                State::Locked => take_packet(rest, last, found),
                State::Start | State::Lost(_) => find_lock(rest, last),
            };
            match (step, self.state) {
                (Step::Wait, _) => break,
                (Step::Taken, _) => at += PACKET_SIZE,
                (Step::LostHere, _) => self.state = State::Lost(0),
                (Step::Skip(bytes), state) => {
                    at += bytes;
                    if let State::Lost(skipped) = state {
                        self.state = State::Lost(skipped + bytes as u64);
                    }
                    if bytes == 0 {
                        break;
                    }
                }
                (Step::LockAfter(bytes), state) => {
                    at += bytes;
                    if let State::Lost(skipped) = state {
                        found(Framed::Loss(skipped + bytes as u64));
                    }
                    self.state = State::Locked;
                }
            }
        }
        self.pending.drain(..at);
    }
}

enum Step {
    Wait,
    Taken,
    LostHere,
    Skip(usize),
    LockAfter(usize),
}

fn take_packet(rest: &[u8], last: bool, found: &mut impl FnMut(Framed<'_>)) -> Step {
    let Some((packet, after)) = rest.split_first_chunk::<PACKET_SIZE>() else { return Step::Wait };
    if packet[0] == SYNC_BYTE {
        found(Framed::Packet(packet));
        return Step::Taken;
    }
    match after.first() {
        None if !last => Step::Wait,
        Some(&next) if next != SYNC_BYTE => Step::LostHere,
        _ => {
            found(Framed::BadSyncByte(packet[0]));
            Step::Taken
        }
    }
}

/// The first place where sync bytes follow each other; near the end of everything, as many as can be seen.
fn find_lock(rest: &[u8], last: bool) -> Step {
    let sure = if last { rest.len() } else { rest.len().saturating_sub((LOCK_PACKETS - 1) * PACKET_SIZE) };
    for at in 0..sure {
        let ahead = rest[at..].iter().step_by(PACKET_SIZE).take(LOCK_PACKETS);
        if rest.len() - at >= PACKET_SIZE && ahead.into_iter().all(|&byte| byte == SYNC_BYTE) {
            return Step::LockAfter(at);
        }
    }
    Step::Skip(if last { 0 } else { sure })
}
