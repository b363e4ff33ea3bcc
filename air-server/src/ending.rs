//! What ends the process, and that it does end: watched for by threads of their own, which no call and no channel can
//! hold up.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What the process may still do when its end has come, a second at most; then it is gone, whatever it is doing.
const GONE_WITHIN: Duration = Duration::from_millis(950);

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGTERM.
    Terminated,
    /// SIGINT.
    Interrupted,
    /// Whoever was at the other end of standard input has closed it.
    HungUp,
    /// The parent process has died.
    Orphaned,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Terminated => "SIGTERM",
            Cause::Interrupted => "SIGINT",
            Cause::HungUp => "standard input was closed",
            Cause::Orphaned => "the parent process has died",
        })
    }
}

/// The end that comes. When it has, whoever dropped this has a moment to exit; else the process exits with code 0
/// where it stands.
#[derive(Debug)]
pub struct Ending {
    cause: oneshot::Receiver<Cause>,
    _over: oneshot::Sender<()>,
}

impl Ending {
    /// Watches from now on: for SIGTERM and SIGINT, for the end of `peer` and for `parent`, a process's descriptor.
    ///
    /// # Errors
    /// No thread, no signals.
    pub fn watch(peer: Option<UnixStream>, parent: Option<OwnedFd>) -> io::Result<Ending> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (tell, cause) = oneshot::channel();
        let (_over, mut over) = oneshot::channel();
        let left = Left::watch(peer, parent)?;
        let signals = {
            let _context = runtime.enter();
            Signals::new()?
        };
        let watch = async move {
            let cause = tokio::select! {
                _ = &mut over => return,
                cause = signals.next() => cause,
                Ok(cause) = left.0 => cause,
            };
            let _ = tell.send(cause);
            if timeout(GONE_WITHIN, over).await.is_err() {
                process::exit(0);
            }
        };
        thread::Builder::new().name("air-end".to_owned()).spawn(move || runtime.block_on(watch))?;
        Ok(Ending { cause, _over })
    }

    /// Waits for it. To be asked once.
    pub async fn comes(&mut self) -> Cause {
        // The thread cannot end before it has told.
        (&mut self.cause).await.unwrap_or(Cause::Terminated)
    }
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(mut self) -> Cause {
        tokio::select! {
            _ = self.terminate.recv() => Cause::Terminated,
            _ = self.interrupt.recv() => Cause::Interrupted,
        }
    }
}

/// Those without whom the process has no purpose: told once, when one of them has gone.
struct Left(oneshot::Receiver<Cause>);

impl Left {
    /// A thread waits for that as long as the process lives, if there is anybody to wait for.
    fn watch(peer: Option<UnixStream>, parent: Option<OwnedFd>) -> io::Result<Left> {
        let (tell, left) = oneshot::channel();
        if peer.is_some() || parent.is_some() {
            let wait = move || {
                if let Ok(cause) = first_of(peer.as_ref(), parent.as_ref()) {
                    let _ = tell.send(cause);
                }
            };
            thread::Builder::new().name("air-left".to_owned()).spawn(wait)?;
        }
        Ok(Left(left))
    }
}

/// Waits until `peer` has hung up, whatever may still be to read, or `parent` has died.
fn first_of(peer: Option<&UnixStream>, parent: Option<&OwnedFd>) -> rustix::io::Result<Cause> {
    let peer = peer.map(|peer| (PollFd::new(peer, PollFlags::RDHUP), Cause::HungUp));
    let parent = parent.map(|parent| (PollFd::new(parent, PollFlags::IN), Cause::Orphaned));
    let (mut watched, causes): (Vec<_>, Vec<_>) = peer.into_iter().chain(parent).unzip();
    rustix::io::retry_on_intr(|| poll(&mut watched, None))?;
    let first = watched.iter().position(|it| !it.revents().is_empty());
    first.map(|first| causes[first]).ok_or(rustix::io::Errno::AGAIN)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// TD-8: what has been said before the end does not hide it.
    #[tokio::test]
    async fn a_peer_that_speaks_is_there_and_one_that_hangs_up_is_the_end() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut ending = Ending::watch(Some(ours), None).unwrap();
        theirs.write_all(b"unread").unwrap();
        assert!(timeout(Duration::from_millis(50), ending.comes()).await.is_err());
        drop(theirs);
        assert_eq!(ending.comes().await, Cause::HungUp);
    }

    /// TD-8: this test in a process of its own, whose main thread sees no end.
    #[test]
    fn a_process_that_is_stuck_is_ended() {
        const STUCK: &str = "AIR_TEST_STUCK";
        if std::env::var_os(STUCK).is_some() {
            let _ending = Ending::watch(Some(crate::inherited::socket().unwrap()), None).unwrap();
            thread::sleep(Duration::from_secs(60)); // as a call that hangs would
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut stuck = process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ending::tests::a_process_that_is_stuck_is_ended"])
            .env(STUCK, "1")
            .stdin(OwnedFd::from(theirs))
            .stdout(process::Stdio::null())
            .spawn()
            .unwrap();
        drop(ours);
        assert!(stuck.wait().unwrap().success());
    }

    #[tokio::test]
    async fn a_process_that_dies_is_the_end() {
        let mut child = process::Command::new("cat").stdin(process::Stdio::piped()).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let descriptor = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        let mut ending = Ending::watch(None, Some(descriptor)).unwrap();
        assert!(timeout(Duration::from_millis(50), ending.comes()).await.is_err());
        child.kill().unwrap();
        assert_eq!(ending.comes().await, Cause::Orphaned);
        child.wait().unwrap();
    }
}
