//! The segment on air: what it has for each tick, and when it is over.

use std::time::Duration;

use air_av::Picture;

use super::as_run::{AsRun, Entry};
use super::slot::{Next, Slot};
use crate::control::SegmentId;
use crate::frame::{HouseFrame, Origin, SourcePicture};
use crate::time::{Nanos, Stamp, Tick};

/// What was noticed while choosing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramEvent {
    /// The producer of the segment on air has made its last frame, some of which may still wait.
    Exhausted {
        /// The segment on air.
        segment: SegmentId,
        /// The first tick that it will have nothing for.
        end: Tick,
        /// Why, if that is not because its asset ended.
        reason: Option<String>,
    },
    /// The last frame of the segment on air was shown for its whole time (LC-4).
    Completed(SegmentId),
    /// The producer of the segment on air is late; it is counted once until it comes back.
    Underrun(SegmentId),
}

/// What one tick shows.
pub(super) struct Shown {
    pub origin: Origin,
    /// `None`: black.
    pub picture: Option<Picture>,
    /// `None`: silence.
    pub audio: Option<Vec<i16>>,
    /// Whether it is the first picture of its segment.
    pub is_first: bool,
    source: Option<SourcePicture>,
}

impl Shown {
    /// Black and silence.
    pub const BLACK: Shown =
        Shown { origin: Origin::Black, picture: None, audio: None, is_first: false, source: None };
}

/// The segment on air.
#[derive(Debug)]
pub(super) struct Live {
    pub slot: Slot,
    pub as_run: AsRun,
    state: State,
    last_picture: Option<Picture>,
    exhausted: bool,
    stop_at: Option<Tick>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Rolling,
    /// Late since the tick that was due then.
    Late(Nanos),
    /// Over: black until the next take, whatever its producer does (BF-4).
    Over,
}

impl Live {
    /// What is in `slot`, from the next tick on.
    pub fn new(slot: Slot, entry: &Entry) -> Live {
        Live {
            as_run: AsRun::begin(&slot, entry),
            slot,
            state: State::Rolling,
            last_picture: None,
            exhausted: false,
            stop_at: entry.stop_at,
        }
    }

    /// What it has for the tick of `stamp`; a late picture is held for `hold`, and of a `missed` tick the content
    /// waits.
    pub fn choose(
        &mut self,
        stamp: Stamp,
        missed: bool,
        hold: Duration,
        events: &mut Vec<ProgramEvent>,
    ) -> Shown {
        let shown = self.next(stamp, missed, hold, events);
        self.as_run.count(stamp.tick, shown.origin, shown.source);
        shown
    }

    fn next(&mut self, stamp: Stamp, missed: bool, hold: Duration, events: &mut Vec<ProgramEvent>) -> Shown {
        if self.state == State::Over {
            return Shown::BLACK;
        }
        let stopped = self.stop_at.is_some_and(|stop| stamp.tick >= stop);
        let next = match (stopped, missed) {
            (true, _) => Next::Over,
            (false, true) => Next::Late,
            (false, false) => self.slot.next(stamp.samples),
        };
        // How many more ticks the content will wait for is not known yet.
        if !missed {
            self.look_for_the_end(stamp.tick, &next, events);
        }
        match next {
            Next::Frame(frame) => self.content(frame),
            Next::Over => {
                self.state = State::Over;
                events.push(ProgramEvent::Completed(self.slot.segment()));
                Shown::BLACK
            }
            Next::Late => self.late(stamp, missed, hold, events),
        }
    }

    /// Tells once that the producer has made its last frame, and which tick comes after that.
    fn look_for_the_end(&mut self, tick: Tick, next: &Next, events: &mut Vec<ProgramEvent>) {
        if self.exhausted || !self.slot.source().is_exhausted() {
            return;
        }
        self.exhausted = true;
        let this_one = u64::from(!matches!(next, Next::Over));
        let end = Tick(tick.0 + this_one + self.slot.source().waiting());
        let end = self.stop_at.map_or(end, |stop| end.min(stop.max(tick)));
        let (segment, reason) = (self.slot.segment(), self.slot.source().failure());
        events.push(ProgramEvent::Exhausted { segment, end, reason });
    }

    fn content(&mut self, frame: HouseFrame) -> Shown {
        self.state = State::Rolling;
        let is_first = self.last_picture.replace(frame.picture.clone()).is_none();
        Shown {
            origin: Origin::Content { segment: self.slot.segment(), index: frame.index },
            picture: Some(frame.picture),
            audio: Some(frame.audio),
            is_first,
            source: frame.source,
        }
    }

    fn late(&mut self, stamp: Stamp, missed: bool, hold: Duration, events: &mut Vec<ProgramEvent>) -> Shown {
        let segment = self.slot.segment();
        let since = match self.state {
            State::Late(since) => since,
            _ => {
                if !missed {
                    events.push(ProgramEvent::Underrun(segment));
                }
                self.state = State::Late(stamp.due);
                stamp.due
            }
        };
        match &self.last_picture {
            Some(picture) if stamp.due.since(since) < hold => {
                Shown { origin: Origin::Hold { segment }, picture: Some(picture.clone()), ..Shown::BLACK }
            }
            _ => Shown::BLACK,
        }
    }
}
