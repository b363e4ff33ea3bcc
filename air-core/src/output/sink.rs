//! What the output bus needs of a sink.

use std::fmt;
use std::time::Duration;

use crate::frame::ProgramFrame;

/// What a sink is doing (OB-7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum SinkState {
    /// There is none.
    #[default]
    Idle,
    /// Connected; nothing has been written yet.
    Starting,
    /// Bytes leave on time.
    Running,
    /// The reader is slower than the stream: the queue is growing, or has not drained yet.
    Backpressure,
    /// The reader has gone, or writing failed: nothing more is written.
    Error,
    /// Being closed.
    Stopping,
    /// Closed.
    Stopped,
}

impl SinkState {
    pub(super) const ALL: [SinkState; 7] = [
        SinkState::Idle,
        SinkState::Starting,
        SinkState::Running,
        SinkState::Backpressure,
        SinkState::Error,
        SinkState::Stopping,
        SinkState::Stopped,
    ];
}

impl fmt::Display for SinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SinkState::Idle => "idle",
            SinkState::Starting => "starting",
            SinkState::Running => "running",
            SinkState::Backpressure => "backpressure",
            SinkState::Error => "error",
            SinkState::Stopping => "stopping",
            SinkState::Stopped => "stopped",
        })
    }
}

/// What a sink has written and left out; none of it ever falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkTotals {
    /// Bytes the transport took.
    pub bytes_written: u64,
    /// Writes the transport took.
    pub writes: u64,
    /// Times the transport took too long.
    pub stalls: u64,
    /// Pictures left out because the sink or its reader was too slow.
    pub pictures_dropped: u64,
}

impl SinkTotals {
    /// The sum of both.
    pub fn plus(self, other: SinkTotals) -> SinkTotals {
        SinkTotals {
            bytes_written: self.bytes_written + other.bytes_written,
            writes: self.writes + other.writes,
            stalls: self.stalls + other.stalls,
            pictures_dropped: self.pictures_dropped + other.pictures_dropped,
        }
    }
}

/// Encodes, wraps and writes program frames.
pub trait Sink: Send {
    /// Takes the frame of one tick, without waiting.
    fn offer(&mut self, frame: ProgramFrame);

    /// What it is doing.
    fn state(&self) -> SinkState;

    /// What it has written and left out so far.
    fn totals(&self) -> SinkTotals;

    /// Begins to close; returns at once.
    fn leave(&mut self);

    /// Waits, no longer than `at_most`, until nothing of a sink that leaves runs any more; whether that is so.
    fn wait_left(&mut self, at_most: Duration) -> bool;

    /// Closes: no byte goes out after this returns. `force` says not to wait for the write in progress.
    /// Answers the sink's last totals.
    fn close(self: Box<Self>, force: bool) -> SinkTotals;
}
