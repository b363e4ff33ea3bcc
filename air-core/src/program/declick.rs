//! Declick: sound runs on where its source changes, at a take, into and out of silence, behind a hole.
//!
//! Two sources rarely meet at the same level, and a step is heard as a click. What of the step is steeper than
//! the sound on either side is spread over five milliseconds of the new source. No sample is added, dropped or
//! moved, a beep on the first sample keeps its level, and where a source follows upon itself, as when one file
//! is cut in two, not a bit changes; nor does one between joins.

use crate::control::SegmentId;
use crate::format::AudioFormat;
use crate::frame::Origin;

/// How long a step is spread over.
const RAMP_MS: usize = 5;

/// How much of the sound on either side says what is steep: a quarter of the slowest wave that has an edge.
const NATURAL_MS: usize = 1;

/// Makes the sound of consecutive program frames run on.
#[derive(Debug)]
pub struct Declick {
    channels: usize,
    /// Lengths, in samples per channel.
    ramp: usize,
    natural: usize,
    /// The segment that sounded last, unless it was silence.
    source: Option<SegmentId>,
    /// The last samples aired, at most `natural` per channel.
    tail: Vec<i16>,
    /// What the first new sample of each channel was too far from the last one aired.
    step: Vec<i32>,
    /// Samples of the ramp aired so far.
    done: usize,
}

impl Declick {
    /// For sound of `format`, after silence.
    pub fn new(format: AudioFormat) -> Declick {
        let channels = usize::from(format.channels);
        let milliseconds = |count: usize| format.sample_rate as usize * count / 1000;
        let ramp = milliseconds(RAMP_MS);
        Declick {
            channels,
            ramp,
            natural: milliseconds(NATURAL_MS),
            source: None,
            tail: vec![0; channels],
            step: vec![0; channels],
            done: ramp,
        }
    }

    /// Makes `audio`, the interleaved samples of the next program frame, which is of `origin`, follow those of
    /// the frame before it.
    pub fn smooth(&mut self, origin: Origin, audio: &mut [i16]) {
        let source = match origin {
            Origin::Content { segment, .. } => Some(segment),
            Origin::Hold { .. } | Origin::Black => None,
        };
        if audio.len() < self.channels {
            return;
        }
        if source != self.source {
            self.source = source;
            self.begin(audio);
        }
        self.spread(audio);
        self.tail.clear();
        self.tail.extend(&audio[audio.len().saturating_sub(self.natural * self.channels)..]);
    }

    /// Measures the step from the last sample aired to the first of `audio`.
    fn begin(&mut self, audio: &[i16]) {
        let head = &audio[..audio.len().min(self.natural * self.channels)];
        let last = &self.tail[self.tail.len() - self.channels..];
        for (channel, (last, first)) in last.iter().zip(audio).enumerate() {
            let of = |samples: &[i16]| steepest(samples, channel, self.channels);
            let natural = of(&self.tail).max(of(head));
            let step = i32::from(*last) - i32::from(*first);
            self.step[channel] = step - step.clamp(-natural, natural);
        }
        self.done = 0;
    }

    /// Adds what is left of the step to as much of `audio` as the ramp still covers.
    fn spread(&mut self, audio: &mut [i16]) {
        // One more than there are samples: so many jumps lie between the last old sample and the end.
        let (first, jumps) = (self.done, self.ramp as i32 + 1);
        for sample in audio.chunks_exact_mut(self.channels).take(self.ramp - first) {
            let left = (self.ramp - self.done) as i32;
            for (value, step) in sample.iter_mut().zip(&self.step) {
                *value =
                    (i32::from(*value) + step * left / jumps).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            }
            self.done += 1;
        }
    }
}

