//! TCP to this machine, as the client (TR-3). Other machines are refused: the stream is neither
//! encrypted nor authenticated.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use super::{CONNECT_TIMEOUT, Closer, Transport, TransportError, WRITE_TIMEOUT, send};

/// A connection to whoever listens on a loopback port.
#[derive(Debug)]
pub struct Tcp {
    stream: Arc<TcpStream>,
}

impl Tcp {
    /// Connects to `endpoint`, which is `127.0.0.1:port` or `[::1]:port`.
    pub fn connect(endpoint: &str) -> Result<Tcp, TransportError> {
        let address = address(endpoint)?;
        let stream = open(address).map_err(|error| TransportError::of(endpoint, error))?;
        Ok(Tcp { stream: Arc::new(stream) })
    }
}

fn address(endpoint: &str) -> Result<SocketAddr, TransportError> {
    let malformed = |reason| TransportError::Malformed { endpoint: endpoint.to_owned(), reason };
    let address: SocketAddr =
        endpoint.parse().map_err(|_| malformed("is not an address: use 127.0.0.1:port or [::1]:port"))?;
    if !address.ip().is_loopback() {
        return Err(malformed("is another machine: use 127.0.0.1:port or [::1]:port"));
    }
    if address.port() == 0 {
        return Err(malformed("has no port: use the one that the reader listens on"));
    }
    Ok(address)
}

fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    if stream.local_addr()? == address {
        // Nobody listens, and the kernel happened to give us that very port: we met ourselves.
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    Ok(stream)
}

impl Transport for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        send(&self.stream, bytes)
    }

    fn closer(&self) -> Closer {
        Closer::of_socket(&self.stream)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    /// TR-3: both loopback addresses work, and small writes leave at once.
    #[test]
    fn bytes_reach_a_loopback_listener() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            // A machine without IPv6 has nothing to listen on.
            let Ok(listener) = TcpListener::bind(host) else { continue };
            let mut tcp = Tcp::connect(&listener.local_addr().unwrap().to_string()).unwrap();
            assert!(tcp.stream.nodelay().unwrap());
            tcp.write_all(b"G123").unwrap();
            drop(tcp);
            let mut read = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut read).unwrap();
            assert_eq!(read, b"G123");
        }
    }

    /// TR-3, TR-5: no name is looked up, no other machine is contacted.
    #[test]
    fn anything_but_a_loopback_address_is_refused() {
        let elsewhere = ["192.0.2.1:5000", "0.0.0.0:5000", "[2001:db8::1]:5000", "[::ffff:127.0.0.1]:5000"];
        let not_one =
            ["", "localhost:5000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:0", "/tmp/s"];
        for endpoint in elsewhere.into_iter().chain(not_one) {
            let refused = Tcp::connect(endpoint).expect_err(endpoint);
            assert!(matches!(refused, TransportError::Malformed { .. }), "{endpoint}: {refused}");
        }
    }

    #[test]
    fn a_port_where_nobody_listens_says_so() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let refused = Tcp::connect(&gone).expect_err(&gone);
        assert!(matches!(refused, TransportError::NobodyListens { .. }), "{refused}");
    }
}
