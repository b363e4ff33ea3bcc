//! One process-wide lock around the opening of codecs.
//!
//! libav says that `avcodec_open2` may be called from several threads; the libraries behind it have not always kept
//! the promise, and engines have died of it at a change of segment. So every codec this crate opens, it opens in
//! [`serialised`]. Nothing else takes the lock: not reading, decoding, encoding, filtering, and not probing.
//!
//! Probing opens decoders too, inside `avformat_find_stream_info`, and decodes with them. Under the lock, a large
//! picture at the head of one file would hold up every other open for as long as its decoding takes, and no
//! interrupt ends that. For these decoders libav's own guards must do, and from FFmpeg 5.1, the oldest this crate
//! compiles with, they do: `avcodec_open2` takes a mutex of its own around the `init` of every codec that is not
//! marked thread-safe (`codec_mutex` in avcodec.c), and the tables that decoders share (the FFT's and SBR's among
//! them) are built under `ff_thread_once`. `tests/concurrency.rs` opens AAC, AC-3 and H.264 from all sides to see.

use std::sync::{Mutex, PoisonError};

static OPENING: Mutex<()> = Mutex::new(());

/// Runs `open` while no other thread of the process opens a codec of its own. Not reentrant.
pub(crate) fn serialised<T>(open: impl FnOnce() -> T) -> T {
    // The lock protects no data of ours: a panic elsewhere leaves nothing behind to distrust.
    let _guard = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    open()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::{Demuxer, Interrupt};

    /// Half a second of silence: a canonical WAVE file of 16-bit mono at 8 kHz.
    fn wave() -> Vec<u8> {
        let (rate, block_align, data_bytes) = (8000u32, 2u16, 8000u32);
        let mut bytes = [&b"RIFF"[..], &(36 + data_bytes).to_le_bytes(), b"WAVEfmt "].concat();
        bytes.extend([&16u32.to_le_bytes()[..], &1u16.to_le_bytes(), &1u16.to_le_bytes()].concat());
        bytes.extend([rate.to_le_bytes(), (rate * 2).to_le_bytes()].concat());
        bytes.extend([block_align.to_le_bytes(), 16u16.to_le_bytes()].concat());
        bytes.extend([&b"data"[..], &data_bytes.to_le_bytes()].concat());
        bytes.resize(bytes.len() + data_bytes as usize, 0);
        bytes
    }

    /// L-10: whatever a probe costs, no open waits for it, for it never has the lock that opens wait for.
    #[test]
    fn a_file_is_probed_without_the_lock() {
        let path = std::env::temp_dir().join(format!("air-av-probe-{}.wav", std::process::id()));
        std::fs::write(&path, wave()).unwrap();
        let (send, opened) = mpsc::channel();
        let opener = path.clone();
        serialised(|| {
            thread::spawn(move || {
                let demuxer = Demuxer::open(&opener, &Interrupt::new());
                let _ = send.send(demuxer.is_ok_and(|demuxer| demuxer.audio().is_some()));
            });
            // Real time, to fail rather than hang.
            assert_eq!(opened.recv_timeout(Duration::from_secs(10)), Ok(true));
        });
        std::fs::remove_file(path).unwrap();
    }
}
