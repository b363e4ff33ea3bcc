//! Where packets begin: lock, bad sync bytes and loss of sync (TR 101 290, 5.2.1, 1.1 and 1.2).

use crate::packet::{PACKET_SIZE, SYNC_BYTE};

/// Sync bytes in a row that make a lock.
const LOCK_PACKETS: usize = 5;
/// From one packet to the next: as they are, and with the 16 bytes of outer code that EN 300 429 puts behind each.
const STRIDES: [usize; 2] = [PACKET_SIZE, 204];
/// Bytes that must be seen to know whether a lock starts at the first of them.
const LOCK_SIZE: usize = (LOCK_PACKETS - 1) * STRIDES[1] + 1;
/// Bytes without a lock after which nobody waits for the end of the loss to speak of it.
const PATIENCE: u64 = 64 * 1024;
/// Bytes taken in at once, so that memory stays bounded whatever the caller feeds.
const CHUNK: usize = 64 * 1024;

/// What was found at one place of the byte stream.
pub(super) enum Framed<'a> {
    Packet(&'a [u8; PACKET_SIZE]),
    /// A packet between two good ones that starts with this byte.
    BadSyncByte(u8),
    /// So many bytes were no packets, up to the next packet or until patience ended.
    Loss(u64),
    /// The loss that outlasted all patience is over; it was so many bytes in all.
    LossEnds(u64),
    /// Packets follow each other at this distance, which is not 188.
    Stride(usize),
    /// So many bytes at the end are less than a packet.
    Partial(u64),
}

#[derive(Debug, Default)]
pub(super) struct Framing {
    pending: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Looking for packets, since so many bytes.
    Unlocked { skipped: u64, was_locked: bool },
    /// Packets come at this distance.
    Locked { stride: usize },
}

