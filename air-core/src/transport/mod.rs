//! Transports: where a sink's bytes go. One file each, one arm in [`connect`].
//!
//! A transport moves bytes and knows nothing of packets or time. Air is always the client: the reader
//! listens. Opening is bounded, so is every wait for a reader, and a [`Closer`] ends both from another thread.

mod file;
mod memory;
mod tcp;
mod uds;

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendFlags, Shutdown};

pub use memory::{Capture, Memory};

/// Longest wait for a listener to take the connection: its backlog may be full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest wait of one [`Transport::write`] for the reader to make room.
pub const WRITE_TIMEOUT: Duration = Duration::from_millis(100);

/// An open way out.
pub trait Transport: Send {
    /// Writes some of `bytes` and says how many. [`io::ErrorKind::WouldBlock`]: the reader made no room
    /// within [`WRITE_TIMEOUT`], try again; [`io::ErrorKind::BrokenPipe`]: it has gone, or this was closed;
    /// any other error is final too.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// A handle that closes this transport from any thread.
    fn closer(&self) -> Closer;

    /// Writes all of `bytes`, however long the reader takes; errors as [`Transport::write`].
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Closes a transport from any thread: a blocked write returns at once, the reader sees the end, and no
/// byte goes out afterwards.
#[derive(Clone)]
pub struct Closer(Arc<dyn Fn() + Send + Sync>);

impl Closer {
    /// A closer that runs `close`, which may be called more than once and after the transport has gone.
    pub fn new(close: impl Fn() + Send + Sync + 'static) -> Closer {
        Closer(Arc::new(close))
    }

    /// Closes the transport. Closing again does nothing.
    pub fn close(&self) {
        (self.0)();
    }

    /// Shuts a socket down while its owner still has it. Errors mean that it is down already.
    fn of_socket<S: AsFd + Send + Sync + 'static>(socket: &Arc<S>) -> Closer {
        let socket = Arc::downgrade(socket);
        Closer::new(move || {
            if let Some(socket) = socket.upgrade() {
                let _ = rustix::net::shutdown(&*socket, Shutdown::Both);
            }
        })
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closer")
    }
}

/// One send that cannot raise SIGPIPE, whatever the host has done with that signal (TR-10).
fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::net::send(&socket, bytes, SendFlags::NOSIGNAL))?)
}

/// The kinds of endpoint a stream can be attached to; the numbers are those of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum StreamTransport {
    /// None was named: refused (TR-4).
    #[default]
    Unspecified = 0,
    /// A stream socket; the endpoint is the path somebody listens on.
    UnixDomainSocket = 1,
    /// The endpoint is `127.0.0.1:port` or `[::1]:port`.
    TcpLoopback = 2,
    /// The endpoint is the path of a file, created or overwritten.
    File = 100,
}

/// Why an endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No transport was named.
    #[error("no transport was named: use a Unix domain socket, loopback TCP or a file")]
    Unspecified,
    /// The endpoint cannot be one, whatever listens where.
    #[error("endpoint {endpoint:?} {reason}")]
    Malformed {
        /// As given.
        endpoint: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such path.
    #[error("nothing exists at {endpoint}: start the reader first")]
    NotFound {
        /// As given.
        endpoint: String,
    },
    /// The endpoint exists, but nobody listens.
    #[error("nobody listens at {endpoint}: start the reader first")]
    NobodyListens {
        /// As given.
        endpoint: String,
    },
    /// The path is something else than the transport needs.
    #[error("{endpoint} is not {expected}")]
    WrongKind {
        /// As given.
        endpoint: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Somebody listens, but did not take the connection in time.
    #[error("{endpoint} did not take the connection within {} ms: its backlog is full", CONNECT_TIMEOUT.as_millis())]
    TimedOut {
        /// As given.
        endpoint: String,
    },
    /// The operating system refused for another reason.
    #[error("{endpoint}: {source}")]
    Io {
        /// As given.
        endpoint: String,
        /// Its error.
        source: io::Error,
    },
}

impl TransportError {
    /// The variant for what the operating system said of `endpoint`.
    fn of(endpoint: &str, source: io::Error) -> TransportError {
        let endpoint = endpoint.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => TransportError::NotFound { endpoint },
            io::ErrorKind::ConnectionRefused => TransportError::NobodyListens { endpoint },
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportError::TimedOut { endpoint },
            _ => TransportError::Io { endpoint, source },
        }
    }
}

