//! How long since something last came.

/// Watches one recurring thing. Times are 27 MHz ticks from any origin.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    limit: i64,
    last: Option<i64>,
    longest: i64,
    reported: bool,
}

impl Interval {
    pub(super) fn new(limit_27m: u64) -> Self {
        Self { limit: limit_27m as i64, last: None, longest: 0, reported: false }
    }

    /// It came. Gives the gap before, if that was too long and not reported yet.
    pub(super) fn arrive(&mut self, now: i64) -> Option<i64> {
        let found = self.overdue(now);
        self.reported = false;
        self.last = Some(now);
        found
    }

    /// It may be missing. Gives the gap so far, once, when it is too long. The first call starts the watch.
    pub(super) fn overdue(&mut self, now: i64) -> Option<i64> {
        let gap = now - *self.last.get_or_insert(now);
        self.longest = self.longest.max(gap);
        let found = (gap > self.limit && !self.reported).then_some(gap);
        self.reported |= found.is_some();
        found
    }

    pub(super) fn limit(&self) -> i64 {
        self.limit
    }

    pub(super) fn longest(&self) -> u64 {
        self.longest.max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_reported_once_and_measured_to_its_end() {
        let mut interval = Interval::new(100);
        assert_eq!(interval.arrive(0), None);
        assert_eq!(interval.overdue(100), None);
        assert_eq!(interval.overdue(150), Some(150));
        assert_eq!(interval.overdue(200), None);
        assert_eq!(interval.arrive(300), None);
        assert_eq!(interval.longest(), 300);
        assert_eq!(interval.arrive(401), Some(101));
    }
}
