//! The master clock and the bell that ends a wait early.
//!
//! Whoever waits asks the clock, and only there. A virtual clock is another implementation: it never
//! sleeps, waiting moves it. This file is the only one of the crate that reads the operating system's time.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::units::{Nanos, UtcMillis, UtcNanos};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The deadline has come.
    Deadline,
    /// The bell was rung: there is something to look at.
    Rung,
    /// The bell was stopped, for good.
    Stopped,
}

/// A bell shared by one waiter and those who want its attention; stopping it is the stop token.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    shared: Arc<(Mutex<BellState>, Condvar)>,
}

#[derive(Debug, Default)]
struct BellState {
    rung: bool,
    stopped: bool,
}

impl BellState {
    fn take(&mut self) -> Option<Wake> {
        match (self.stopped, std::mem::take(&mut self.rung)) {
            (true, _) => Some(Wake::Stopped),
            (false, true) => Some(Wake::Rung),
            (false, false) => None,
        }
    }
}

impl Bell {
    /// A silent bell.
    pub fn new() -> Bell {
        Bell::default()
    }

    /// Ends the current wait, or the next one if nobody waits now.
    pub fn ring(&self) {
        self.change(|state| state.rung = true);
    }

    /// Ends this and every later wait.
    pub fn stop(&self) {
        self.change(|state| state.stopped = true);
    }

    /// Whether [`Bell::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    fn change(&self, change: impl FnOnce(&mut BellState)) {
        change(&mut self.shared.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.1.notify_all();
    }

    /// The pending wake, if any, without waiting.
    fn poll(&self) -> Option<Wake> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until rung, stopped, or `remaining` says there is no time left; `None` means no deadline.
    fn wait(&self, remaining: impl Fn() -> Option<std::time::Duration>) -> Wake {
        let (lock, condvar) = &*self.shared;
        let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(wake) = state.take() {
                return wake;
            }
            state = match remaining() {
                Some(left) if left.is_zero() => return Wake::Deadline,
                Some(left) => condvar.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => condvar.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// The source of "now" for every playout decision (CK-1).
pub trait Clock: Send + Sync + fmt::Debug {
    /// Monotonic time; never decreases.
    fn now(&self) -> Nanos;

    /// Civil time. Places hard stops and boundaries only: it may step (MC-6).
    fn utc(&self) -> UtcNanos;

    /// Monotonic and civil time at one instant.
    fn both(&self) -> (Nanos, UtcNanos) {
        (self.now(), self.utc())
    }

    /// When civil time will be `utc`, or was, as civil time stands now.
    fn at_utc(&self, utc: UtcMillis) -> Nanos {
        let (now, utc_now) = self.both();
        Nanos(now.0.saturating_add_signed(utc.to_nanos().0.saturating_sub(utc_now.0)))
    }

    /// Civil time at `instant`, as civil time stands now.
    fn utc_at(&self, instant: Nanos) -> UtcNanos {
        let (now, utc_now) = self.both();
        UtcNanos(utc_now.0.saturating_add(instant.0.wrapping_sub(now.0) as i64))
    }

    /// Waits for `deadline` ([`Nanos::NEVER`]: none), or until `bell` is rung or stopped.
    fn wait_until(&self, deadline: Nanos, bell: &Bell) -> Wake;
}

/// How often both clocks are read to know them at one instant; a reading takes some 50 ns.
const READINGS: usize = 3;

/// The operating system's monotonic clock.
#[derive(Debug)]
pub struct SystemClock {
    zero: Instant,
}

impl SystemClock {
    /// A clock whose zero is now.
    pub fn new() -> SystemClock {
        SystemClock { zero: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Nanos {
        Nanos::default().after(self.zero.elapsed())
    }

    fn utc(&self) -> UtcNanos {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UtcNanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }

    /// The closest of a few readings: this thread may lose the processor between the two clocks, for milliseconds.
    fn both(&self) -> (Nanos, UtcNanos) {
        let readings = (0..READINGS).map(|_| {
            let (before, utc, after) = (self.now(), self.utc(), self.now());
            (after.0 - before.0, before, utc)
        });
        readings.min_by_key(|(apart, ..)| *apart).map_or((self.now(), self.utc()), |(_, now, utc)| (now, utc))
    }

    fn wait_until(&self, deadline: Nanos, bell: &Bell) -> Wake {
        bell.wait(|| (deadline != Nanos::NEVER).then(|| deadline.since(self.now())))
    }
}

/// A clock that waits by moving itself: a day of ticks takes as long as its work does.
#[derive(Debug)]
pub struct VirtualClock {
    now: AtomicU64,
    utc_at_zero: AtomicI64,
}

impl VirtualClock {
    /// A clock at zero, at which civil time is `utc_at_zero`.
    pub fn new(utc_at_zero: UtcMillis) -> VirtualClock {
        VirtualClock { now: AtomicU64::new(0), utc_at_zero: AtomicI64::new(utc_at_zero.to_nanos().0) }
    }

    /// Steps civil time by `by_ms` milliseconds, as a correction of the host's clock would.
    pub fn step_utc(&self, by_ms: i64) {
        self.utc_at_zero.fetch_add(by_ms * 1_000_000, Ordering::AcqRel);
    }

    /// Moves the clock forward to `instant`; an instant in the past changes nothing.
    pub fn advance_to(&self, instant: Nanos) {
        self.now.fetch_max(instant.0, Ordering::AcqRel);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Nanos {
        Nanos(self.now.load(Ordering::Acquire))
    }

    fn utc(&self) -> UtcNanos {
        UtcNanos(self.utc_at_zero.load(Ordering::Acquire).saturating_add_unsigned(self.now().0))
    }

    fn wait_until(&self, deadline: Nanos, bell: &Bell) -> Wake {
        bell.poll().unwrap_or_else(|| {
            self.advance_to(deadline);
            Wake::Deadline
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_on_a_virtual_clock_moves_it() {
        let clock = VirtualClock::new(UtcMillis(1_000));
        assert_eq!(clock.wait_until(Nanos(2_000_000_000), &Bell::new()), Wake::Deadline);
        assert_eq!((clock.now(), clock.utc().to_millis()), (Nanos(2_000_000_000), UtcMillis(3_000)));
        clock.advance_to(Nanos(5));
        assert_eq!(clock.now(), Nanos(2_000_000_000), "MC-1: never backwards");
    }

    #[test]
    fn a_bell_rung_before_the_wait_ends_it_and_a_stopped_one_ends_all() {
        let (clock, bell) = (SystemClock::new(), Bell::new());
        bell.ring();
        assert_eq!(clock.wait_until(Nanos::NEVER, &bell), Wake::Rung);
        bell.stop();
        assert_eq!(clock.wait_until(Nanos::NEVER, &bell), Wake::Stopped);
        assert_eq!(clock.wait_until(Nanos::NEVER, &bell), Wake::Stopped);
    }

    #[test]
    fn a_deadline_in_the_past_does_not_wait() {
        assert_eq!(SystemClock::new().wait_until(Nanos(0), &Bell::new()), Wake::Deadline);
    }
}
