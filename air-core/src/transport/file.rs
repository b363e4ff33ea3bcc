//! A file, created or overwritten: recordings, and renders on the virtual clock.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Closer, Transport, TransportError};

/// A file being written.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    closed: Arc<AtomicBool>,
}

impl File {
    /// Creates `path`, or empties the file that is there.
    pub fn create(path: &Path) -> Result<File, TransportError> {
        // Opening a pipe would wait for its reader, and a socket cannot be opened at all.
        let endpoint = || path.display().to_string();
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.file_type().is_char_device()) {
            return Err(TransportError::WrongKind { endpoint: endpoint(), expected: "a file" });
        }
        // A folder that is missing is not a reader that is.
        let file =
            fs::File::create(path).map_err(|source| TransportError::Io { endpoint: endpoint(), source })?;
        Ok(File { file, closed: Arc::default() })
    }
}

impl Transport for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed.load(Ordering::Acquire) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.file.write(bytes)
    }

    fn closer(&self) -> Closer {
        let closed = Arc::clone(&self.closed);
        Closer::new(move || closed.store(true, Ordering::Release))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("air-file-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_file_is_overwritten_and_takes_nothing_after_its_close() {
        let path = path("overwritten");
        fs::write(&path, "an older recording").unwrap();
        let mut file = File::create(&path).unwrap();
        file.write_all(b"G123").unwrap();
        file.closer().close();
        assert_eq!(file.write_all(b"G456").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(fs::read(&path).unwrap(), b"G123");
        fs::remove_file(path).unwrap();
    }

    /// TR-5: neither a directory nor a pipe, whose open would wait for ever.
    #[test]
    fn only_a_file_is_a_file() {
        let pipe = path("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for wrong in [Path::new("/"), &pipe] {
            assert!(
                matches!(File::create(wrong), Err(TransportError::WrongKind { .. })),
                "{}",
                wrong.display()
            );
        }
        for impossible in ["/no/such/folder/x.ts", "a\0b"] {
            assert!(matches!(File::create(Path::new(impossible)), Err(TransportError::Io { .. })));
        }
        fs::remove_file(pipe).unwrap();
    }
}
