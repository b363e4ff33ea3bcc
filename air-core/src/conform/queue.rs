//! House samples on their way from the filters to house frames, with the silence between them kept as a count.

use std::collections::VecDeque;

/// A queue of sound and silence; all counts are in samples per channel.
#[derive(Debug)]
pub struct SoundQueue {
    channels: usize,
    runs: VecDeque<Run>,
}

#[derive(Debug)]
enum Run {
    Silence(u64),
    Sound(VecDeque<i16>),
}

impl SoundQueue {
    /// An empty queue of interleaved samples.
    pub fn new(channels: u16) -> SoundQueue {
        SoundQueue { channels: usize::from(channels), runs: VecDeque::new() }
    }

    /// Appends `count` samples of silence.
    pub fn push_silence(&mut self, count: u64) {
        self.runs.push_back(Run::Silence(count));
    }

    /// Appends interleaved samples.
    pub fn push(&mut self, samples: &[i16]) {
        match self.runs.back_mut() {
            Some(Run::Sound(last)) => last.extend(samples),
            _ => self.runs.push_back(Run::Sound(samples.iter().copied().collect())),
        }
    }

    /// What is queued.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|run| self.length(run)).sum()
    }

    /// How much of the first `count` samples is sound, be it loud or not, rather than what stands in for it.
    pub fn sounding(&self, count: u64) -> u64 {
        let (mut left, mut sound) = (count, 0);
        for run in &self.runs {
            let length = self.length(run).min(left);
            left -= length;
            sound += if matches!(run, Run::Sound(_)) { length } else { 0 };
        }
        sound
    }

    /// Moves up to `count` samples to `out`, and answers how many it was.
    pub fn take(&mut self, count: u64, out: &mut Vec<i16>) -> u64 {
        let mut left = count;
        while left > 0
            && let Some(mut run) = self.runs.pop_front()
        {
            let length = self.length(&run);
            let taken = length.min(left);
            let values = taken as usize * self.channels;
            match &mut run {
                Run::Silence(of) => {
                    *of -= taken;
                    out.resize(out.len() + values, 0);
                }
                Run::Sound(samples) => out.extend(samples.drain(..values)),
            }
            if taken < length {
                self.runs.push_front(run);
            }
            left -= taken;
        }
        count - left
    }

    fn length(&self, run: &Run) -> u64 {
        match run {
            Run::Silence(count) => *count,
            Run::Sound(samples) => (samples.len() / self.channels) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_and_silence_is_no_sound() {
        let mut queue = SoundQueue::new(2);
        queue.push_silence(2);
        queue.push(&[1, 2, 3, 4]);
        queue.push(&[5, 6]);
        queue.push_silence(1);
        assert_eq!((queue.len(), queue.sounding(2), queue.sounding(3), queue.sounding(9)), (6, 0, 1, 3));
        let mut out = Vec::new();
        assert_eq!((queue.take(3, &mut out), queue.take(9, &mut out), queue.len()), (3, 3, 0));
        assert_eq!(out, [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0]);
    }
}
