//! What comes and goes, as a log tells it: once when it begins, once when it ends, and not a hundred times a minute.

use std::time::Duration;

use crate::time::Nanos;

/// After one that was told, those that begin within this time are only counted.
const QUIET: Duration = Duration::from_secs(5);

/// A condition that holds or does not.
#[derive(Debug, Default)]
pub(crate) struct Episode {
    state: State,
    last_told: Option<Nanos>,
    untold: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Over,
    Told,
    Untold,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It begins, after so many that were not told.
    Begins {
        /// Since the last that was.
        untold: u64,
    },
    /// What was told has ended.
    Ends,
}

impl Episode {
    /// Takes note of whether it holds `now`.
    pub fn note(&mut self, holds: bool, now: Nanos) -> Option<News> {
        match (holds, &self.state) {
            (true, State::Over) => self.begin(now),
            (false, State::Told | State::Untold) => {
                let was = std::mem::take(&mut self.state);
                (was == State::Told).then_some(News::Ends)
            }
            _ => None,
        }
    }

    fn begin(&mut self, now: Nanos) -> Option<News> {
        if self.last_told.is_some_and(|last| now.since(last) < QUIET) {
            (self.state, self.untold) = (State::Untold, self.untold + 1);
            return None;
        }
        (self.state, self.last_told) = (State::Told, Some(now));
        Some(News::Begins { untold: std::mem::take(&mut self.untold) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An end is told of what was told to begin, and of nothing else; none is forgotten.
    #[test]
    fn what_flickers_is_told_once_in_a_while_and_counted() {
        let mut episode = Episode::default();
        let at = |tenths: u64| Nanos(tenths * 100_000_000);
        let told: Vec<_> = (0..103).filter_map(|tenths| episode.note(tenths % 2 == 1, at(tenths))).collect();
        let begins = |untold| News::Begins { untold };
        assert_eq!(told, [begins(0), News::Ends, begins(24), News::Ends, begins(24), News::Ends]);
    }

    #[test]
    fn what_lasts_is_told_at_its_beginning_and_at_its_end() {
        let mut episode = Episode::default();
        let noted = [true, true, true, false, false].map(|holds| episode.note(holds, Nanos(0)));
        assert_eq!(noted, [Some(News::Begins { untold: 0 }), None, None, Some(News::Ends), None]);
    }
}
