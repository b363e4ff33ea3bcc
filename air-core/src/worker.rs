//! A worker: a thread with a name and an owner, who can wait for it, but never longer than he says.
//!
//! However the work ends, by returning or by a panic, it is known to have ended; nobody waits in vain.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// A running thread. Dropping it lets the thread go on by itself.
#[derive(Debug)]
pub(crate) struct Worker {
    ended: Ended,
    thread: Option<JoinHandle<()>>,
}

/// Knows whether a worker has ended; clones know the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Worker {
    /// Starts `work` on a thread called `name`, of which Linux shows 15 bytes; `on_panic` is what a panic in it
    /// leads to.
    pub fn start(
        name: String,
        work: impl FnOnce() + Send + 'static,
        on_panic: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Worker> {
        let ended = Ended::default();
        let theirs = ended.clone();
        let run = move || {
            // Whatever the work shared is behind locks that recover, so a half-done step shows as an early end.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!(thread = std::thread::current().name(), "a worker panicked");
                on_panic();
            }
            theirs.set();
        };
        Ok(Worker { ended, thread: Some(Builder::new().name(name).spawn(run)?) })
    }

    /// Waits, no longer than `at_most`, for the end; whether it has come.
    pub fn wait(&mut self, at_most: Duration) -> bool {
        let ended = self.ended.wait(at_most);
        if let Some(thread) = self.thread.take_if(|_| ended) {
            // All that is left of it is its return.
            let _ = thread.join();
        }
        ended
    }

    /// Something to wait on for others than the owner.
    pub fn ended(&self) -> Ended {
        self.ended.clone()
    }
}

impl Ended {
    /// Waits, no longer than `at_most`, for the end; whether it has come.
    pub fn wait(&self, at_most: Duration) -> bool {
        let (lock, condvar) = &*self.shared;
        let ended = lock.lock().unwrap_or_else(PoisonError::into_inner);
        *condvar.wait_timeout_while(ended, at_most, |ended| !*ended).unwrap_or_else(PoisonError::into_inner).0
    }

    fn set(&self) {
        let (lock, condvar) = &*self.shared;
        *lock.lock().unwrap_or_else(PoisonError::into_inner) = true;
        condvar.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_worker_that_goes_on_is_not_waited_for() {
        let (release, released) = mpsc::channel::<()>();
        let work = move || {
            let _ = released.recv();
        };
        let mut worker = Worker::start("waits".into(), work, || ()).unwrap();
        assert!(!worker.wait(Duration::ZERO));
        drop(release);
        assert!(worker.wait(Duration::from_secs(10)) && worker.wait(Duration::ZERO));
    }

    #[test]
    fn a_panic_is_an_end_that_is_told() {
        let (told, tells) = mpsc::channel();
        let mut worker =
            Worker::start("panics".into(), || panic!("on purpose"), move || told.send(()).unwrap()).unwrap();
        assert!(worker.wait(Duration::from_secs(10)));
        tells.recv().unwrap();
    }
}
