//! One channel: its engine from start to stop, and its events on their way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use air_core::{Engine, EngineConfig, Reply};
use air_proto::monitor::event::Kind;
use air_proto::monitor::{ChannelStarted, ChannelStopped};
use tokio::sync::Semaphore;

use crate::events::{self, Events};
use crate::tally::Tally;

/// Switches of one channel, and attachments, that wait at a time; more are repetitions (CS-12).
const WAIT_AT_ONCE: usize = 4;

/// Between two looks of the thread of events at a channel on which nothing happens. Events and the end wake it.
const LOOKS_UP_AFTER: Duration = Duration::from_secs(60);

/// A channel's engine, and what keeps its calls from crowding out those of others.
pub struct Session {
    /// Its label.
    pub id: i32,
    /// The engine.
    pub engine: Arc<Engine>,
    /// An engine opens one asset at a time: whoever else wants to waits here, and not on a thread.
    pub loading: Arc<Semaphore>,
    /// The same for switches, which may wait for a first frame.
    pub switching: Arc<Semaphore>,
    /// The same for attachments, which may wait for a reader.
    pub attaching: Arc<Semaphore>,
    events: Arc<Events>,
    tally: Arc<Tally>,
    /// Held by whoever looks at the channel: one at a time.
    look: Mutex<()>,
    /// The thread of events while the channel runs. Held while it starts or stops: one at a time.
    teller: Mutex<Option<JoinHandle<()>>>,
}

impl Session {
    /// Channel `id`, not started; what happens on it will be told to `events` and counted in `tally`.
    pub fn new(id: i32, config: EngineConfig, events: Arc<Events>, tally: Arc<Tally>) -> Session {
        Session {
            id,
            engine: Arc::new(Engine::new(config)),
            loading: Arc::new(Semaphore::new(1)),
            switching: Arc::new(Semaphore::new(WAIT_AT_ONCE)),
            attaching: Arc::new(Semaphore::new(WAIT_AT_ONCE)),
            events,
            tally,
            look: Mutex::default(),
            teller: Mutex::default(),
        }
    }

    /// Starts the channel, unless it is started already.
    pub fn start(&self, plan_handle: &str, port: i32, program_format_json: &str) -> Reply {
        let mut teller = self.lock();
        let reply = self.engine.start_channel(self.id, plan_handle, port, program_format_json);
        if !reply.success || teller.is_some() {
            return reply;
        }
        self.tally.begin(self.id);
        let (id, engine) = (self.id, Arc::clone(&self.engine));
        let (tally, events) = (Arc::clone(&self.tally), Arc::clone(&self.events));
        events.tell(events::of_session(id, "channel started", Kind::Started(ChannelStarted {})));
        let tell = move || {
            while engine.status().is_some() {
                tell_all(id, &engine, &tally, &events, LOOKS_UP_AFTER);
            }
        };
        match thread::Builder::new().name(format!("air-ch{id}-events")).spawn(tell) {
            Ok(thread) => *teller = Some(thread),
            Err(error) => {
                self.engine.stop_any();
                self.over();
                return Reply::failed(format!("no thread for the channel's events: {error}"));
            }
        }
        reply
    }

    /// Stops the channel, if it runs; all that happened on it has been told then.
    pub fn stop(&self) -> Reply {
        let mut teller = self.lock();
        if teller.is_some() {
            self.look();
        }
        let reply = self.engine.stop_channel(self.id);
        if let Some(thread) = teller.take() {
            if thread.join().is_err() {
                tracing::error!(channel = self.id, "the thread of events panicked");
            }
            tell_all(self.id, &self.engine, &self.tally, &self.events, Duration::ZERO);
            self.over();
        }
        reply
    }

    /// Everything that happened has been told: the channel has stopped.
    fn over(&self) {
        self.tally.end(self.id);
        let stopped = Kind::Stopped(ChannelStopped {});
        self.events.tell(events::of_session(self.id, "channel stopped", stopped));
    }

    /// Takes note of how the channel stands. Waits for its tick loop, but for nobody who waits for that already.
    pub fn look(&self) {
        if self.is_running()
            && let Ok(_one_at_a_time) = self.look.try_lock()
            && let Some(run) = self.tally.ask(self.id)
            && let Some(status) = self.engine.status()
        {
            self.tally.feed(self.id, run, status);
        }
    }

    /// Whether it is started, or about to be, or not stopped yet.
    pub fn is_running(&self) -> bool {
        self.teller.try_lock().map_or(true, |teller| teller.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.teller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells what happens on `engine` until nothing does for `at_most`, or nothing can.
fn tell_all(id: i32, engine: &Engine, tally: &Tally, events: &Events, at_most: Duration) {
    while let Some(event) = engine.next_event(at_most) {
        tally.happened(id, &event.kind);
        events.tell(events::of_engine(id, event));
    }
}
