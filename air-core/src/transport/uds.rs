//! Unix domain stream socket, as the client (TR-2). Abstract names are not paths and are not offered.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{CONNECT_TIMEOUT, Closer, Transport, TransportError, WRITE_TIMEOUT, send};

/// `sun_path` holds 108 bytes, the last of them a NUL.
const LONGEST_PATH: usize = 107;

/// A connection to whoever listens at a path.
#[derive(Debug)]
pub struct Uds {
    socket: Arc<OwnedFd>,
}

impl Uds {
    /// Connects to the listener at `path`.
    pub fn connect(path: &str) -> Result<Uds, TransportError> {
        let address = address(path)?;
        let metadata = fs::metadata(path).map_err(|error| TransportError::of(path, error))?;
        if !metadata.file_type().is_socket() {
            return Err(TransportError::WrongKind { endpoint: path.to_owned(), expected: "a socket" });
        }
        let socket = open(&address).map_err(|error| match error {
            rustix::io::Errno::PROTOTYPE => {
                TransportError::WrongKind { endpoint: path.to_owned(), expected: "a stream socket" }
            }
            error => TransportError::of(path, error.into()),
        })?;
        Ok(Uds { socket: Arc::new(socket) })
    }
}

fn address(path: &str) -> Result<SocketAddrUnix, TransportError> {
    let malformed = |reason| TransportError::Malformed { endpoint: path.to_owned(), reason };
    match path {
        "" => Err(malformed("is empty: give the path that the reader listens on")),
        _ if path.len() > LONGEST_PATH => Err(malformed("is longer than 107 bytes: use a shorter path")),
        _ if path.contains('\0') => Err(malformed("contains a NUL, which no path can")),
        _ => SocketAddrUnix::new(path).map_err(|error| TransportError::of(path, error.into())),
    }
}

/// While the listener's backlog is full, Linux lets connect wait for as long as it would let a send.
fn open(address: &SocketAddrUnix) -> rustix::io::Result<OwnedFd> {
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(CONNECT_TIMEOUT))?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, address))?;
    set_socket_timeout(&socket, Timeout::Send, Some(WRITE_TIMEOUT))?;
    Ok(socket)
}

impl Transport for Uds {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        send(&self.socket, bytes)
    }

    fn closer(&self) -> Closer {
        Closer::of_socket(&self.socket)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::{UnixDatagram, UnixListener};
    use std::path::PathBuf;
    use std::time::Instant;

    use rustix::io::FdFlags;

    use super::*;

    /// A path of its own for each test, free of what an earlier run left.
    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("air-uds-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    fn refusal(path: &str) -> TransportError {
        Uds::connect(path).expect_err(path)
    }

    /// TR-2: what is written reaches whoever listens, also under a name with spaces and accents.
    #[test]
    fn bytes_reach_the_listener() {
        let path = path("señal über 空");
        let listener = UnixListener::bind(&path).unwrap();
        let mut uds = Uds::connect(path.to_str().unwrap()).unwrap();
        uds.write_all(b"G123").unwrap();
        drop(uds);
        let mut read = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut read).unwrap();
        assert_eq!(read, b"G123");
        fs::remove_file(path).unwrap();
    }

    /// TR-5: each reason is told apart.
    #[test]
    fn an_endpoint_that_cannot_be_reached_says_why() {
        let (missing, plain, dead, datagram) =
            (path("missing"), path("plain"), path("dead"), path("datagram"));
        fs::write(&plain, "no socket").unwrap();
        drop(UnixListener::bind(&dead).unwrap());
        let _bound = UnixDatagram::bind(&datagram).unwrap();
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();

        assert!(matches!(refusal(&text(&missing)), TransportError::NotFound { .. }));
        assert!(matches!(refusal(&text(&plain)), TransportError::WrongKind { expected: "a socket", .. }));
        assert!(matches!(refusal("/"), TransportError::WrongKind { expected: "a socket", .. }));
        assert!(matches!(refusal(&text(&dead)), TransportError::NobodyListens { .. }));
        let kind = refusal(&text(&datagram));
        assert!(matches!(kind, TransportError::WrongKind { expected: "a stream socket", .. }), "{kind}");
        for bad in ["", "\0abstract", "/tmp/a\0b", &"x".repeat(108)] {
            assert!(matches!(refusal(bad), TransportError::Malformed { .. }), "{bad:?}");
        }
        assert!(matches!(refusal(&"x".repeat(107)), TransportError::NotFound { .. }), "107 bytes fit");
        for path in [plain, dead, datagram] {
            fs::remove_file(path).unwrap();
        }
    }

    /// A listener that accepts nobody must not hold AttachStream. Real time: the kernel does the waiting.
    #[test]
    fn a_full_backlog_is_waited_for_one_second_only() {
        let path = path("full");
        let listener =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let _first = Uds::connect(path.to_str().unwrap()).unwrap();
        let started = Instant::now();
        let error = refusal(path.to_str().unwrap());
        assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");
        assert!((CONNECT_TIMEOUT..CONNECT_TIMEOUT * 2).contains(&started.elapsed()));
        fs::remove_file(path).unwrap();
    }

    /// TR-12: close-on-exec, and a dropped transport keeps no descriptor, closer or not: the reader sees the end.
    #[test]
    fn a_dropped_transport_leaves_nothing_open() {
        let path = path("fds");
        let listener = UnixListener::bind(&path).unwrap();
        for _ in 0..200 {
            let uds = Uds::connect(path.to_str().unwrap()).unwrap();
            assert!(rustix::io::fcntl_getfd(&uds.socket).unwrap().contains(FdFlags::CLOEXEC));
            let (_closer, mut reader) = (uds.closer(), listener.accept().unwrap().0);
            drop(uds);
            assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        }
        fs::remove_file(path).unwrap();
    }
}
