//! The channels that run: one session each, as many as the process takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use air_core::{EngineConfig, Reply, ResultCode};

use crate::events::Events;
use crate::media_roots::MediaRoots;
use crate::session::Session;

/// All channels of the process.
pub struct Sessions {
    config: EngineConfig,
    most: usize,
    media_roots: MediaRoots,
    /// What happens on any of them.
    pub events: Arc<Events>,
    /// Held while a channel is started: nothing else adds or removes one. `false` once the process ends.
    open: Mutex<bool>,
    known: Mutex<BTreeMap<i32, Arc<Session>>>,
    /// Nothing is ever started in it: it answers for channels that there are not.
    stopped: Arc<Session>,
}

impl Sessions {
    /// Room for `most` channels, whose assets lie in `media_roots`.
    pub fn new(config: EngineConfig, most: usize, media_roots: MediaRoots) -> Sessions {
        let events = Arc::<Events>::default();
        let stopped = Arc::new(Session::new(0, config.clone(), Arc::clone(&events)));
        let (open, known) = (Mutex::new(true), Mutex::default());
        Sessions { config, most, media_roots, events, open, known, stopped }
    }

    /// The channel called `id`, or one that is not started.
    pub fn of(&self, id: i32) -> Arc<Session> {
        Arc::clone(self.lock().get(&id).unwrap_or(&self.stopped))
    }

    /// Every channel that was started and whose place nothing has taken since, by id.
    pub fn all(&self) -> Vec<Arc<Session>> {
        self.lock().values().cloned().collect()
    }

    /// Starts channel `id` where there is room for it.
    pub fn start(&self, id: i32, plan_handle: &str, port: i32, program_format_json: &str) -> Reply {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            return Reply::failed("the server is about to end");
        }
        match self.make_room(id) {
            Ok(session) => session.start(plan_handle, port, program_format_json),
            Err(refusal) => refusal,
        }
    }

    /// The session for channel `id`: that which is there, or a new one in place of those that have stopped.
    fn make_room(&self, id: i32) -> Result<Arc<Session>, Reply> {
        let mut known = self.lock();
        known.retain(|other, session| *other == id || session.is_running());
        if let Some(session) = known.get(&id) {
            return Ok(Arc::clone(session));
        }
        if known.len() >= self.most {
            let ids: Vec<_> = known.keys().map(i32::to_string).collect();
            let (ids, most) = (ids.join(", "), self.most);
            let busy =
                format!("running: channel {ids}; this process takes {most} (--max-channels): stop one first");
            return Err(Reply::new(ResultCode::RejectedBusy, busy));
        }
        let session = Arc::new(Session::new(id, self.config.clone(), Arc::clone(&self.events)));
        known.insert(id, Arc::clone(&session));
        Ok(session)
    }

    /// Says why `asset` must not be played, if it lies outside the media roots. May wait for a slow disk.
    pub fn refusal_of(&self, asset: &str) -> Option<String> {
        self.media_roots.refusal_of(asset)
    }

    /// Stops every channel, side by side, and starts none any more. Then there are no more events.
    pub fn stop_all(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = false;
        thread::scope(|scope| {
            for session in self.all() {
                scope.spawn(move || session.stop());
            }
        });
        self.events.end();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<Session>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
