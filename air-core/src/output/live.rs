//! The sink of a channel on air: a lane that encodes and wraps, and a writer that keeps time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::fifo::{Bound, Fifo};
use super::lane::{Lane, OnLost};
use super::pace::{Pace, SinkStatus};
use super::packer::{PackError, Packer};
use super::sink::{Sink, SinkState, SinkTotals};
use crate::config::SinkConfig;
use crate::format::ProgramFormat;
use crate::frame::ProgramFrame;
use crate::time::Clock;
use crate::transport::Transport;

/// Longest wait when a sink is closed: for a picture in the encoder's hands.
const STOPS_WITHIN: Duration = Duration::from_millis(150);

/// Why a sink could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Encoder or mux said no.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// No thread could be had.
    #[error("no thread for the sink: {0}")]
    Thread(#[from] std::io::Error),
}

/// A lane and a writer.
pub struct LiveSink {
    lane: Lane,
    pace: Pace,
    status: Arc<SinkStatus>,
}

impl LiveSink {
    /// Opens the sink, whose threads are named after `name`; `on_lost` is called, on one of them, if it
    /// cannot go on.
    pub fn open(
        name: &str,
        config: &SinkConfig,
        format: &ProgramFormat,
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
        on_lost: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<LiveSink, SinkError> {
        let packer = Packer::open(config, format)?;
        let rates = config.video_rates(format);
        let bitrate = config.mux_rate.unwrap_or(rates.bitrate + config.audio_bitrate);
        let fifo = Fifo::new(Bound::new(Bound::DEFAULT_MEDIA, bitrate));
        let on_lost: OnLost = Arc::new(on_lost);
        let pace =
            Pace::start(format!("{name}-write"), clock, fifo.clone(), transport, Arc::clone(&on_lost))?;
        let lane = Lane::start(format!("{name}-lane"), packer, fifo, on_lost)?;
        Ok(LiveSink { lane, status: pace.status(), pace })
    }
}

impl Sink for LiveSink {
    fn offer(&mut self, frame: ProgramFrame) {
        self.lane.offer(frame);
    }

    fn state(&self) -> SinkState {
        self.status.state()
    }

    fn totals(&self) -> SinkTotals {
        let counters = &self.status.counters;
        SinkTotals {
            bytes_written: counters.bytes_written.load(Ordering::Relaxed),
            writes: counters.writes.load(Ordering::Relaxed),
            stalls: counters.stalls.load(Ordering::Relaxed),
            pictures_dropped: self.lane.pictures_dropped(),
        }
    }

    /// The writer first: no byte after this. Then the lane, which ends with the picture it has in hand.
    fn leave(&mut self) {
        self.pace.stop();
        self.lane.stop();
    }

    fn wait_left(&mut self, at_most: Duration) -> bool {
        let written = self.pace.wait_stopped(at_most);
        // The wait for the writer is short, unless it is stuck; then the lane has had its time.
        self.lane.wait_stopped(if written { at_most } else { Duration::ZERO }) && written
    }

    fn close(mut self: Box<Self>, force: bool) -> SinkTotals {
        if !force {
            self.pace.finish_write();
        }
        self.leave();
        if !self.wait_left(STOPS_WITHIN) {
            tracing::warn!("a sink did not end in time and was abandoned");
        }
        self.totals()
    }
}
