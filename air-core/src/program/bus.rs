//! The program bus: two slots, and the choice of exactly one frame for every tick.
//!
//! The choice is total: content, else the held picture of the segment on air for a moment, else black and
//! silence (BF-1, R-34). It never waits, and never moves a segment from one slot to the other by itself.

use std::time::Duration;

use air_av::Picture;

use super::slot::{Next, Slot};
use crate::control::SegmentId;
use crate::frame::{HouseFrame, Origin, ProgramFrame};
use crate::stats::ProgramCounters;
use crate::time::{Nanos, Stamp, Tick};

/// What the bus noticed while choosing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramEvent {
    /// The producer of the segment on air has made its last frame; some may still wait.
    Exhausted(SegmentId),
    /// The last frame of the segment on air was shown for its whole time (LC-4).
    Completed(SegmentId),
    /// The producer of the segment on air is late; it is counted once until it comes back.
    Underrun(SegmentId),
}

/// Preview, live, and what airs when live has nothing.
#[derive(Debug)]
pub struct ProgramBus {
    preview: Option<Slot>,
    live: Option<Live>,
    black: Picture,
    channels: usize,
    hold: Duration,
    counters: ProgramCounters,
}

/// The segment on air.
#[derive(Debug)]
struct Live {
    slot: Slot,
    state: LiveState,
    last_picture: Option<Picture>,
    exhausted: bool,
    stop_at: Option<Tick>,
}

#[derive(Debug, PartialEq, Eq)]
enum LiveState {
    Rolling,
    /// Late since the tick that was due then.
    Late(Nanos),
    /// Over: black until the next take, whatever its producer does (BF-4).
    Over,
}

impl ProgramBus {
    /// A bus whose filler is `black`, with `channels` of sound, that holds a late segment's picture for `hold`.
    pub fn new(black: Picture, channels: u16, hold: Duration) -> ProgramBus {
        ProgramBus {
            preview: None,
            live: None,
            black,
            channels: usize::from(channels),
            hold,
            counters: ProgramCounters::default(),
        }
    }

    /// Puts `slot` into preview; answers what was there.
    pub fn load(&mut self, slot: Slot) -> Option<Slot> {
        self.preview.replace(slot)
    }

    /// The segment in preview.
    pub fn preview(&mut self) -> Option<&mut Slot> {
        self.preview.as_mut()
    }

    /// The segment on air.
    pub fn live(&mut self) -> Option<&mut Slot> {
        self.live.as_mut().map(|live| &mut live.slot)
    }

    /// Makes preview live, from the next frame on and to the tick before `stop_at`; answers the segment that
    /// leaves the air.
    pub fn take(&mut self, stop_at: Option<Tick>) -> Option<Slot> {
        let slot = self.preview.take()?;
        let live = Live { slot, state: LiveState::Rolling, last_picture: None, exhausted: false, stop_at };
        let old = self.live.replace(live).map(|old| old.slot);
        self.count_errors_of(old)
    }

    /// Takes `segment` off whichever slot it is in.
    pub fn remove(&mut self, segment: SegmentId) -> Option<Slot> {
        let preview = self.preview.take_if(|slot| slot.segment() == segment);
        let slot = preview
            .or_else(|| self.live.take_if(|live| live.slot.segment() == segment).map(|live| live.slot));
        self.count_errors_of(slot)
    }

    /// The frame of one tick. `missed` says that the tick's time had already passed: content waits then.
    pub fn frame(&mut self, stamp: Stamp, missed: bool, events: &mut Vec<ProgramEvent>) -> ProgramFrame {
        let content = match &mut self.live {
            Some(live) => live.choose(stamp, missed, self.hold, events),
            None => Choice::Black,
        };
        let silence = || vec![0; stamp.samples * self.channels];
        let (picture, audio, origin, random_access) = match content {
            Choice::Content(segment, frame, first) => {
                let origin = Origin::Content { segment, index: frame.index };
                (frame.picture, frame.audio, origin, first)
            }
            Choice::Hold(segment, picture) => (picture, silence(), Origin::Hold { segment }, false),
            Choice::Black => (self.black.clone(), silence(), Origin::Black, false),
        };
        self.counters.count(origin, events);
        ProgramFrame { stamp, picture, audio, origin, random_access }
    }

    /// What was aired so far.
    pub fn counters(&self) -> ProgramCounters {
        let live_errors = self.live.as_ref().map_or(0, |live| live.slot.decode_errors());
        ProgramCounters { decode_errors: self.counters.decode_errors + live_errors, ..self.counters }
    }

    fn count_errors_of(&mut self, leaving: Option<Slot>) -> Option<Slot> {
        self.counters.decode_errors += leaving.as_ref().map_or(0, Slot::decode_errors);
        leaving
    }
}

/// What one tick shows.
enum Choice {
    /// The next house frame; `true` for the first of its segment.
    Content(SegmentId, HouseFrame, bool),
    Hold(SegmentId, Picture),
    Black,
}

impl Live {
    fn choose(
        &mut self,
        stamp: Stamp,
        missed: bool,
        hold: Duration,
        events: &mut Vec<ProgramEvent>,
    ) -> Choice {
        if self.state == LiveState::Over {
            return Choice::Black;
        }
        let segment = self.slot.segment();
        let stopped = self.stop_at.is_some_and(|stop| stamp.tick >= stop);
        let next = match (stopped, missed) {
            (true, _) => Next::Over,
            (false, true) => Next::Late,
            (false, false) => self.slot.next(stamp.samples),
        };
        if !self.exhausted && self.slot.source().is_exhausted() {
            self.exhausted = true;
            events.push(ProgramEvent::Exhausted(segment));
        }
        match next {
            Next::Frame(frame) => {
                self.state = LiveState::Rolling;
                let first = self.last_picture.replace(frame.picture.clone()).is_none();
                Choice::Content(segment, frame, first)
            }
            Next::Over => {
                self.state = LiveState::Over;
                events.push(ProgramEvent::Completed(segment));
                Choice::Black
            }
            Next::Late => self.late(stamp, missed, hold, events),
        }
    }

    fn late(
        &mut self,
        stamp: Stamp,
        missed: bool,
        hold: Duration,
        events: &mut Vec<ProgramEvent>,
    ) -> Choice {
        let since = match self.state {
            LiveState::Late(since) => since,
            _ => {
                if !missed {
                    events.push(ProgramEvent::Underrun(self.slot.segment()));
                }
                self.state = LiveState::Late(stamp.due);
                stamp.due
            }
        };
        match &self.last_picture {
            Some(picture) if stamp.due.since(since) < hold => Choice::Hold(self.slot.segment(), picture.clone()),
            _ => Choice::Black,
        }
    }
}
