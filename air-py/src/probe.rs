//! What a file is. It is opened on a thread of its own, so that the caller's can answer signals, and so that a file
//! which does not answer is given up.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use air_core::{Interrupt, MediaInfo};
use pyo3::prelude::*;

use crate::convert::AirError;

/// How long a file may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the host is asked for signals meanwhile.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// `air_py.MediaInfo`.
#[derive(IntoPyObject)]
pub struct MediaFields {
    duration_ns: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<String>,
    video_codec: Option<&'static str>,
    audio_codec: Option<&'static str>,
    channels: Option<u32>,
    sample_rate: Option<u32>,
    is_still: bool,
}

impl From<MediaInfo> for MediaFields {
    fn from(info: MediaInfo) -> Self {
        Self {
            duration_ns: info.duration_ns,
            width: info.size.map(|(width, _)| width),
            height: info.size.map(|(_, height)| height),
            frame_rate: info.frame_rate.map(|rate| rate.to_string()),
            video_codec: info.video_codec,
            audio_codec: info.audio_codec,
            channels: info.channels,
            sample_rate: info.sample_rate,
            is_still: info.is_still,
        }
    }
}

/// What `asset` is.
#[pyfunction]
pub fn probe(py: Python<'_>, asset: &str) -> PyResult<MediaFields> {
    let (interrupt, begun) = (Interrupt::new(), Instant::now());
    let mut raised = None;
    let probed = py.detach(|| {
        std::thread::scope(|scope| {
            let (running, ended) = sync_channel::<()>(0);
            let interrupt = &interrupt;
            let probing = scope.spawn(move || {
                // Dropped when the thread ends, however it does.
                let _running = running;
                air_core::probe(asset, interrupt)
            });
            while ended.recv_timeout(SIGNAL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                raised = raised.take().or(Python::attach(|py| py.check_signals()).err());
                if raised.is_some() || begun.elapsed() > PATIENCE {
                    interrupt.trip();
                }
            }
            probing.join().ok()
        })
    });
    match (raised, probed) {
        (Some(error), _) => Err(error),
        (None, Some(Ok(info))) => Ok(info.into()),
        (None, Some(Err(_))) if interrupt.is_tripped() => {
            Err(AirError::new_err(format!("{asset}: not read within {} s", PATIENCE.as_secs())))
        }
        (None, Some(Err(error))) => Err(AirError::new_err(error.to_string())),
        (None, None) => Err(AirError::new_err(format!("{asset}: the probe broke off"))),
    }
}