/// Opens `endpoint`, within one second. The descriptor is close-on-exec, and gone on error.
pub fn connect(transport: StreamTransport, endpoint: &str) -> Result<Box<dyn Transport>, TransportError> {
    match transport {
        StreamTransport::Unspecified => Err(TransportError::Unspecified),
        StreamTransport::UnixDomainSocket => Ok(Box::new(uds::Uds::connect(endpoint)?)),
        StreamTransport::TcpLoopback => Ok(Box::new(tcp::Tcp::connect(endpoint)?)),
        StreamTransport::File => create_file(Path::new(endpoint)),
    }
}

/// Creates the file `path`, or empties the one that is there.
pub(crate) fn create_file(path: &Path) -> Result<Box<dyn Transport>, TransportError> {
    Ok(Box::new(file::File::create(path)?))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use std::{fs, thread};

    use super::*;

    type Pair = (Box<dyn Transport>, Box<dyn Read>);

    /// Each kind of socket, connected, with its reader.
    fn pairs(name: &str) -> [Pair; 2] {
        let path = std::env::temp_dir().join(format!("air-pair-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        let unix = UnixListener::bind(&path).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().to_string();
        let by_path = connect(StreamTransport::UnixDomainSocket, path.to_str().unwrap()).unwrap();
        let by_port = connect(StreamTransport::TcpLoopback, &port).unwrap();
        fs::remove_file(path).unwrap();
        [(by_path, Box::new(unix.accept().unwrap().0)), (by_port, Box::new(tcp.accept().unwrap().0))]
    }

    /// TR-4
    #[test]
    fn no_transport_is_refused() {
        let refused = connect(StreamTransport::Unspecified, "/tmp/x").err().unwrap();
        assert!(matches!(refused, TransportError::Unspecified), "{refused}");
    }

    /// TR-10: a typed error, no signal. TCP learns of it from the answer to the first bytes.
    #[test]
    fn a_reader_that_has_gone_ends_the_writing() {
        for (mut transport, reader) in pairs("gone") {
            drop(reader);
            let error = (0..1000).find_map(|_| transport.write_all(&[0x47; 4096]).err()).unwrap();
            let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
            assert!(gone.contains(&error.kind()), "{error}");
        }
    }

    /// TR-11: a reader that does not read costs bounded waits, no byte and no order.
    #[test]
    fn a_reader_that_sleeps_makes_a_write_give_up_not_fail() {
        for (mut transport, mut reader) in pairs("asleep") {
            let block = vec![0x47; 1 << 20];
            let mut written = 0;
            let error = loop {
                match transport.write(&block) {
                    Ok(some) => written += some,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            drop(transport);
            assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), written);
        }
    }

    /// TD-5: close ends a blocked write from another thread, and nothing goes out after it.
    #[test]
    fn closing_ends_a_blocked_write() {
        for (mut transport, mut reader) in pairs("blocked") {
            let closer = transport.closer();
            let block = vec![0x47; 64 << 20];
            let writing = thread::spawn(move || {
                let error = transport.write_all(&block).unwrap_err();
                (error.kind(), transport.write(b"late").unwrap_err().kind())
            });
            reader.read_exact(&mut [0; 1000]).unwrap();
            closer.close();
            assert_eq!(writing.join().unwrap(), (io::ErrorKind::BrokenPipe, io::ErrorKind::BrokenPipe));
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
            assert!(!rest.ends_with(b"late"));
            closer.close();
        }
    }

    #[test]
    fn a_closed_memory_takes_nothing_more() {
        let (mut memory, capture) = Memory::new();
        memory.write_all(b"G123").unwrap();
        memory.closer().close();
        assert_eq!(memory.write(b"G456").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(
            (capture.bytes(), capture.take(), capture.bytes()),
            (b"G123".into(), b"G123".into(), vec![])
        );
    }
}
