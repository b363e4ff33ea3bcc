//! The channels that run: one engine each, as many as the process takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use air_core::{Engine, EngineConfig, Reply, ResultCode};
use tokio::sync::Semaphore;

/// A channel's engine, and what keeps its calls from crowding out those of others.
pub struct Session {
    /// The engine.
    pub engine: Engine,
    /// An engine opens one asset at a time: whoever else wants to waits here, and not on a thread.
    pub loading: Semaphore,
    /// The same for switches, which may wait for a first frame.
    pub switching: Semaphore,
}

impl Session {
    fn new(config: EngineConfig) -> Arc<Session> {
        Arc::new(Session {
            engine: Engine::new(config),
            loading: Semaphore::new(1),
            switching: Semaphore::new(SWITCHES),
        })
    }
}

/// Switches of one channel that wait at a time; more are repetitions (CS-12).
const SWITCHES: usize = 4;

/// All channels of the process.
pub struct Sessions {
    config: EngineConfig,
    most: usize,
    media_roots: Vec<PathBuf>,
    /// Held while a channel is started: nothing else adds or removes one. `false` once the process ends.
    open: Mutex<bool>,
    running: Mutex<BTreeMap<i32, Arc<Session>>>,
    /// Nothing is ever started in it: it answers for channels that there are not.
    stopped: Arc<Session>,
}

impl Sessions {
    /// Room for `most` channels, whose assets lie in `media_roots`, or anywhere if there are none.
    pub fn new(config: EngineConfig, most: usize, media_roots: Vec<PathBuf>) -> Sessions {
        let stopped = Session::new(config.clone());
        let (open, running) = (Mutex::new(true), Mutex::default());
        Sessions { config, most, media_roots, open, running, stopped }
    }

    /// The channel called `id`, or one that is not started.
    pub fn of(&self, id: i32) -> Arc<Session> {
        Arc::clone(self.lock().get(&id).unwrap_or(&self.stopped))
    }

    /// Every channel that was started and has not been found stopped, by id.
    pub fn all(&self) -> Vec<Arc<Session>> {
        self.lock().values().cloned().collect()
    }

    /// Starts a channel where there is room for it.
    pub fn start(&self, id: i32, plan_handle: &str, port: i32, program_format_json: &str) -> Reply {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            return Reply::failed("the server is about to end");
        }
        let session = match self.make_room(id) {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let reply = session.engine.start_channel(id, plan_handle, port, program_format_json);
        if !reply.success {
            self.lock().remove(&id);
        }
        reply
    }

    /// The session for channel `id`: that which is there, or a new one in place of those that have stopped.
    fn make_room(&self, id: i32) -> Result<Arc<Session>, Reply> {
        let others: Vec<_> = self.lock().iter().map(|(id, session)| (*id, Arc::clone(session))).collect();
        let is_over = |other: i32, session: &Session| other != id && session.engine.status().is_none();
        let over: Vec<_> = others.iter().filter(|(other, session)| is_over(*other, session)).collect();
        let mut running = self.lock();
        for (id, _) in over {
            running.remove(id);
        }
        if let Some(session) = running.get(&id) {
            return Ok(Arc::clone(session));
        }
        if running.len() >= self.most {
            let names: Vec<_> = running.keys().map(i32::to_string).collect();
            let names = names.join(", ");
            let busy = format!("channel {names} runs, and --max-channels is {}: stop one first", self.most);
            return Err(Reply::new(ResultCode::RejectedBusy, busy));
        }
        let session = Session::new(self.config.clone());
        running.insert(id, Arc::clone(&session));
        Ok(session)
    }

    /// Says why `asset` must not be played, if it lies outside the media roots. May wait for a slow disk.
    pub fn refusal_of(&self, asset: &str) -> Option<String> {
        if self.media_roots.is_empty() || asset.starts_with("pattern:") {
            return None;
        }
        match Path::new(asset).canonicalize() {
            Ok(path) if self.media_roots.iter().any(|root| path.starts_with(root)) => None,
            Ok(_) => Some(format!("{asset:?} is outside the media roots")),
            Err(error) => Some(format!("{asset:?}: {error}")),
        }
    }

    /// Stops every channel, side by side, and starts none any more.
    pub fn stop_all(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = false;
        thread::scope(|scope| {
            for session in self.all() {
                scope.spawn(move || session.engine.stop_any());
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<Session>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
