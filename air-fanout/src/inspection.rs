//! The judge on air: fed with what the viewers get, after they got it.

use std::collections::BTreeMap;

use air_ts::{Check, Judge, JudgeConfig, Severity};

/// One judge per engine, and the counts of those before.
#[derive(Debug)]
pub(crate) struct Inspection {
    judge: Judge,
    before: BTreeMap<Check, (Severity, u64)>,
}

impl Inspection {
    pub fn new() -> Self {
        Self { judge: judge(), before: BTreeMap::new() }
    }

    pub fn feed(&mut self, packets: &[u8]) {
        self.judge.feed(packets);
    }

    /// Another engine's stream begins.
    pub fn begin(&mut self) {
        self.before = self.counts();
        self.judge = judge();
    }

    /// How often each check found something.
    pub fn counts(&self) -> BTreeMap<Check, (Severity, u64)> {
        let mut counts = self.before.clone();
        for (check, summary) in self.judge.report().checks {
            counts.entry(check).or_insert((summary.severity, 0)).1 += summary.count;
        }
        counts
    }
}

/// Nobody takes single findings, so none is kept: memory stays what it is for days.
fn judge() -> Judge {
    Judge::new(JudgeConfig { max_findings_per_check: 0, ..JudgeConfig::house() })
}
