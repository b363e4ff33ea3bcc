//! The judge: reads a transport stream as it comes and says what is wrong with it.
//!
//! Checks bear the names of ETSI TR 101 290 where that has them. Bytes go in, cut anywhere; findings come out one by
//! one, and a [`Report`] at the end. Memory is bounded and nothing is allocated per packet once a stream runs, so a
//! judge can stay on air. It judges the first program of the PAT and decodes nothing.

mod adts;
mod config;
mod continuity;
mod inspector;
mod interval;
mod pcr;
mod psi;
mod pts;
mod report;
mod start_lead;
mod strays;
mod stream;
mod sync;
mod timetable;
mod tstd;
mod video;

#[cfg(test)]
mod tests;

pub use config::JudgeConfig;
pub use report::{Check, CheckSummary, Finding, Report, Severity, StreamFacts, is_audio, is_video};

use inspector::Inspector;
use sync::Framing;

/// See the [module](self).
#[derive(Debug)]
pub struct Judge {
    framing: Framing,
    inspector: Inspector,
}

impl Judge {
    /// A judge of one stream.
    pub fn new(config: JudgeConfig) -> Self {
        Self { framing: Framing::default(), inspector: Inspector::new(config) }
    }

    /// Takes the next bytes, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.framing.feed(bytes, &mut |framed| self.inspector.take(framed));
    }

    /// What was found since the last call, in the order in which it became certain: what concerns time, up to one
    /// PCR interval late.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        self.inspector.take_findings()
    }

    /// The stream so far. What waits for the next PCR is not in it yet.
    pub fn report(&self) -> Report {
        self.inspector.report()
    }

    /// Ends the stream and sums up. Findings not taken are in the report's counts.
    pub fn finish(mut self) -> Report {
        self.framing.finish(&mut |framed| self.inspector.take(framed));
        self.inspector.finish()
    }
}
