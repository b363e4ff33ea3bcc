//! The program bus: two slots, and the choice of exactly one frame for every tick.
//!
//! The choice is total: content, else the held picture of the segment on air for a moment, else black and
//! silence (BF-1, R-34). It never waits, and never moves a segment from one slot to the other by itself.

use std::time::Duration;

use air_av::Picture;

use super::as_run::{AsRun, Entry};
use super::declick::Declick;
use super::live::{Live, ProgramEvent, Shown};
use super::slot::Slot;
use crate::control::SegmentId;
use crate::format::AudioFormat;
use crate::frame::ProgramFrame;
use crate::stats::Counters;
use crate::time::Stamp;

/// Preview, live, and what airs when live has nothing.
#[derive(Debug)]
pub struct ProgramBus {
    preview: Option<Slot>,
    live: Option<Live>,
    black: Picture,
    channels: usize,
    declick: Declick,
    hold: Duration,
    counters: Counters,
}

impl ProgramBus {
    /// A bus whose filler is `black`, with sound of `audio`, that holds a late segment's picture for `hold`.
    pub fn new(black: Picture, audio: AudioFormat, hold: Duration) -> ProgramBus {
        ProgramBus {
            preview: None,
            live: None,
            black,
            channels: usize::from(audio.channels),
            declick: Declick::new(audio),
            hold,
            counters: Counters::default(),
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

    /// Makes preview live, from the next frame on; answers the segment that leaves the air.
    pub fn take(&mut self, entry: &Entry) -> Option<Left> {
        let slot = self.preview.take()?;
        let old = self.live.replace(Live::new(slot, entry));
        self.leave(old)
    }

    /// Takes `segment` off whichever slot it is in.
    pub fn remove(&mut self, segment: SegmentId) -> Option<Left> {
        let live = self.live.take_if(|live| live.slot.segment() == segment);
        let preview = self.preview.take_if(|slot| slot.segment() == segment);
        self.leave(live).or(preview.map(|slot| Left { slot, as_run: None }))
    }

    /// The frame of one tick, and what was noticed while choosing it. `missed` says that the tick's time had
    /// already passed: content waits then.
    pub fn frame(&mut self, stamp: Stamp, missed: bool) -> (ProgramFrame, Vec<ProgramEvent>) {
        let mut events = Vec::new();
        let shown = match &mut self.live {
            Some(live) => live.choose(stamp, missed, self.hold, &mut events),
            None => Shown::BLACK,
        };
        self.counters.count(shown.origin, &events);
        let mut frame = ProgramFrame {
            stamp,
            picture: shown.picture.unwrap_or_else(|| self.black.clone()),
            audio: shown.audio.unwrap_or_else(|| vec![0; stamp.samples * self.channels]),
            origin: shown.origin,
            random_access: shown.is_first,
        };
        self.declick.smooth(frame.origin, &mut frame.audio);
        (frame, events)
    }

    /// What was aired so far; what only others can count is zero.
    pub fn counters(&self) -> Counters {
        let live_errors = self.live.as_ref().map_or(0, |live| live.slot.decode_errors());
        Counters { decode_errors: self.counters.decode_errors + live_errors, ..self.counters }
    }

    fn leave(&mut self, live: Option<Live>) -> Option<Left> {
        let Live { mut slot, mut as_run, .. } = live?;
        self.counters.decode_errors += slot.decode_errors();
        let nothing_is_left = slot.source().waiting() == 0;
        as_run.failure = slot.source().failure().filter(|_| nothing_is_left);
        Some(Left { slot, as_run: Some(as_run) })
    }
}

/// A segment that left its slot.
#[derive(Debug)]
pub struct Left {
    /// The segment.
    pub slot: Slot,
    /// What became of it, if it was on air.
    pub as_run: Option<AsRun>,
}

#[cfg(test)]
mod tests {
    use air_ts::Pts;

    use super::*;
    use crate::frame::Origin;
    use crate::producer::black;
    use crate::testing::{broken_after, scripted};
    use crate::time::{FrameRate, Nanos, Tick, Timeline, UtcMillis};

    const HOLD: Duration = Duration::from_millis(100);
    const MONO: AudioFormat = AudioFormat { sample_rate: 48_000, channels: 1 };
    const ENTRY: Entry = Entry { planned: Tick(0), tick: Tick(0), time: UtcMillis(0), stop_at: None };

    fn bus(segment: u64, script: impl IntoIterator<Item = Option<u64>>) -> ProgramBus {
        let mut bus = ProgramBus::new(black(16, 16).unwrap(), MONO, HOLD);
        load(&mut bus, segment, script);
        bus.take(&ENTRY);
        bus
    }

    fn load(bus: &mut ProgramBus, segment: u64, script: impl IntoIterator<Item = Option<u64>>) {
        bus.load(scripted(segment, script).0);
    }

    fn timeline() -> Timeline {
        Timeline::new(FrameRate::new(30_000, 1001).unwrap(), 48_000, Pts(0), Nanos(0))
    }

    fn show(bus: &mut ProgramBus, ticks: std::ops::Range<u64>) -> (Vec<Origin>, Vec<ProgramEvent>) {
        let (timeline, mut events) = (timeline(), Vec::new());
        let frame = |tick| {
            let stamp = timeline.stamp(Tick(tick));
            let (frame, noticed) = bus.frame(stamp, false);
            events.extend(noticed);
            assert_eq!(frame.audio.len(), stamp.samples, "tick {tick} carries its samples");
            frame.origin
        };
        (ticks.map(frame).collect(), events)
    }

    fn content(index: u64) -> Origin {
        Origin::Content { segment: SegmentId(1), index }
    }

    fn exhausted(end: u64) -> ProgramEvent {
        ProgramEvent::Exhausted { segment: SegmentId(1), end: Tick(end), reason: None }
    }

    const HELD: Origin = Origin::Hold { segment: SegmentId(1) };

    /// R-34, TL-11: a late producer is held for a moment, then black; its content resumes where it was.
    #[test]
    fn a_late_producer_is_held_then_black_and_loses_nothing() {
        let script = [Some(0), None, None, None, None, Some(1), Some(2), None, Some(3)];
        let mut bus = bus(1, script);
        let (origins, events) = show(&mut bus, 0..9);
        let expected =
            [content(0), HELD, HELD, HELD, Origin::Black, content(1), content(2), HELD, content(3)];
        assert_eq!(origins, expected);
        let underrun = || ProgramEvent::Underrun(SegmentId(1));
        assert_eq!(events, [underrun(), underrun(), exhausted(9)]);
        assert_eq!((bus.counters().underruns, bus.counters().failsafe_entries), (2, 0));
    }

    /// BF-1, BF-4, LC-4: the end is black from the very next tick, once, and for good.
    #[test]
    fn the_end_of_a_segment_is_black_until_a_take() {
        let mut bus = bus(1, [Some(0), Some(1)]);
        let (origins, events) = show(&mut bus, 0..4);
        assert_eq!(origins, [content(0), content(1), Origin::Black, Origin::Black]);
        assert_eq!(events, [exhausted(2), ProgramEvent::Completed(SegmentId(1))]);
        load(&mut bus, 2, [Some(0)]);
        assert_eq!(show(&mut bus, 4..6).0, [Origin::Black; 2], "SL-5: a parked preview changes nothing");
        assert!(bus.take(&ENTRY).is_some());
        assert_eq!(show(&mut bus, 6..7).0, [Origin::Content { segment: SegmentId(2), index: 0 }]);
        assert_eq!(bus.counters().failsafe_entries, 1);
    }

    /// L-28: what is held is of the segment that owns the tick, never of the one before.
    #[test]
    fn a_segment_that_is_late_at_once_is_black_not_the_old_picture() {
        let mut bus = bus(1, [Some(0), Some(1), Some(2)]);
        show(&mut bus, 0..1);
        load(&mut bus, 2, [None, Some(0)]);
        bus.take(&ENTRY);
        let (origins, _) = show(&mut bus, 1..3);
        assert_eq!(origins, [Origin::Black, Origin::Content { segment: SegmentId(2), index: 0 }]);
    }

    /// SG-5, SG-7: nothing at or after the hard stop, and nothing else happens.
    #[test]
    fn a_hard_stop_is_a_clamp() {
        let mut bus = ProgramBus::new(black(16, 16).unwrap(), MONO, HOLD);
        load(&mut bus, 1, (0..9).map(Some));
        bus.take(&Entry { stop_at: Some(Tick(2)), ..ENTRY });
        assert_eq!(show(&mut bus, 0..4).0, [content(0), content(1), Origin::Black, Origin::Black]);
    }

    /// R-6, L-30: a tick whose time has passed is filled, and the content waits.
    #[test]
    fn a_missed_tick_takes_no_content() {
        let mut bus = bus(1, (0..4).map(Some));
        let time = timeline();
        let mut show = |tick, missed| bus.frame(time.stamp(Tick(tick)), missed).0.origin;
        let shown = [show(0, false), show(1, true), show(2, true), show(3, false)];
        assert_eq!(shown, [content(0), HELD, HELD, content(1)]);
        assert_eq!(bus.counters().underruns, 0, "lateness of the process is no underrun");
    }

    /// PAINS 2, L-30: the end that is told is that of the content, however many ticks were missed before it.
    #[test]
    fn missed_ticks_do_not_bring_the_told_end_nearer() {
        let mut bus = bus(1, []);
        bus.load(broken_after(2, 4, "cut off"));
        bus.take(&ENTRY);
        let time = timeline();
        let mut told = Vec::new();
        for (tick, missed) in
            [(0, true), (1, true), (2, false), (3, false), (4, false), (5, false), (6, false)]
        {
            told.extend(bus.frame(time.stamp(Tick(tick)), missed).1);
        }
        let (segment, reason) = (SegmentId(2), Some("cut off".into()));
        let expected =
            [ProgramEvent::Exhausted { segment, end: Tick(6), reason }, ProgramEvent::Completed(segment)];
        assert_eq!(told, expected);
    }

    /// SL-11: what became of a segment is what was aired of it; its reader may have met trouble further on.
    #[test]
    fn trouble_behind_the_cut_is_no_failure() {
        for (aired, failure) in [(3, None), (4, Some("cut off".to_owned()))] {
            let mut bus = bus(1, []);
            bus.load(broken_after(2, 4, "cut off"));
            bus.take(&ENTRY);
            show(&mut bus, 0..aired);
            let left = bus.remove(SegmentId(2)).and_then(|left| left.as_run);
            assert_eq!(left.map(|record| record.failure), Some(failure), "after {aired} frames");
        }
    }

    /// AU-8, SW-9: any tick can begin a segment; samples are neither lost nor made up.
    #[test]
    fn sound_is_cut_to_the_tick_from_any_first_tick() {
        for first in 0..10 {
            let mut bus = bus(1, (0..200).map(Some));
            let time = timeline();
            for tick in first..first + 200 {
                let (frame, _) = bus.frame(time.stamp(Tick(tick)), false);
                assert!(frame.audio.iter().all(|&sample| sample == 1), "tick {tick} from {first}");
                assert_eq!(frame.audio.len(), time.stamp(Tick(tick)).samples);
            }
        }
    }
}
