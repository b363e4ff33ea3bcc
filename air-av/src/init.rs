//! One process-wide lock around the opening of files and codecs.
//!
//! libav claims that opening is safe from several threads; the libraries behind it (and some of its own older
//! tables) have not always kept the promise, and engines have died of it at a change of segment. So everything
//! that initialises a codec runs in [`serialised`]: `avcodec_open2`, and opening and probing a file, which opens
//! decoders inside. Decoding, encoding, reading and filtering never take the lock.
//!
//! A file that hangs must not hold up another open. Probing reads, but no codec is being initialised while it
//! does, so our reader wraps every read in [`yielded`], which gives the lock back for as long as the read takes.
//! The alternative, locking `avcodec_open2` alone, would leave out the decoders libavformat opens by itself.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

static OPENING: Mutex<()> = Mutex::new(());

thread_local! {
    /// The guard while this thread is inside [`serialised`] and not inside [`yielded`].
    static HELD: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Runs `work` while no other thread of the process opens a file or codec. Not reentrant.
pub(crate) fn serialised<T>(work: impl FnOnce() -> T) -> T {
    acquire();
    let _release = OnDrop(release);
    work()
}

/// Runs `wait` with the lock given back, if this thread holds it.
pub(crate) fn yielded<T>(wait: impl FnOnce() -> T) -> T {
    let held = release();
    let _acquire = OnDrop(|| {
        if held {
            acquire();
        }
    });
    wait()
}

fn acquire() {
    // The lock protects no data of ours: a panic elsewhere leaves nothing behind to distrust.
    let guard = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    HELD.set(Some(guard));
}

fn release() -> bool {
    HELD.take().is_some()
}

struct OnDrop<R, F: FnMut() -> R>(F);

impl<R, F: FnMut() -> R> Drop for OnDrop<R, F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// L-10: a hanging file is a read that does not return.
    #[test]
    fn an_open_that_waits_in_a_read_lets_another_open_pass() {
        let (entered, wait_entered) = mpsc::channel();
        let (resume, wait_resume) = mpsc::channel::<()>();
        let hanging = thread::spawn(move || {
            serialised(|| {
                yielded(|| {
                    entered.send(()).unwrap();
                    wait_resume.recv().unwrap();
                });
                HELD.with_borrow(Option::is_some)
            })
        });
        wait_entered.recv().unwrap();
        assert_eq!(serialised(|| 7), 7);
        resume.send(()).unwrap();
        assert!(hanging.join().unwrap(), "the lock is held again after the wait");
        assert!(OPENING.try_lock().is_ok(), "and free at the end");
    }
}
