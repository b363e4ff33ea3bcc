//! Sound conforming: any rate, layout and sample format becomes house samples, counted from media zero.
//!
//! Which sample a decoded block begins with is `Placement`'s word; here the count is kept. What is missing
//! before the first block, between two that lie apart, or after the last, is silence.

use air_av::{AudioGraph, Rational, Result, Samples, SamplesFormat};

use super::cadence::{MediaNanos, NANOS};
use super::joints::Joints;
use super::placement::{Block, Placement};
use super::queue::SoundQueue;
use super::remix;
use crate::format::AudioFormat;

/// House samples of one source, waiting to be cut into house frames.
#[derive(Debug)]
pub struct AudioConform {
    house: AudioFormat,
    time_base: Rational,
    graph: Option<(SamplesFormat, AudioGraph)>,
    /// Media time of sample 0.
    origin: MediaNanos,
    placement: Placement,
    /// A block that is not where the count has it, until the next one is there to bear it out.
    held: Option<Samples>,
    /// Number of the sample that the filters give next.
    at: i64,
    /// Number of the first sample not queued or taken. Beyond `at`, what comes lies before the origin, was
    /// due while missing, or overlaps, and is thrown away.
    end: i64,
    queue: SoundQueue,
}

impl AudioConform {
    /// Conforms sound whose timestamps count in `time_base` to `house`, from media time `origin` on, which
    /// becomes sample 0. The file starts at `file_start`.
    pub fn new(
        house: AudioFormat,
        time_base: Rational,
        origin: MediaNanos,
        file_start: MediaNanos,
    ) -> AudioConform {
        AudioConform {
            house,
            time_base,
            graph: None,
            origin,
            placement: Placement::new(origin, file_start),
            held: None,
            at: 0,
            end: 0,
            queue: SoundQueue::new(house.channels),
        }
    }

    /// Takes decoded sound; `None` flushes what is held back.
    pub fn push(&mut self, samples: Option<Samples>, joints: &mut Joints) -> Result<()> {
        if let Some(held) = self.held.take() {
            let next = samples.as_ref().map(|samples| self.block(samples));
            let start = self.placement.place(self.block(&held), next, self.expected(), joints);
            self.go_to(start)?;
            self.filter(&held)?;
        }
        match samples {
            Some(samples) if self.placement.is_in_step(self.block(&samples), self.expected()) => {
                self.filter(&samples)
            }
            Some(samples) => {
                self.held = Some(samples);
                Ok(())
            }
            None => self.flush_graph(),
        }
    }

    /// Samples per channel that can be taken now.
    pub fn available(&self) -> u64 {
        self.queue.len()
    }

    /// How many of the next `count` samples were decoded, rather than being silence for want of sound.
    pub fn sounding(&self, count: u64) -> u64 {
        self.queue.sounding(count)
    }

    /// Takes `count` samples per channel, silence where there are none; a late sample is not made up for.
    pub fn take(&mut self, count: u64, out: &mut Vec<i16>) {
        let missing = count - self.queue.take(count, out);
        out.resize(out.len() + missing as usize * usize::from(self.house.channels), 0);
        self.end = self.end.saturating_add_unsigned(missing);
    }

    fn block(&self, samples: &Samples) -> Block {
        let rate = i32::try_from(samples.rate()).unwrap_or(i32::MAX);
        let length = air_av::rescale_nearest(samples.frames() as i64, Rational::new(1, rate), NANOS);
        let stamp = samples.pts().map(|pts| air_av::rescale_nearest(pts, self.time_base, NANOS));
        Block { stamp, length }
    }

    /// Where the sound so far ends, but for the few milliseconds that the filters hold back.
    fn expected(&self) -> MediaNanos {
        self.origin.saturating_add(air_av::rescale_nearest(self.at, self.sample(), NANOS))
    }

    /// Continues the count at media time `start`.
    fn go_to(&mut self, start: MediaNanos) -> Result<()> {
        if start != self.expected() {
            self.flush_graph()?;
            self.at = air_av::rescale_nearest(start.saturating_sub(self.origin), NANOS, self.sample());
        }
        Ok(())
    }

    fn filter(&mut self, samples: &Samples) -> Result<()> {
        let format = samples.format();
        if self.graph.as_ref().is_some_and(|(built_for, _)| *built_for != format) {
            self.flush_graph()?;
        }
        let mut graph = match self.graph.take() {
            Some((_, graph)) => graph,
            None => remix::graph(&format, self.time_base, self.house)?,
        };
        graph.push(Some(samples))?;
        self.drain(&mut graph)?;
        self.graph = Some((format, graph));
        Ok(())
    }

    fn flush_graph(&mut self) -> Result<()> {
        if let Some((_, mut graph)) = self.graph.take() {
            graph.push(None)?;
            self.drain(&mut graph)?;
        }
        Ok(())
    }

    fn drain(&mut self, graph: &mut AudioGraph) -> Result<()> {
        while let Some(house) = graph.pull()? {
            self.keep(house.interleaved_i16()?);
        }
        Ok(())
    }

    /// Queues the samples that begin with number `at`.
    fn keep(&mut self, samples: &[i16]) {
        let channels = usize::from(self.house.channels);
        let count = (samples.len() / channels) as i64;
        let after = self.at.saturating_add(count);
        if after > self.end {
            let hole = self.at.saturating_sub(self.end).max(0);
            self.queue.push_silence(hole.unsigned_abs());
            let skip = self.end.saturating_sub(self.at).max(0) as usize;
            self.queue.push(&samples[skip * channels..]);
            self.end = after;
        }
        self.at = after;
    }

    /// The length of a sample.
    fn sample(&self) -> Rational {
        Rational::new(1, i32::try_from(self.house.sample_rate).unwrap_or(i32::MAX))
    }
}
