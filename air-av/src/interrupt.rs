//! The stop token of everything that can wait for a file.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Ends opening and reading at once, from any thread, for good: there is no way back.
///
/// Clones are the same token. One token serves any number of files. Costs one file descriptor; when the process
/// has none left, waits still end, within 25 ms.
#[derive(Clone)]
pub struct Interrupt(Arc<Shared>);

struct Shared {
    parent: Option<Interrupt>,
    tripped: AtomicBool,
    /// Becomes readable when tripped, so that a poll(2) on a file and this wakes at once.
    wake: Option<OwnedFd>,
}

/// How long a wait may outlive the trip when no descriptor could be had: a tenth of the 250 ms a stop may take.
const FALLBACK_POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: 25_000_000 };

impl Interrupt {
    /// A token that is not tripped.
    pub fn new() -> Self {
        Self::of(None)
    }

    /// A token that is tripped with this one, and can be tripped without it.
    pub fn child(&self) -> Self {
        Self::of(Some(self.clone()))
    }

    fn of(parent: Option<Interrupt>) -> Self {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self(Arc::new(Shared { parent, tripped: AtomicBool::new(false), wake }))
    }

    /// Ends every wait on this token, now and later.
    pub fn trip(&self) {
        if self.0.tripped.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(wake) = &self.0.wake {
            // Cannot fail: the counter goes from 0 to 1, once in its life.
            let _ = rustix::io::write(wake, &1u64.to_ne_bytes());
        }
    }

    /// Whether [`trip`](Self::trip) was called on this token, a clone of it, or the one it is a child of.
    pub fn is_tripped(&self) -> bool {
        self.family().any(|token| token.0.tripped.load(Ordering::Acquire))
    }

    /// This token, its parent, and so on.
    fn family(&self) -> impl Iterator<Item = &Interrupt> {
        std::iter::successors(Some(self), |token| token.0.parent.as_ref())
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_tripped() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Waits until `fd` has bytes or an end to report. `Ok(false)`: tripped.
    pub(crate) fn wait_readable(&self, fd: BorrowedFd<'_>) -> std::result::Result<bool, Errno> {
        while !self.is_tripped() {
            let mut fds = vec![PollFd::from_borrowed_fd(fd, PollFlags::IN)];
            let wakes = self.family().filter_map(|token| token.0.wake.as_ref());
            fds.extend(wakes.map(|wake| PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN)));
            let timeout = self.family().any(|token| token.0.wake.is_none()).then_some(&FALLBACK_POLL);
            match poll(&mut fds, timeout) {
                Ok(_) if !fds[0].revents().is_empty() => return Ok(!self.is_tripped()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(false)
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Interrupt").field(&self.is_tripped()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_ends_a_wait_on_a_silent_pipe_and_every_later_one() {
        let (silent, _writer) = rustix::pipe::pipe().unwrap();
        let interrupt = Interrupt::new();
        let clone = interrupt.clone();
        let tripper = std::thread::spawn(move || clone.trip());
        assert_eq!(interrupt.wait_readable(silent.as_fd()), Ok(false));
        tripper.join().unwrap();
        assert!(interrupt.is_tripped());
        assert_eq!(interrupt.wait_readable(silent.as_fd()), Ok(false));
    }

    #[test]
    fn a_child_ends_with_its_parent_but_not_the_reverse() {
        let (silent, _writer) = rustix::pipe::pipe().unwrap();
        let parent = Interrupt::new();
        let (one, other) = (parent.child(), parent.child());
        one.trip();
        assert!(one.is_tripped() && !parent.is_tripped() && !other.is_tripped());
        let tripper = std::thread::spawn(move || parent.trip());
        assert_eq!(other.wait_readable(silent.as_fd()), Ok(false));
        tripper.join().unwrap();
        assert!(other.is_tripped());
    }

    #[test]
    fn bytes_end_a_wait() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"x").unwrap();
        assert_eq!(Interrupt::new().wait_readable(reader.as_fd()), Ok(true));
    }
}
