//! How long bytes may wait, so that many of them go out with one write.
//!
//! A write costs some ten microseconds whatever its size. With few viewers that is little, and bytes hardly wait. Every
//! viewer more lengthens the wait, so that the number of writes stays where it is; the wait ends where a player could
//! notice it. After a pause nothing waits: a first viewer's first bytes go at once.

use std::time::{Duration, Instant};

/// What each viewer adds to the wait: a thousand writes a second at most.
const PER_VIEWER: Duration = Duration::from_millis(1);
/// An engine's writes come every two milliseconds; a few of them together halve the cost of a single viewer.
const SHORTEST: Duration = Duration::from_millis(5);
/// The most that bytes wait. With a pass over thousands of viewers behind it, gaps stay below 50 ms.
const LONGEST: Duration = Duration::from_millis(30);
/// Bytes that are worth a write: after more, the next wait is shorter, so that a fast engine never fills its socket.
const ENOUGH: usize = 32 * 1024;
/// Taking a batch costs a Python viewer about as much as this many writes.
const PULLED_WEIGHT: usize = 8;

#[derive(Debug)]
pub(crate) struct Batching {
    window: Duration,
    /// When a batch went, and its bytes.
    last: Option<(Instant, usize)>,
}

impl Batching {
    pub fn new() -> Self {
        Self { window: SHORTEST, last: None }
    }

    pub fn set_viewers(&mut self, sockets: usize, pulled: usize) {
        let viewers = u32::try_from(sockets + pulled * PULLED_WEIGHT).unwrap_or(u32::MAX);
        self.window = PER_VIEWER.saturating_mul(viewers).clamp(SHORTEST, LONGEST);
    }

    /// How long what comes may still wait.
    pub fn wait(&self, now: Instant) -> Duration {
        let Some((last, bytes)) = self.last else { return Duration::ZERO };
        let window = self.window * ENOUGH as u32 / bytes.max(ENOUGH) as u32;
        (last + window).saturating_duration_since(now)
    }

    /// A batch has gone.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        self.last = Some((now, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_go_at_once_and_those_of_one_viewer_soon() {
        let (mut batching, now) = (Batching::new(), Instant::now());
        batching.set_viewers(1000, 0);
        assert_eq!(batching.wait(now), Duration::ZERO, "the first");
        batching.sent(188, now);
        assert_eq!(batching.wait(now), LONGEST);
        batching.set_viewers(1, 0);
        assert_eq!(batching.wait(now), SHORTEST);
        assert_eq!(batching.wait(now + SHORTEST), Duration::ZERO, "after a pause too");
    }

    #[test]
    fn many_viewers_make_a_batch_that_waits_no_longer_than_said() {
        let (mut batching, now) = (Batching::new(), Instant::now());
        batching.sent(188, now);
        batching.set_viewers(10, 0);
        assert_eq!(batching.wait(now), Duration::from_millis(10));
        batching.set_viewers(4, 2);
        assert_eq!(batching.wait(now + Duration::from_millis(5)), Duration::from_millis(15));
        batching.set_viewers(100_000, 0);
        assert_eq!(batching.wait(now), LONGEST);
        batching.sent(4 * ENOUGH, now);
        assert_eq!(batching.wait(now), LONGEST / 4);
    }
}
