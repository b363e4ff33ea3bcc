//! The as-run record: what became of a segment, tick by tick counted, told when it has left the air.

use super::slot::Slot;
use crate::frame::{Origin, SourcePicture};
use crate::time::{Tick, UtcMillis};

/// What became of one segment that was taken. Every tick from its first to its last is exactly one of content,
/// held and black.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsRun {
    /// Its number in the channel.
    pub segment: u64,
    /// Its asset, as it was named.
    pub asset: String,
    /// Where in the asset it was to begin, in milliseconds.
    pub start_offset_ms: u64,
    /// The tick it was to be taken at: that of its boundary, or the next one at the time of the command.
    pub planned_first_tick: u64,
    /// The tick it was taken at.
    pub first_tick: u64,
    /// The last tick before its hard stop, which may lie before its first tick; `None`: it had no stop, or there
    /// is no tick before it.
    pub planned_last_tick: Option<u64>,
    /// The last tick it owned; `None`: it left the air before its first tick.
    pub last_tick: Option<u64>,
    /// When its first tick was due, in UTC milliseconds; on a virtual clock, since the start.
    pub first_time_ms: i64,
    /// The first picture of the asset that was shown.
    pub first_source: Option<SourcePicture>,
    /// The last one.
    pub last_source: Option<SourcePicture>,
    /// Ticks that showed what was due in the asset.
    pub content: u64,
    /// How many of these showed the same picture of the asset as the tick before: the cadence, or a still.
    pub repeated: u64,
    /// Pictures of the asset between the first and the last that were due on no tick: the cadence, or a loss.
    pub dropped: u64,
    /// Ticks filled with the last picture, because the next was late.
    pub held: u64,
    /// Ticks filled with black: late for longer, or after the end.
    pub black: u64,
    /// Why it could not be played, or not to its end; `None`: it could.
    pub failure: Option<String>,
}

/// How a segment comes on air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tick it was to be taken at.
    pub planned: Tick,
    /// The tick it is taken at.
    pub tick: Tick,
    /// When that tick is due.
    pub time: UtcMillis,
    /// From this tick on nothing of it is shown.
    pub stop_at: Option<Tick>,
}

impl AsRun {
    /// The record of what is in `slot`, which has shown nothing yet.
    pub(super) fn begin(slot: &Slot, entry: &Entry) -> AsRun {
        AsRun {
            segment: slot.segment().0,
            asset: slot.asset().to_owned(),
            start_offset_ms: slot.start_offset_ms(),
            planned_first_tick: entry.planned.0,
            first_tick: entry.tick.0,
            planned_last_tick: entry.stop_at.and_then(|stop| stop.0.checked_sub(1)),
            last_tick: None,
            first_time_ms: entry.time.0,
            first_source: None,
            last_source: None,
            content: 0,
            repeated: 0,
            dropped: 0,
            held: 0,
            black: 0,
            failure: None,
        }
    }

    /// Counts a tick that aired what `origin` says, which of the asset was `source`.
    pub(super) fn count(&mut self, tick: Tick, origin: Origin, source: Option<SourcePicture>) {
        self.last_tick = Some(tick.0);
        match origin {
            Origin::Content { .. } => self.content += 1,
            Origin::Hold { .. } => self.held += 1,
            Origin::Black => self.black += 1,
        }
        let Some(source) = source else { return };
        self.first_source.get_or_insert(source);
        if let Some(last) = self.last_source.replace(source) {
            match source.number.checked_sub(last.number) {
                Some(0) => self.repeated += 1,
                Some(step) => self.dropped += step - 1,
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::SegmentId;
    use crate::testing::scripted;

    fn source(number: u64) -> Option<SourcePicture> {
        Some(SourcePicture { number, media_ms: number * 40 })
    }

    /// SL-11: every tick is accounted for, and every picture of the asset between the first and the last.
    #[test]
    fn every_tick_and_every_picture_is_accounted_for() {
        let entry = Entry { planned: Tick(9), tick: Tick(10), time: UtcMillis(7), stop_at: Some(Tick(20)) };
        let mut record = AsRun::begin(&scripted(3, []).0, &entry);
        assert_eq!(
            (record.planned_first_tick, record.planned_last_tick, record.last_tick),
            (9, Some(19), None)
        );
        let content = Origin::Content { segment: SegmentId(3), index: 0 };
        let shown = [(content, source(5)), (content, source(5)), (content, source(8)), (Origin::Black, None)];
        for (tick, (origin, source)) in (10..).zip(shown) {
            record.count(Tick(tick), origin, source);
        }
        assert_eq!((record.content, record.repeated, record.dropped, record.black), (3, 1, 2, 1));
        assert_eq!(
            (record.last_tick, record.first_source, record.last_source),
            (Some(13), source(5), source(8))
        );
    }

    /// SG-8: a stop that is past at the first tick of the channel plans no tick.
    #[test]
    fn a_stop_before_the_first_tick_plans_none() {
        let stopped = Entry { planned: Tick(0), tick: Tick(0), time: UtcMillis(7), stop_at: Some(Tick(0)) };
        assert_eq!(AsRun::begin(&scripted(3, []).0, &stopped).planned_last_tick, None);
    }
}
