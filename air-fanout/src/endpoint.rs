//! Where the engine connects: a Unix socket in a private directory of its own, both gone when dropped.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// `sun_path` holds 108 bytes, the last of them a NUL.
const LONGEST_PATH: usize = 107;

#[derive(Debug)]
pub(crate) struct Endpoint {
    listener: UnixListener,
    directory: PathBuf,
    path: PathBuf,
}

impl Endpoint {
    /// Listens in the system's temporary directory, or in `/tmp` when that one's name is too long.
    pub fn new() -> io::Result<Self> {
        let directory = private_directory()?;
        let path = directory.join("stream");
        let listener = UnixListener::bind(&path).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match listener {
            Ok(listener) => Ok(Self { listener, directory, path }),
            Err(error) => {
                remove(&path, &directory);
                Err(error)
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next engine that waits, if any. An error is the system's, as no descriptors left.
    pub fn accept(&self) -> io::Result<Option<UnixStream>> {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        match self.listener.accept() {
            Ok((engine, _)) => engine.set_nonblocking(true).map(|()| Some(engine)),
            Err(error) if matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        remove(&self.path, &self.directory);
    }
}

/// Without a descriptor, of which there may be none left. Somebody may have tidied up before.
fn remove(path: &Path, directory: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(directory);
}

/// A directory that only this user can enter, with a name that nobody has.
fn private_directory() -> io::Result<PathBuf> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let base = std::env::temp_dir();
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("air-fanout-{}-{number}", std::process::id());
        let fits = base.as_os_str().len() + name.len() + "//stream".len() <= LONGEST_PATH;
        let directory = if fits { base.join(name) } else { Path::new("/tmp").join(name) };
        match DirBuilder::new().mode(0o700).create(&directory) {
            // left by a process of the same number
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| directory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_socket_is_in_a_directory_of_its_own_and_both_are_gone_after() {
        let (one, two) = (Endpoint::new().unwrap(), Endpoint::new().unwrap());
        assert_ne!(one.path(), two.path());
        let directory = one.path().parent().unwrap().to_owned();
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(one.accept().unwrap().is_none());
        let _engine = UnixStream::connect(one.path()).unwrap();
        assert!(one.accept().unwrap().is_some());
        drop(one);
        assert!(!directory.exists());
    }
}
