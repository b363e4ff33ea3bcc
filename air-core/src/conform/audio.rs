//! Sound conforming: any rate, layout and sample format becomes house samples, counted from media zero.
//!
//! Only the first sample takes its place from a timestamp; all later ones are counted (AU-8, L-17). What is
//! missing before the first, between streams that lie too far apart, or after the last, is silence.

use std::collections::VecDeque;

use air_av::{AudioGraph, Rational, Result, Samples, SamplesFormat};

use super::cadence::MediaNanos;
use crate::format::AudioFormat;

const NANOS: Rational = Rational { num: 1, den: 1_000_000_000 };

/// House samples of one source, waiting to be cut into house frames.
#[derive(Debug)]
pub struct AudioConform {
    house: AudioFormat,
    time_base: Rational,
    graph: Option<(SamplesFormat, AudioGraph)>,
    /// Media time of sample 0.
    origin: MediaNanos,
    placed: bool,
    /// Silence due before the first waiting sample, in samples per channel.
    silence: u64,
    /// Samples per channel still to be thrown away: they lie before the origin, or were due while missing.
    overdue: u64,
    waiting: VecDeque<i16>,
}

impl AudioConform {
    /// Conforms sound whose timestamps count in `time_base` to `house`, from media time `origin` on.
    pub fn new(house: AudioFormat, time_base: Rational, origin: MediaNanos) -> AudioConform {
        AudioConform {
            house,
            time_base,
            graph: None,
            origin,
            placed: false,
            silence: 0,
            overdue: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Takes decoded sound; `None` flushes what the filters hold back.
    pub fn push(&mut self, samples: Option<&Samples>) -> Result<()> {
        let changed = match (samples, &self.graph) {
            (Some(samples), Some((built_for, _))) => samples.format() != *built_for,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if changed || samples.is_none() {
            self.flush_graph()?;
        }
        let Some(samples) = samples else { return Ok(()) };
        let (_, mut graph) = match self.graph.take() {
            Some(graph) => graph,
            None => {
                let format = samples.format();
                let graph = AudioGraph::new(&format, self.time_base, &self.filters())?;
                (format, graph)
            }
        };
        graph.push(Some(samples))?;
        self.drain(&mut graph)?;
        self.graph = Some((samples.format(), graph));
        Ok(())
    }

    /// Samples per channel that can be taken now.
    pub fn available(&self) -> u64 {
        self.silence + self.frames_waiting()
    }

    /// Takes `count` samples per channel, silence where there are none; a late sample is not made up for.
    pub fn take(&mut self, count: u64, out: &mut Vec<i16>) {
        let channels = usize::from(self.house.channels);
        let silence = self.silence.min(count);
        self.silence -= silence;
        let sound = self.frames_waiting().min(count - silence);
        let missing = count - silence - sound;
        out.resize(out.len() + silence as usize * channels, 0);
        out.extend(self.waiting.drain(..sound as usize * channels));
        out.resize(out.len() + missing as usize * channels, 0);
        self.overdue += missing;
    }

    fn frames_waiting(&self) -> u64 {
        (self.waiting.len() / usize::from(self.house.channels)) as u64
    }

    fn flush_graph(&mut self) -> Result<()> {
        if let Some((_, mut graph)) = self.graph.take() {
            graph.push(None)?;
            self.drain(&mut graph)?;
        }
        Ok(())
    }

    fn drain(&mut self, graph: &mut AudioGraph) -> Result<()> {
        let time_base = graph.time_base();
        while let Some(house) = graph.pull()? {
            self.keep(&house, time_base)?;
        }
        Ok(())
    }

    fn keep(&mut self, house: &Samples, time_base: Rational) -> Result<()> {
        if !self.placed {
            self.place(house.pts().map(|pts| air_av::rescale_nearest(pts, time_base, NANOS)));
        }
        let channels = usize::from(self.house.channels);
        let samples = house.interleaved_i16()?;
        let skip = self.overdue.min((samples.len() / channels) as u64);
        self.overdue -= skip;
        self.waiting.extend(&samples[skip as usize * channels..]);
        Ok(())
    }

    /// Puts the first sample where its timestamp says, relative to the origin.
    fn place(&mut self, start: Option<MediaNanos>) {
        self.placed = true;
        let sample = Rational { num: 1, den: i32::try_from(self.house.sample_rate).unwrap_or(i32::MAX) };
        let Some(distance) = start.map(|start| start.saturating_sub(self.origin)) else { return };
        let distance = air_av::rescale_nearest(distance, NANOS, sample);
        match u64::try_from(distance) {
            // What was asked for in vain before the first sample came is part of the distance.
            Ok(after) => {
                self.silence = after.saturating_sub(self.overdue);
                self.overdue = self.overdue.saturating_sub(after);
            }
            Err(_) => self.overdue += distance.unsigned_abs(),
        }
    }

    fn filters(&self) -> String {
        let layout = match self.house.channels {
            1 => "mono",
            2 => "stereo",
            3 => "2.1",
            4 => "4.0",
            5 => "5.0",
            6 => "5.1",
            7 => "6.1",
            _ => "7.1",
        };
        let rate = self.house.sample_rate;
        format!("aresample={rate},aformat=sample_fmts=s16:sample_rates={rate}:channel_layouts={layout}")
    }
}
