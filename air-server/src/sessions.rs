//! The channels that run: one session each, as many as the process takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use air_core::{EngineConfig, Reply, ResultCode};

use crate::events::Events;
use crate::session::Session;
use crate::tally::Tally;

/// All channels of the process.
pub struct Sessions {
    config: EngineConfig,
    most: usize,
    /// What happens on any of them.
    pub events: Arc<Events>,
    /// What they have counted.
    pub tally: Arc<Tally>,
    /// Held while a channel is started: nothing else adds or removes one. `false` once the process ends.
    open: Mutex<bool>,
    known: Mutex<BTreeMap<i32, Arc<Session>>>,
    /// Nothing is ever started in it: it answers for channels that there are not.
    stopped: Arc<Session>,
}

impl Sessions {
    /// Room for `most` channels.
    pub fn new(config: EngineConfig, most: usize) -> Sessions {
        let (events, tally) = (Arc::<Events>::default(), Arc::<Tally>::default());
        let stopped = Arc::new(Session::new(0, config.clone(), Arc::clone(&events), Arc::clone(&tally)));
        let (open, known) = (Mutex::new(true), Mutex::default());
        Sessions { config, most, events, tally, open, known, stopped }
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
        let (events, tally) = (Arc::clone(&self.events), Arc::clone(&self.tally));
        let session = Arc::new(Session::new(id, self.config.clone(), events, tally));
        known.insert(id, Arc::clone(&session));
        Ok(session)
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

#[cfg(test)]
mod tests {
    use air_core::SinkConfig;
    use air_proto::monitor::Event;
    use air_proto::monitor::event::Kind;

    use super::*;

    const FORMAT: &str = r#"{"video": {"width": 64, "height": 36, "frame_rate": "50/1"},
                             "audio": {"sample_rate": 48000, "channels": 2}}"#;

    fn sessions(most: usize) -> Sessions {
        let sink = SinkConfig {
            video_encoder: "null".into(),
            audio_encoder: "null".into(),
            ..SinkConfig::default()
        };
        Sessions::new(EngineConfig { sink, ..EngineConfig::default() }, most)
    }

    fn start(sessions: &Sessions, id: i32) -> Reply {
        sessions.start(id, "", 0, FORMAT)
    }

    fn play(sessions: &Sessions, id: i32) {
        let session = sessions.of(id);
        assert!(session.engine.load_preview(id, "pattern:bars", 0, 0).reply.success);
        assert!(session.engine.switch_to_live(id, 0, 0).reply.success);
    }

    fn kinds(events: &[Event]) -> Vec<&'static str> {
        let name = |event: &Event| match event.kind {
            Some(Kind::Started(_)) => "started",
            Some(Kind::Taken(_)) => "taken",
            Some(Kind::AsRun(_)) => "as run",
            Some(Kind::Stopped(_)) => "stopped",
            _ => "other",
        };
        events.iter().map(name).collect()
    }

    /// CS-3: and whatever the id is (CS-4).
    #[test]
    fn a_channel_too_many_is_refused_until_another_has_stopped() {
        let sessions = sessions(2);
        assert!(start(&sessions, i32::MIN).success && start(&sessions, 0).success);
        let refused = start(&sessions, 3);
        assert_eq!(refused.result_code, ResultCode::RejectedBusy);
        assert!(refused.message.contains("-2147483648, 0"), "{}", refused.message);
        assert!(start(&sessions, 0).success, "CS-2: it runs already");
        assert!(sessions.of(0).stop().success && start(&sessions, 3).success);
        sessions.stop_all();
    }

    /// PF-1: what could not be started takes no room.
    #[test]
    fn a_format_that_is_none_leaves_nothing_behind() {
        let sessions = sessions(1);
        assert!(!sessions.start(1, "", 0, "{}").success);
        assert!(!sessions.of(1).is_running());
        assert!(start(&sessions, 2).success);
        assert!(!sessions.start(1, "", 0, FORMAT).success);
        sessions.stop_all();
    }

    /// SL-11: each session's events are whole and in order, however quickly another follows.
    #[test]
    fn a_stop_has_told_everything_when_it_returns() {
        let sessions = sessions(1);
        let mut listener = sessions.events.listen().expect("it goes on");
        for _ in 0..50 {
            assert!(start(&sessions, 1).success);
            play(&sessions, 1);
            assert!(sessions.of(1).stop().success);
            let told: Vec<Event> = std::iter::from_fn(|| listener.try_recv().ok()).collect();
            assert_eq!(kinds(&told), ["started", "taken", "as run", "stopped"]);
        }
    }

    /// CS-17, TD-6: a channel starts once and stops once between, whoever else does the same.
    #[test]
    fn starts_and_stops_from_many_threads_come_in_turns() {
        let sessions = sessions(1);
        let mut listener = sessions.events.listen().expect("it goes on");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| drop((start(&sessions, 1), sessions.of(1).stop()))));
            }
        });
        let told: Vec<Event> = std::iter::from_fn(|| listener.try_recv().ok()).collect();
        assert!(told.chunks(2).all(|pair| kinds(pair) == ["started", "stopped"]), "{:?}", kinds(&told));
        assert!(!told.is_empty() && !sessions.of(1).is_running());
    }

    /// TD-8: and there is nothing to listen to after it.
    #[test]
    fn the_end_stops_all_and_starts_none() {
        let sessions = sessions(3);
        let mut listener = sessions.events.listen().expect("it goes on");
        for id in 1..=3 {
            assert!(start(&sessions, id).success);
            play(&sessions, id);
        }
        sessions.stop_all();
        assert!(sessions.all().iter().all(|session| session.engine.status().is_none()));
        assert!(!start(&sessions, 1).success && sessions.events.listen().is_none());
        let told: Vec<Event> = std::iter::from_fn(|| listener.try_recv().ok()).collect();
        assert_eq!(kinds(&told).iter().filter(|kind| **kind == "stopped").count(), 3);
    }
}
