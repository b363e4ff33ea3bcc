//! The bytes of a local file for libavformat, every wait of which can be ended.
//!
//! libav's own protocols are not used at all: a name is a path, a path is opened here, and what libavformat sees
//! is an `AVIOContext` on these functions. Regular files can be sought in; a FIFO is read as it comes.

use std::ffi::{c_int, c_void};
use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

use ffmpeg_sys_next as ff;
use rustix::fs::{OFlags, SeekFrom};
use rustix::io::Errno;

use crate::Interrupt;
use crate::error::{Error, Result, allocated};

/// Enough that a 20 Mb/s file needs some 40 reads a second, small beside a decoded picture.
const BUFFER_BYTES: usize = 64 * 1024;

/// An opened file as an `AVIOContext`.
pub(crate) struct Input {
    context: NonNull<ff::AVIOContext>,
    /// Counted rather than owned: the callbacks of libav hold its address.
    file: Arc<LocalFile>,
}

impl Input {
    /// Opens a regular file or FIFO without ever blocking on it.
    pub(crate) fn open(path: &Path, interrupt: &Interrupt) -> Result<Self> {
        let file = Arc::new(LocalFile::open(path, interrupt)?);
        let opaque = Arc::as_ptr(&file).cast_mut().cast();
        let seek = file.is_regular.then_some(seek as unsafe extern "C" fn(_, _, _) -> _);
        // SAFETY: no precondition.
        let buffer = allocated(unsafe { ff::av_malloc(BUFFER_BYTES) });
        // SAFETY: the buffer is of that size and passes to the context; the opaque pointer outlives it, since
        // both end in our `drop`.
        let context = unsafe {
            let size = BUFFER_BYTES as c_int;
            ff::avio_alloc_context(buffer.as_ptr().cast(), size, 0, opaque, Some(read), None, seek)
        };
        Ok(Self { context: allocated(context), file })
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ff::AVIOContext {
        self.context.as_ptr()
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.file.interrupt
    }

    /// For libav's loops that do not read. Valid as long as self.
    pub(crate) fn interrupt_callback(&self) -> ff::AVIOInterruptCB {
        let opaque = (&raw const self.file.interrupt).cast_mut().cast();
        ff::AVIOInterruptCB { callback: Some(is_interrupted), opaque }
    }

    /// Whether the file can be gone back in: a FIFO cannot.
    pub(crate) fn is_seekable(&self) -> bool {
        self.file.is_regular
    }

    /// The error that ended the reading, if it was one rather than the end: demuxers like to hide it.
    pub(crate) fn error(&self) -> Option<c_int> {
        // SAFETY: the context is valid for as long as self.
        Some(unsafe { (*self.context.as_ptr()).error }).filter(|&code| code < 0 && code != ff::AVERROR_EOF)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: the context is ours; libav may have replaced the buffer by a larger one, which is then ours too.
        unsafe {
            ff::av_freep((&raw mut (*context).buffer).cast());
            ff::avio_context_free(&raw mut context);
        }
    }
}

struct LocalFile {
    file: File,
    is_regular: bool,
    interrupt: Interrupt,
}

impl LocalFile {
    fn open(path: &Path, interrupt: &Interrupt) -> Result<Self> {
        // Before opening, since opening a device can have effects; and after, since a name can change its meaning.
        let examined = std::fs::metadata(path).map_err(|source| explain(path, source))?;
        refuse_unless_readable(path, &examined)?;
        // O_NONBLOCK: opening a FIFO that nobody writes must not wait for a writer.
        let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY).bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(|source| Error::open(path, source))?;
        let opened = file.metadata().map_err(|source| Error::open(path, source))?;
        refuse_unless_readable(path, &opened)?;
        Ok(Self { file, is_regular: opened.is_file(), interrupt: interrupt.clone() })
    }

    /// Reads what there is, waiting for at least a byte or the end.
    fn read(&self, buffer: &mut [MaybeUninit<u8>]) -> c_int {
        loop {
            match self.interrupt.wait_readable(self.file.as_fd()) {
                Ok(true) => {}
                Ok(false) => return ff::AVERROR_EXIT,
                Err(errno) => return -errno.raw_os_error(),
            }
            match rustix::io::read(&self.file, &mut *buffer) {
                Ok(([], _)) => return ff::AVERROR_EOF,
                Ok((read, _)) => return c_int::try_from(read.len()).unwrap_or(c_int::MAX),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return -errno.raw_os_error(),
            }
        }
    }

    fn seek(&self, offset: i64, whence: c_int) -> i64 {
        let position = match whence & !ff::AVSEEK_FORCE {
            ff::AVSEEK_SIZE => return self.file.metadata().map_or(-1, |file| file.len().cast_signed()),
            0 if offset >= 0 => SeekFrom::Start(offset.unsigned_abs()),
            1 => SeekFrom::Current(offset),
            2 => SeekFrom::End(offset),
            _ => return i64::from(-Errno::INVAL.raw_os_error()),
        };
        match rustix::fs::seek(&self.file, position) {
            Ok(position) => position.cast_signed(),
            Err(errno) => i64::from(-errno.raw_os_error()),
        }
    }
}

/// A name nobody has a file under, and which looks like libav's `protocol:rest`, gets the clearer answer.
fn explain(path: &Path, source: std::io::Error) -> Error {
    let name = path.to_string_lossy();
    let scheme = name.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.,".contains(c))
    };
    if source.kind() == ErrorKind::NotFound && scheme.is_some_and(is_scheme) {
        return Error::NotLocal { path: path.to_owned() };
    }
    Error::open(path, source)
}

fn refuse_unless_readable(path: &Path, file: &Metadata) -> Result<()> {
    let kind = file.file_type();
    let refused = |kind| Err(Error::NotAFile { path: path.to_owned(), kind });
    match () {
        () if kind.is_file() && file.len() == 0 => Err(Error::Empty { path: path.to_owned() }),
        () if kind.is_file() || kind.is_fifo() => Ok(()),
        () if kind.is_dir() => refused("directory"),
        () if kind.is_socket() => refused("socket"),
        () => refused("device"),
    }
}

unsafe extern "C" fn read(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    // SAFETY: `opaque` is the LocalFile given to avio_alloc_context, alive as long as the context and only ever
    // shared; libav lends `size` bytes at `buffer`, initialised or not, for the call.
    let (file, buffer) = unsafe {
        let size = usize::try_from(size).unwrap_or(0);
        (&*opaque.cast::<LocalFile>(), slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), size))
    };
    file.read(buffer)
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: `opaque` is the LocalFile given to avio_alloc_context, alive as long as the context.
    unsafe { &*opaque.cast::<LocalFile>() }.seek(offset, whence)
}

unsafe extern "C" fn is_interrupted(opaque: *mut c_void) -> c_int {
    // SAFETY: `opaque` is the Interrupt within a LocalFile, which outlives the format context that calls.
    c_int::from(unsafe { &*opaque.cast::<Interrupt>() }.is_tripped())
}
