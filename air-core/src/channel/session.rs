//! A running session as callers hold it: the way to its tick loop, and what its waits can be ended by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::request::{Request, Response};
use super::{Channel, ChannelConfig, tick_loop};
use crate::control::{Caller, Closed, port};
use crate::format::ProgramFormat;
use crate::output::{Inspection, JudgeSummary};
use crate::producer;
use crate::program::Cueing;
use crate::time::Bell;

/// One started channel.
pub(super) struct Session {
    pub channel_id: i32,
    pub format: ProgramFormat,
    caller: Caller<Request, Response>,
    bell: Bell,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held by the one caller that is opening an asset.
    loading: Mutex<()>,
    cueing: Mutex<Cues>,
    /// Of the sink that was attached last.
    inspection: Mutex<Option<Inspection>>,
}

/// The segments a caller may be waiting for.
#[derive(Default)]
struct Cues {
    opening: Option<Cueing>,
    preview: Option<Cueing>,
}

impl Session {
    /// Starts the tick loop of a channel.
    pub fn start(config: ChannelConfig) -> Result<Session, String> {
        let (channel_id, format, clock) = (config.channel_id, config.format, Arc::clone(&config.clock));
        let black = producer::black(format.video.width, format.video.height);
        let channel = Channel::new(config, black.map_err(|error| error.to_string())?);
        let bell = Bell::new();
        let (caller, port) = port(bell.clone());
        let theirs = bell.clone();
        let run = move || tick_loop::run(channel, &port, &clock, &theirs);
        let thread = std::thread::Builder::new().name(format!("air-ch{channel_id}-tick")).spawn(run);
        let thread = thread.map_err(|error| format!("no thread for the channel: {error}"))?;
        Ok(Session {
            channel_id,
            format,
            caller,
            bell,
            thread: Mutex::new(Some(thread)),
            loading: Mutex::default(),
            cueing: Mutex::default(),
            inspection: Mutex::default(),
        })
    }

    /// Asks the tick loop, and waits for its answer: less than a tick.
    pub fn ask(&self, request: Request) -> Result<Response, Closed> {
        self.caller.call(request)
    }

    /// A way to tell the tick loop something from any thread.
    pub fn caller(&self) -> Caller<Request, Response> {
        self.caller.clone()
    }

    /// What wakes the tick loop.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The right to open an asset: one at a time.
    pub fn loading(&self) -> MutexGuard<'_, ()> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the session is ending.
    pub fn is_stopping(&self) -> bool {
        self.bell.is_stopped()
    }

    /// Notes the segment that is being opened, so that a stop ends the wait for it.
    pub fn opening(&self, cueing: Option<Cueing>) {
        let mut cues = self.cues();
        cues.opening = cueing;
        if let Some(cueing) = cues.opening.as_ref().filter(|_| self.is_stopping()) {
            cueing.cancel();
        }
    }

    /// Notes the segment that has come into preview.
    pub fn loaded(&self, cueing: Cueing) {
        self.cues().preview = Some(cueing);
    }

    /// The segment that came into preview last.
    pub fn preview(&self) -> Option<Cueing> {
        self.cues().preview.clone()
    }

    /// Notes who judges the stream of the sink that has been attached.
    pub fn attached(&self, inspection: Option<Inspection>) {
        *self.inspection.lock().unwrap_or_else(PoisonError::into_inner) = inspection;
    }

    /// What the judge has found in the stream of the sink that was attached last.
    pub fn judge(&self) -> Option<JudgeSummary> {
        let inspection = self.inspection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        inspection.map(|inspection| inspection.summary())
    }

    /// Ends the session; returns when its threads have ended and its sink is closed. Again is harmless.
    pub fn stop(&self) {
        self.bell.stop();
        if let Some(opening) = self.cues().opening.take() {
            opening.cancel();
        }
        // Held to the end: a second caller returns when the first does, not before.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(channel = self.channel_id, "the tick loop panicked");
        }
        // Whoever was opening an asset has its answer before the channel is gone.
        drop(self.loading());
    }

    fn cues(&self) -> MutexGuard<'_, Cues> {
        self.cueing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
