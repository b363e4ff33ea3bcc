//! What can go wrong inside the fence, and the one place where libav's return codes become errors.

use std::ffi::{CStr, c_char, c_int};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use ffmpeg_sys_next as ff;
use rustix::io::Errno;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Every failure of this crate, worded for the operator who reads it in a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A libav call failed.
    #[error("{call}: {text}")]
    Av {
        /// The libav function.
        call: &'static str,
        /// Its return code, negative.
        code: i32,
        /// libav's text for the code.
        text: String,
    },
    /// The [`Interrupt`](crate::Interrupt) was tripped while the operation ran or before it began.
    #[error("interrupted")]
    Interrupted,
    /// The file could not be opened or examined.
    #[error("{}: {source}", path.display())]
    Open {
        /// The path as given.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The name looks like a URL or a libav protocol, and no local file is called so.
    #[error("{}: only local files are played, no URL or protocol", path.display())]
    NotLocal {
        /// The name as given.
        path: PathBuf,
    },
    /// The path names something that is neither a regular file nor a FIFO.
    #[error("{}: is a {kind}, not a media file", path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
        /// What it is, in a word: "directory", "socket", "device".
        kind: &'static str,
    },
    /// The file holds no bytes.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
    },
    /// The content is a playlist, a script or a description of other media, which is never followed, or text.
    #[error("{}: is a list, script or text ({format}), not media", path.display())]
    Refused {
        /// The path as given.
        path: PathBuf,
        /// libav's name of the format.
        format: String,
    },
    /// The container opened, but nothing in it can be shown or heard.
    #[error("{}: no video or audio stream that can be decoded", path.display())]
    NoStreams {
        /// The path as given.
        path: PathBuf,
    },
    /// This build of libav has no decoder for the stream.
    #[error("no decoder for {codec}")]
    NoDecoder {
        /// The codec's name.
        codec: String,
    },
    /// This build of libav has no such encoder for this kind of media.
    #[error("unknown encoder {name}")]
    UnknownEncoder {
        /// The name asked for.
        name: String,
    },
    /// The encoder has no option of that name.
    #[error("encoder {encoder} has no option {name}")]
    UnknownOption {
        /// The option's name.
        name: String,
        /// The encoder asked.
        encoder: String,
    },
    /// The value of an option or of a configuration field is not one the encoder or filter can take.
    #[error("{name}={value} is not valid: {reason}")]
    InvalidOption {
        /// The option or field.
        name: String,
        /// The value given.
        value: String,
        /// Why it is refused.
        reason: String,
    },
    /// A picture or samples came in a format other than the one agreed when the graph or encoder was made.
    #[error("format changed: expected {expected}, got {got}")]
    FormatChanged {
        /// What was agreed.
        expected: String,
        /// What came.
        got: String,
    },
    /// libav delivered something this crate does not hand out: missing planes, hardware surfaces, absurd sizes.
    #[error("unsupported: {what}")]
    Unsupported {
        /// What was met.
        what: String,
    },
}

impl Error {
    pub(crate) fn open(path: &Path, source: std::io::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }

    pub(crate) fn invalid(name: &str, value: impl ToString, reason: impl ToString) -> Self {
        Self::InvalidOption { name: name.into(), value: value.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}

/// How a libav call that moves data ended when it did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It did what was asked; the value is the code, zero or above.
    Done(c_int),
    /// `EAGAIN`: nothing is wrong, the other side must move first.
    Again,
    /// `AVERROR_EOF`: there will be no more.
    End,
}

pub(crate) const EAGAIN: c_int = -Errno::AGAIN.raw_os_error();
pub(crate) const EPERM: c_int = -Errno::PERM.raw_os_error();

/// The one place where a return code becomes an error, for calls that can wait for data.
pub(crate) fn step(call: &'static str, code: c_int) -> Result<Step> {
    match code {
        0.. => Ok(Step::Done(code)),
        EAGAIN => Ok(Step::Again),
        ff::AVERROR_EOF => Ok(Step::End),
        ff::AVERROR_EXIT => Err(Error::Interrupted),
        _ => Err(Error::Av { call, code, text: describe(code) }),
    }
}

/// As [`step`], for calls in which waiting and ending are failures too.
pub(crate) fn check(call: &'static str, code: c_int) -> Result<c_int> {
    match step(call, code)? {
        Step::Done(value) => Ok(value),
        Step::Again | Step::End => Err(Error::Av { call, code, text: describe(code) }),
    }
}

/// libav's text for a code.
pub(crate) fn describe(code: c_int) -> String {
    let mut text = [0 as c_char; ff::AV_ERROR_MAX_STRING_SIZE];
    // SAFETY: av_strerror writes at most the given size and always terminates it, also for codes it does not know.
    unsafe { ff::av_strerror(code, text.as_mut_ptr(), text.len()) };
    // SAFETY: the buffer is terminated, see above; it began as zeroes in any case.
    unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned()
}

/// Takes a fresh allocation of libav. Out of memory ends the process here as it does everywhere in Rust.
pub(crate) fn allocated<T>(pointer: *mut T) -> NonNull<T> {
    NonNull::new(pointer).unwrap_or_else(|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<T>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_reads_as_call_and_reason() {
        let error = check("avformat_open_input", ff::AVERROR_INVALIDDATA).unwrap_err();
        assert_eq!(error.to_string(), "avformat_open_input: Invalid data found when processing input");
    }

    /// L-34
    #[test]
    fn waiting_and_ending_are_steps_and_leaving_is_an_interrupt() {
        assert_eq!(step("x", EAGAIN).unwrap(), Step::Again);
        assert_eq!(step("x", ff::AVERROR_EOF).unwrap(), Step::End);
        assert_eq!(step("x", 7).unwrap(), Step::Done(7));
        assert!(matches!(step("x", ff::AVERROR_EXIT), Err(Error::Interrupted)));
    }
}