impl Default for State {
    fn default() -> Self {
        Self::Unlocked { skipped: 0, was_locked: false }
    }
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
        let left = self.pending.len();
        match self.state {
            State::Unlocked { skipped, was_locked }
                if was_locked || skipped + left as u64 >= PACKET_SIZE as u64 =>
            {
                self.skip(left, found);
                self.end_loss(true, found);
            }
            _ if left > 0 => found(Framed::Partial(left as u64)),
            _ => {}
        }
    }

    fn scan(&mut self, last: bool, found: &mut impl FnMut(Framed<'_>)) {
        let mut at = 0;
        loop {
            let rest = &self.pending[at..];
            let step = match self.state {
                State::Locked { stride } => take_packet(rest, stride, last, found),
                State::Unlocked { .. } => find_lock(rest, last),
            };
            match step {
                Step::Wait => break,
                Step::Taken(bytes) => at += bytes,
                Step::LostHere => self.state = State::Unlocked { skipped: 0, was_locked: true },
                Step::Skip(bytes) => {
                    at += bytes;
                    self.skip(bytes, found);
                }
                Step::LockAfter(bytes, stride) => {
                    at += bytes;
                    self.skip(bytes, found);
                    self.end_loss(false, found);
                    if stride != PACKET_SIZE {
                        found(Framed::Stride(stride));
                    }
                    self.state = State::Locked { stride };
                }
            }
        }
        self.pending.drain(..at);
    }

    fn skip(&mut self, bytes: usize, found: &mut impl FnMut(Framed<'_>)) {
        let State::Unlocked { skipped, .. } = &mut self.state else { return };
        let before = *skipped;
        *skipped += bytes as u64;
        if before < PATIENCE && *skipped >= PATIENCE {
            found(Framed::Loss(PATIENCE));
        }
    }

    /// A lock was found, or nothing more comes. What is before the first packet is the capture's own affair, unless
    /// it is all there is.
    fn end_loss(&self, last: bool, found: &mut impl FnMut(Framed<'_>)) {
        match self.state {
            State::Unlocked { skipped, .. } if skipped >= PATIENCE => found(Framed::LossEnds(skipped)),
            State::Unlocked { skipped, was_locked } if was_locked || last => found(Framed::Loss(skipped)),
            _ => {}
        }
    }
}

enum Step {
    Wait,
    Taken(usize),
    LostHere,
    Skip(usize),
    LockAfter(usize, usize),
}

fn take_packet(rest: &[u8], stride: usize, last: bool, found: &mut impl FnMut(Framed<'_>)) -> Step {
    let size = if last { stride.min(rest.len()) } else { stride };
    let (Some(packet), Some(after)) = (rest.first_chunk::<PACKET_SIZE>(), rest.get(size..)) else {
        return Step::Wait;
    };
    if packet[0] == SYNC_BYTE {
        found(Framed::Packet(packet));
        return Step::Taken(size);
    }
    match after.first() {
        None if !last => Step::Wait,
        Some(&next) if next != SYNC_BYTE => Step::LostHere,
        _ => {
            found(Framed::BadSyncByte(packet[0]));
            Step::Taken(size)
        }
    }
}

/// The first place where sync bytes follow each other; near the end of everything, as many as can be seen.
fn find_lock(rest: &[u8], last: bool) -> Step {
    let sure = if last { rest.len() } else { rest.len().saturating_sub(LOCK_SIZE - 1) };
    for at in 0..sure {
        if let Some(stride) = STRIDES.into_iter().find(|&stride| locks(&rest[at..], stride)) {
            return Step::LockAfter(at, stride);
        }
    }
    if sure == 0 || last { Step::Wait } else { Step::Skip(sure) }
}

/// Fewer than all sync bytes will do only at the end, where there are no more, and only for packets as they are.
fn locks(bytes: &[u8], stride: usize) -> bool {
    let mut ahead = bytes.iter().step_by(stride).take(LOCK_PACKETS);
    let size = if stride == PACKET_SIZE { stride } else { LOCK_SIZE };
    bytes.len() >= size && ahead.all(|&byte| byte == SYNC_BYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets, and everything else as it was said.
    fn read(bytes: &[u8]) -> (usize, Vec<String>) {
        let (mut packets, mut said) = (0, Vec::new());
        let mut take = |framed: Framed<'_>| match framed {
            Framed::Packet(_) => packets += 1,
            Framed::BadSyncByte(byte) => said.push(format!("sync byte {byte}")),
            Framed::Loss(bytes) => said.push(format!("loss of {bytes}")),
            Framed::LossEnds(bytes) => said.push(format!("{bytes} in all")),
            Framed::Stride(bytes) => said.push(format!("stride {bytes}")),
            Framed::Partial(bytes) => said.push(format!("{bytes} left")),
        };
        let mut framing = Framing::default();
        framing.feed(bytes, &mut take);
        framing.finish(&mut take);
        (packets, said)
    }

    fn packets(count: usize, stride: usize) -> Vec<u8> {
        let mut packet = vec![0x11; stride];
        packet[0] = SYNC_BYTE;
        packet.repeat(count)
    }

    #[test]
    fn bytes_that_never_lock_are_a_loss_said_at_once_and_counted_to_the_end() {
        let mut framing = Framing::default();
        let mut said = 0;
        framing.feed(&[0x11; 70_000], &mut |framed| {
            said += usize::from(matches!(framed, Framed::Loss(PATIENCE)))
        });
        assert_eq!(said, 1);
        assert_eq!(read(&[0x11; 5_000_000]), (0, vec!["loss of 65536".into(), "5000000 in all".into()]));
        assert_eq!(read(&[0x11; 1000]), (0, vec!["loss of 1000".into()]));
        assert_eq!(read(&[0x11; 100]), (0, vec!["100 left".into()]));
    }

    #[test]
    fn a_long_loss_is_said_before_it_ends_and_then_in_full() {
        let bytes = [packets(10, 188), vec![0x11; 100_000], packets(10, 188)].concat();
        assert_eq!(read(&bytes), (20, vec!["loss of 65536".into(), "100000 in all".into()]));
    }

    #[test]
    fn packets_of_204_bytes_are_named_and_read() {
        assert_eq!(read(&packets(50, 204)), (50, vec!["stride 204".into()]));
        assert_eq!(read(&packets(50, 188)), (50, vec![]));
    }
}
