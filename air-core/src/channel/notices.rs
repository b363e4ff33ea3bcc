//! Log lines of the tick: what operators look for, in the words they know. Told when it changes, never per tick.

use crate::episode::{Episode, News};
use crate::frame::{Origin, ProgramFrame};
use crate::program::ProgramEvent;

/// What a channel's log has told.
#[derive(Debug, Default)]
pub(super) struct Notices {
    silence: Episode,
    underrun: Episode,
}

impl Notices {
    /// Takes note of one tick of channel `channel`.
    pub fn tick(&mut self, channel: i32, frame: &ProgramFrame, noticed: &[ProgramEvent]) {
        let (tick, due) = (frame.stamp.tick.0, frame.stamp.due);
        let is_content = matches!(frame.origin, Origin::Content { .. });
        match self.silence.note(!is_content, due) {
            Some(News::Begins { untold }) => {
                tracing::info!(channel, tick, untold, "INV-P9-AUDIO-LIVENESS: injecting_silence started");
            }
            Some(News::Ends) => {
                tracing::info!(channel, tick, "INV-P9-AUDIO-LIVENESS: injecting_silence ended");
            }
            None => {}
        }
        let late = noticed.iter().any(|event| matches!(event, ProgramEvent::Underrun(_)));
        if let Some(News::Begins { untold }) = self.underrun.note(late, due) {
            tracing::warn!(channel, tick, untold, "INV-P10-UNDERRUN: warning");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use air_ts::Pts;

    use super::*;
    use crate::format::AudioFormat;
    use crate::producer::black;
    use crate::program::{Entry, ProgramBus};
    use crate::testing::{logged, scripted};
    use crate::time::{FrameRate, Nanos, Tick, Timeline, UtcMillis};

    /// What the log says of a channel whose producer follows `script`, at 30 frames per second.
    fn lines(script: impl IntoIterator<Item = Option<u64>>, ticks: u64) -> Vec<String> {
        let format = AudioFormat { sample_rate: 48_000, channels: 1 };
        let mut bus = ProgramBus::new(black(16, 16).unwrap(), format, Duration::ZERO);
        bus.load(scripted(1, script).0);
        bus.take(&Entry { planned: Tick(0), tick: Tick(0), time: UtcMillis(0), stop_at: None });
        let timeline = Timeline::new(FrameRate::new(30, 1).unwrap(), 48_000, Pts(0), Nanos(0));
        let mut notices = Notices::default();
        logged(|| {
            for tick in (0..ticks).map(Tick) {
                let (frame, noticed) = bus.frame(timeline.stamp(tick), false);
                notices.tick(7, &frame, &noticed);
            }
        })
    }

    /// MX-12: two seconds without content are three lines, not sixty; the end of a segment is silence, no underrun.
    #[test]
    fn silence_and_underruns_are_told_when_they_begin_and_end() {
        let script = (0..3).map(Some).chain([None; 60]).chain((3..5).map(Some));
        let told = [
            "INV-P9-AUDIO-LIVENESS: injecting_silence started channel=7 tick=3 untold=0",
            "INV-P10-UNDERRUN: warning channel=7 tick=3 untold=0",
            "INV-P9-AUDIO-LIVENESS: injecting_silence ended channel=7 tick=63",
            "INV-P9-AUDIO-LIVENESS: injecting_silence started channel=7 tick=65 untold=1",
        ];
        assert_eq!(lines(script.clone(), 65), told[..3]);
        assert!(lines(script, 70).len() <= 4);
    }

    /// A producer that is late at every other tick is told of once in five seconds.
    #[test]
    fn a_producer_that_stutters_does_not_fill_the_log() {
        let script = (0..600).map(|tick| (tick % 2 == 0).then_some(tick / 2));
        let lines = lines(script, 600);
        assert!((8..=12).contains(&lines.len()), "{lines:#?}");
    }
}
