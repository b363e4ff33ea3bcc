//! Connections to the server, over TCP and Unix sockets alike, and what keeps any number of them, or silent ones, from
//! taking the descriptors and the memory that playout needs.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tonic::transport::Server;
use tonic::transport::server::Connected;

/// Connections at a time to one listener: a control plane has a few, each channel's watchers a few more. A default limit
/// of 1024 descriptors leaves the channels half of them when there are two.
pub const MOST_CONNECTIONS: usize = 256;

/// How long a connection may say nothing at first.
pub const FIRST_WORD_WITHIN: Duration = Duration::from_secs(10);

/// Calls at a time on a connection; more wait in the caller.
const MOST_CALLS: u32 = 64;

/// A caller that has vanished without a word is asked after this long …
const ASKED_EVERY: Duration = Duration::from_secs(30);

/// … and given up when it has not answered for this long.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Bytes of one request: far more than any needs, since a plan handle may be a plan.
pub const MOST_REQUEST_BYTES: usize = 1 << 20;

/// Pause when the process has no descriptor for a connection.
const SHORT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A gRPC server with those limits that are HTTP/2's.
pub fn limited_server() -> Server {
    Server::builder()
        .max_concurrent_streams(MOST_CALLS)
        .http2_keepalive_interval(Some(ASKED_EVERY))
        .http2_keepalive_timeout(Some(ANSWERS_WITHIN))
}

/// Takes connections from any number of listeners, each of which has room of its own: whoever fills a port keeps nobody
/// from the Unix socket.
#[derive(Clone, Debug)]
pub struct Door {
    most: usize,
    patience: Duration,
    inside: mpsc::Sender<io::Result<Connection>>,
}

impl Door {
    /// A door for `most` connections of a listener at a time, each of which has to say something within `patience`; and where they
    /// come in.
    pub fn new(most: usize, patience: Duration) -> (Door, mpsc::Receiver<io::Result<Connection>>) {
        let (inside, connections) = mpsc::channel(1);
        (Door { most, patience, inside }, connections)
    }

    /// Accepts for as long as there is a server.
    pub async fn open(self, listener: impl Listener) {
        let room = Arc::new(Semaphore::new(self.most));
        while !self.inside.is_closed() {
            match listener.accept().await {
                Ok(stream) => self.admit(stream, &room),
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    sleep(SHORT_OF_DESCRIPTORS).await;
                }
            }
        }
    }

    /// Lets `stream` in as soon as it says something, if there is `room` for it now.
    fn admit(&self, stream: impl Stream, room: &Arc<Semaphore>) {
        let Ok(place) = Arc::clone(room).try_acquire_owned() else {
            tracing::warn!("a connection is refused: as many are open as there may be");
            return;
        };
        let (inside, patience) = (self.inside.clone(), self.patience);
        tokio::spawn(async move {
            if timeout(patience, stream.speaks()).await.is_ok_and(|spoke| spoke.is_ok()) {
                let _ = inside.send(Ok(Connection { stream: Box::pin(stream), _place: place })).await;
            }
        });
    }
}

/// What connections come from.
pub trait Listener: Send + Sync + 'static {
    /// The next one.
    fn accept(&self) -> impl Future<Output = io::Result<impl Stream>> + Send;
}

impl Listener for TcpListener {
    async fn accept(&self) -> io::Result<impl Stream> {
        let (stream, _) = TcpListener::accept(self).await?;
        stream.set_nodelay(true)?; // A reply is one small packet: it must not wait for another.
        Ok(stream)
    }
}

impl Listener for UnixListener {
    async fn accept(&self) -> io::Result<impl Stream> {
        Ok(UnixListener::accept(self).await?.0)
    }
}

/// The bytes of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + 'static {
    /// Ends when there is something to read, or the end.
    fn speaks(&self) -> impl Future<Output = io::Result<()>> + Send;
}

impl Stream for TcpStream {
    async fn speaks(&self) -> io::Result<()> {
        self.async_io(Interest::READABLE, || peek(self)).await
    }
}

impl Stream for UnixStream {
    async fn speaks(&self) -> io::Result<()> {
        self.async_io(Interest::READABLE, || peek(self)).await
    }
}

fn peek(stream: &impl AsFd) -> io::Result<()> {
    rustix::net::recv(stream, &mut [0_u8], RecvFlags::PEEK)?;
    Ok(())
}

trait Bytes: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Bytes for T {}

/// One that has been let in; its place is free again when it is dropped.
pub struct Connection {
    stream: Pin<Box<dyn Bytes>>,
    _place: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn door(most: usize, patience: Duration) -> (SocketAddr, mpsc::Receiver<io::Result<Connection>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (door, connections) = Door::new(most, patience);
        tokio::spawn(door.open(listener));
        (address, connections)
    }

    async fn speaker(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"PRI").await.unwrap();
        stream
    }

    #[tokio::test]
    async fn one_connection_too_many_is_closed_at_once_and_its_place_is_free_again_later() {
        let (address, mut connections) = door(1, FIRST_WORD_WITHIN).await;
        let _first = speaker(address).await;
        let inside = connections.recv().await.unwrap().unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
        drop(inside);
        let _third = speaker(address).await;
        let mut read = [0; 3];
        connections.recv().await.unwrap().unwrap().read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"PRI");
    }

    #[tokio::test]
    async fn a_listener_that_is_full_keeps_nobody_from_another() {
        let listeners = [
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        ];
        let [full, free] = [0, 1].map(|at: usize| listeners[at].local_addr().unwrap());
        let (door, mut connections) = Door::new(1, FIRST_WORD_WITHIN);
        for listener in listeners {
            tokio::spawn(door.clone().open(listener));
        }
        let _idle = speaker(full).await;
        let _held = connections.recv().await.unwrap().unwrap();
        let _operator = speaker(free).await;
        assert!(timeout(FIRST_WORD_WITHIN, connections.recv()).await.is_ok());
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_is_closed() {
        let (address, _connections) = door(1, Duration::ZERO).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    }
}
