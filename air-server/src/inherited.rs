//! What the process has from whoever started it: a socket as standard input, and a parent.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::SocketType;
use rustix::process::{PidfdFlags, Signal};

/// The connected stream socket that is standard input, as inetd passes one; a descriptor of its own, non-blocking.
///
/// # Errors
/// Standard input is something else.
pub fn socket() -> io::Result<UnixStream> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::net::getpeername(&socket)?;
    if rustix::net::sockopt::socket_type(&socket)? != SocketType::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a socket, but not of a stream"));
    }
    let socket = UnixStream::from(socket);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A descriptor that becomes readable when the parent process has died. From now on its death also wakes this process
/// if that is stopped then, so that it can notice; for that, the calling thread has to live as long as the process.
///
/// # Errors
/// The kernel is older than 5.3, or somebody forbids it; or the parent has died already.
pub fn parent() -> io::Result<OwnedFd> {
    let gone = || io::Error::new(io::ErrorKind::NotFound, "there is no parent any more");
    // The signal tells of the parent's thread only, so it just has to be harmless: the descriptor tells of the process.
    rustix::process::set_parent_process_death_signal(Some(Signal::CONT))?;
    let parent = rustix::process::getppid().ok_or_else(gone)?;
    let process = rustix::process::pidfd_open(parent, PidfdFlags::empty())?;
    // Had it died before it was opened, this process would be another's child by now.
    if rustix::process::getppid() == Some(parent) { Ok(process) } else { Err(gone()) }
}