/// The greatest difference between neighbouring samples of one channel.
fn steepest(samples: &[i16], channel: usize, channels: usize) -> i32 {
    let values = || samples.iter().skip(channel).step_by(channels).copied().map(i32::from);
    values().zip(values().skip(1)).map(|(left, right)| (right - left).abs()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const STEREO: AudioFormat = AudioFormat { sample_rate: 48_000, channels: 2 };
    const MONO: AudioFormat = AudioFormat { sample_rate: 48_000, channels: 1 };
    /// Samples in five milliseconds.
    const RAMP: usize = 240;

    fn content(segment: u64) -> Origin {
        Origin::Content { segment: SegmentId(segment), index: 0 }
    }

    /// What is aired of frames in turn.
    fn aired(format: AudioFormat, frames: &[(Origin, Vec<i16>)]) -> Vec<i16> {
        let mut declick = Declick::new(format);
        let smooth = |(origin, audio): &(Origin, Vec<i16>)| {
            let mut audio = audio.clone();
            declick.smooth(*origin, &mut audio);
            audio
        };
        frames.iter().flat_map(smooth).collect()
    }

    fn sine(hz: f64, samples: std::ops::Range<usize>) -> Vec<i16> {
        let at = |i: usize| (i as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() * 30_000.0;
        samples.map(|i| at(i) as i16).collect()
    }

    fn longest_jump(samples: &[i16]) -> i32 {
        steepest(samples, 0, 1)
    }

    /// SW-8, PAINS 6: from one level to another there is no click, and the ramp goes on over short frames.
    #[test]
    fn a_step_is_spread_over_five_milliseconds_however_short_the_frames() {
        for frame in [48, 100, RAMP, 2_000] {
            let old = (content(1), vec![20_000; frame]);
            let frames: Vec<_> =
                std::iter::repeat_n(old, 20).chain(vec![(content(2), vec![-20_000; frame]); 20]).collect();
            let sound = aired(MONO, &frames);
            let join = 20 * frame;
            assert!(longest_jump(&sound[RAMP..]) <= 40_000 / RAMP as i32 + 1, "frames of {frame}");
            assert!(sound[join + RAMP..].iter().all(|&value| value == -20_000), "over in time");
        }
    }

    /// The first sound of a channel, the end, a hole and what comes after it are changes of source too.
    #[test]
    fn silence_is_entered_and_left_without_a_step_and_is_silent_within() {
        let hold = Origin::Hold { segment: SegmentId(1) };
        let (loud, silent) = (vec![-9_000; 1_600], vec![0; 1_600]);
        let turns = [
            (content(1), loud.clone()),
            (hold, silent.clone()),
            (Origin::Black, silent.clone()),
            (content(1), loud),
            (Origin::Black, silent),
        ];
        let sound = aired(MONO, &turns);
        assert!(i32::from(sound[0].abs()) <= 9_000 / RAMP as i32 + 1, "begins from silence");
        assert!(longest_jump(&sound) <= 9_000 / RAMP as i32 + 1);
        assert!(sound[1_600 + RAMP..4_800].iter().all(|&value| value == 0));
    }

    /// SW-9: a file cut in two sounds as if it were not.
    #[test]
    fn sound_that_runs_on_is_not_touched() {
        for hz in [31.0, 440.0, 997.0, 9_000.0] {
            let frames = [(content(1), sine(hz, 0..1_601)), (content(2), sine(hz, 1_601..3_203))];
            let (whole, sound) = (sine(hz, 0..3_203), aired(MONO, &frames));
            let off = whole.iter().zip(&sound).map(|(whole, aired)| (whole - aired).abs()).max();
            assert!(off <= Some(1), "{hz} Hz: {off:?}");
        }
    }

    #[test]
    fn a_beep_on_the_first_sample_keeps_its_level() {
        let beep = sine(1_000.0, 0..1_920);
        assert_eq!(aired(MONO, &[(Origin::Black, vec![0; 800]), (content(1), beep.clone())])[800..], beep);
    }

    #[test]
    fn channels_do_not_touch_each_other() {
        let stereo = |left: i16, right: i16| [left, right].repeat(800);
        let frames = [(content(1), stereo(12_000, 0)), (content(2), stereo(-12_000, 0))];
        let sound = aired(STEREO, &frames);
        assert!(sound.iter().skip(1).step_by(2).all(|&right| right == 0));
        let left: Vec<i16> = sound.iter().step_by(2).copied().collect();
        assert!(longest_jump(&left) <= 24_000 / RAMP as i32 + 1);
    }

    proptest! {
        /// No jump at a join exceeds what the programme itself has and what the ramp adds, at any sample rate.
        #[test]
        fn no_join_is_steeper_than_the_sound_and_the_ramp(
            sample_rate in 8_000..192_000_u32,
            frames in vec((0..4_u64, vec(any::<i16>(), 8..400)), 1..12),
        ) {
            let frames: Vec<_> = frames
                .into_iter()
                .map(|(segment, audio)| match segment {
                    0 => (Origin::Black, vec![0; audio.len()]),
                    _ => (content(segment), audio),
                })
                .collect();
            let sound = aired(AudioFormat { sample_rate, channels: 1 }, &frames);
            prop_assert_eq!(sound.len(), frames.iter().map(|(_, audio)| audio.len()).sum::<usize>());
            // Where the source does not change, a jump from frame to frame is the programme's own.
            let runs_on = frames.windows(2).filter(|pair| pair[0].0 == pair[1].0);
            let between = runs_on.map(|pair| longest_jump(&[pair[0].1[pair[0].1.len() - 1], pair[1].1[0]]));
            let within = frames.iter().map(|(_, audio)| longest_jump(audio));
            let natural = within.chain(between).max().unwrap_or(0);
            let ramp = 65_535 / (sample_rate as i32 * 5 / 1000) + 1;
            prop_assert!(longest_jump(&sound) <= natural + ramp);
        }
    }
}
