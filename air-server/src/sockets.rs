//! Where the server listens: a TCP address, and a Unix socket of its own.
//!
//! Nothing here is encrypted or asks who is there: a TCP port beyond loopback is opened only when it is asked for, and
//! then said in the log; a Unix socket is this user's only.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 128;

/// Listens on `address`, `host:port`.
pub async fn tcp(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    let at = listener.local_addr()?;
    tracing::info!("gRPC on {at}");
    if !at.ip().is_loopback() {
        tracing::warn!(
            "{at} is open to others, unencrypted and without authentication: whoever reaches it commands every \
             channel and can play any file that this process may read; --uds and --media-root narrow that"
        );
    }
    Ok(listener)
}

/// A Unix socket's path that is listened on; the end removes it.
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    /// (device, inode): what is removed must be the socket made here.
    made: Option<(u64, u64)>,
}

impl SocketPath {
    /// Listens on `path`, for this user only. A socket that nobody listens on any more gives way; anything else that is
    /// there stays, and is the error.
    pub async fn listen(path: &Path) -> io::Result<(UnixListener, SocketPath)> {
        make_room(path).await?;
        let socket = UnixSocket::new_stream()?;
        // Linux gives the path the mode of the socket: nobody else can connect, not even for a moment.
        fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
        socket.bind(path)?;
        let made = identity(path);
        let listener = socket.listen(BACKLOG)?;
        tracing::info!("gRPC on {}", path.display());
        Ok((listener, SocketPath { path: path.to_owned(), made }))
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        // Somebody else may have removed it, or may listen there now.
        if self.made.is_some() && identity(&self.path) == self.made {
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn make_room(path: &Path) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(in_use("there is a file already, which is no socket; it is left alone"));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(in_use("another process listens there")),
    }
}

fn in_use(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, reason)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder of its own for each test, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("air-sockets-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn socket(&self) -> PathBuf {
            self.0.join("air.sock")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn refusal(path: &Path) -> String {
        SocketPath::listen(path).await.expect_err("must not listen").to_string()
    }

    #[tokio::test]
    async fn the_socket_is_this_users_only_and_is_removed_at_the_end() {
        let folder = Folder::new("mode");
        let path = folder.socket();
        let (listener, held) = SocketPath::listen(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(UnixStream::connect(&path).await.is_ok());
        drop((listener, held));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_left_behind_gives_way_and_one_in_use_does_not() {
        let folder = Folder::new("stale");
        let path = folder.socket();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap()); // As a killed server leaves it.
        let (_listener, _held) = SocketPath::listen(&path).await.unwrap();
        assert_eq!(refusal(&path).await, "another process listens there");
        assert!(UnixStream::connect(&path).await.is_ok());
    }

    #[tokio::test]
    async fn another_servers_socket_is_not_removed() {
        let folder = Folder::new("taken");
        let path = folder.socket();
        let (_listener, held) = SocketPath::listen(&path).await.unwrap();
        fs::rename(&path, folder.0.join("ours")).unwrap();
        let (_others, _held) = SocketPath::listen(&path).await.unwrap();
        drop(held);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn what_is_no_socket_is_told_and_left_alone() {
        let folder = Folder::new("file");
        fs::write(folder.socket(), "kept").unwrap();
        assert!(refusal(&folder.socket()).await.contains("no socket"));
        assert_eq!(fs::read(folder.socket()).unwrap(), b"kept");
        assert!(refusal(&folder.0).await.contains("no socket"));
        assert!(refusal(&folder.0.join("none/air.sock")).await.contains("No such file"));
        assert!(refusal(&folder.0.join("a".repeat(108))).await.contains("shorter than SUN_LEN"));
    }
}
