//! Fakes for the tests of this crate: a source that follows a script, a sink and a log that remember.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::control::SegmentId;
use crate::frame::{HouseFrame, ProgramFrame, SourcePicture};
use crate::output::{Sink, SinkState, SinkTotals};
use crate::producer::black;
use crate::program::{FrameSource, Next, Readiness, Slot};

/// What a producer has ready when asked: house frame `Some(index)`, nothing yet, and at the end of the script
/// the end. Made for 48 kHz mono at 30000/1001 frames per second.
pub struct Script {
    steps: VecDeque<Option<u64>>,
    readiness: Readiness,
    /// Why the producer, which has made all of its frames, could make no more.
    failed: Option<String>,
    stopped: Arc<AtomicBool>,
}

/// A slot whose segment follows a script, and a view of whether it was stopped.
pub fn scripted(segment: u64, steps: impl IntoIterator<Item = Option<u64>>) -> (Slot, Arc<AtomicBool>) {
    let stopped = Arc::new(AtomicBool::new(false));
    let steps: VecDeque<_> = steps.into_iter().collect();
    let readiness =
        if steps.front().is_some_and(Option::is_none) { Readiness::Cueing } else { Readiness::Cued };
    let script = Script { steps, readiness, failed: None, stopped: Arc::clone(&stopped) };
    (slot(segment, script), stopped)
}

/// A slot whose producer has made `frames` and failed at the next one, for `reason`.
pub fn broken_after(segment: u64, frames: u64, reason: &str) -> Slot {
    let steps = (0..frames).map(Some).collect();
    let failed = Some(reason.to_owned());
    slot(segment, Script { steps, readiness: Readiness::Cued, failed, stopped: Arc::default() })
}

fn slot(segment: u64, script: Script) -> Slot {
    Slot::new(SegmentId(segment), format!("script {segment}"), 1, Box::new(script))
}

impl FrameSource for Script {
    /// A script that begins with nothing is cueing, and one step nearer with each question.
    fn readiness(&mut self) -> Readiness {
        if self.readiness == Readiness::Cueing {
            self.readiness = match self.steps.pop_front() {
                Some(None) if self.steps.front().is_some_and(Option::is_none) => Readiness::Cueing,
                _ if self.steps.is_empty() => Readiness::Failed("the script is empty".into()),
                _ => Readiness::Cued,
            };
        }
        self.readiness.clone()
    }

    fn next(&mut self) -> Next {
        match self.steps.pop_front() {
            Some(Some(index)) => {
                let samples = ((index + 1) * 8008).div_ceil(5) - (index * 8008).div_ceil(5);
                let picture = black(16, 16).unwrap();
                let source = Some(SourcePicture { number: index, media_ms: index * 1001 / 30 });
                Next::Frame(HouseFrame { index, picture, source, audio: vec![1; samples as usize] })
            }
            Some(None) => Next::Late,
            None => Next::Over,
        }
    }

    fn is_exhausted(&self) -> bool {
        self.failed.is_some() || self.steps.is_empty()
    }

    fn failure(&self) -> Option<String> {
        self.failed.clone()
    }

    fn waiting(&self) -> u64 {
        self.steps.iter().flatten().count() as u64
    }

    fn decode_errors(&self) -> u64 {
        0
    }

    fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn wait_stopped(&mut self, _at_most: Duration) -> bool {
        true
    }
}

/// The log lines that begin with an operators' word, of what `work` does on this thread.
pub fn logged(work: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let theirs = lines.clone();
    let format = tracing_subscriber::fmt().with_ansi(false).with_writer(move || theirs.clone());
    tracing::subscriber::with_default(format.finish(), work);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().filter_map(|line| Some(format!("INV-{}", line.split_once("INV-")?.1))).collect()
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A sink that keeps what it is offered.
#[derive(Clone, Default)]
pub struct Recorder {
    frames: Arc<Mutex<Vec<ProgramFrame>>>,
}

impl Recorder {
    /// The frames offered since the last call.
    pub fn take(&self) -> Vec<ProgramFrame> {
        std::mem::take(&mut self.frames.lock().unwrap())
    }
}

impl Sink for Recorder {
    fn offer(&mut self, frame: ProgramFrame) {
        self.frames.lock().unwrap().push(frame);
    }

    fn state(&self) -> SinkState {
        SinkState::Running
    }

    fn totals(&self) -> SinkTotals {
        SinkTotals::default()
    }

    fn leave(&mut self) {}

    fn wait_left(&mut self, _at_most: Duration) -> bool {
        true
    }

    fn close(self: Box<Self>, _force: bool) -> SinkTotals {
        self.totals()
    }
}
