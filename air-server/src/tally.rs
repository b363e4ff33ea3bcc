//! What channels have counted together over all their runs, and how each was when it was looked at last.
//!
//! An engine counts from 0 at each start; these counts go on. What happens after the last look at a run is not
//! counted: look at its end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use air_core::{Check, Counters, EventKind, JudgeSummary, Reply, ResultCode, Severity, Status};

/// Channels that are remembered after their end; hosts that number them anew each time must not fill the memory.
const MOST_REMEMBERED: usize = 256;

/// All channels there were.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    channels: BTreeMap<i32, Channel>,
    runs: u64,
    transitions: Transitions,
}

/// How often each live slot came from one state to another, and how often it was refused what a call asked for.
#[derive(Clone, Debug, Default)]
pub struct Transitions {
    /// From one state to another.
    pub made: BTreeMap<(&'static str, &'static str), u64>,
    /// From a state, by the call.
    pub refused: BTreeMap<(&'static str, &'static str), u64>,
}

/// The states of a live slot, and that of having none.
const STOPPED: &str = "stopped";
const VACANT: &str = "vacant";
const ROLLING: &str = "rolling";
const EXHAUSTED: &str = "exhausted";

/// One run of a channel, from its start to its stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(u64);

/// What is known of a channel.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// Of its live slot; `None`: stopped.
    live: Option<&'static str>,
    /// While it runs.
    pub on: Option<On>,
    /// Of all its runs.
    pub counters: Counters,
    /// Of all streams it has sent: by check, how bad and how often.
    pub findings: Findings,
    /// The counters of the runs before.
    before: Counters,
    /// The findings in the streams before.
    found_before: Findings,
    /// The sink whose stream was judged last; 0: none of this run.
    judged: u64,
}

type Findings = BTreeMap<Check, (Severity, u64)>;

/// A channel that runs.
#[derive(Clone, Debug)]
pub struct On {
    run: Run,
    /// When it was started.
    pub since: Instant,
    /// How it stood at the last look.
    pub status: Option<Status>,
    /// Since when a look has waited for an answer.
    pub asked: Option<Instant>,
}

impl Tally {
    /// A run of channel `id` begins.
    pub fn begin(&self, id: i32) {
        let mut inner = self.lock();
        inner.runs += 1;
        let run = Run(inner.runs);
        let channel = inner.channels.entry(id).or_default();
        (channel.before, channel.judged) = (channel.counters, 0);
        channel.on = Some(On { run, since: Instant::now(), status: None, asked: None });
        inner.enter(id, Some(VACANT));
        if inner.channels.len() > MOST_REMEMBERED {
            let over = inner.channels.iter().find(|(_, channel)| channel.on.is_none()).map(|(id, _)| *id);
            over.map(|id| inner.channels.remove(&id));
        }
    }

    /// The run of channel `id`, which is going to be looked at.
    pub fn ask(&self, id: i32) -> Option<Run> {
        let mut inner = self.lock();
        let on = inner.channels.get_mut(&id)?.on.as_mut()?;
        on.asked = Some(Instant::now());
        Some(on.run)
    }

    /// How it stood. Nothing more is taken in of a run that is over.
    pub fn feed(&self, id: i32, run: Run, status: Status) {
        let mut inner = self.lock();
        let Some(channel) = inner.channels.get_mut(&id) else { return };
        let Some(on) = channel.on.as_mut().filter(|on| on.run == run) else { return };
        // What was seen earlier may come later: no count falls.
        let total = channel.before.combined(status.counters, |before, now| before + now);
        channel.counters = channel.counters.combined(total, u64::max);
        (on.status, on.asked) = (Some(status.clone()), None);
        if let Some(judge) = status.judge {
            channel.judged(&judge);
        }
    }

    /// Something happened on channel `id`.
    pub fn happened(&self, id: i32, event: &EventKind) {
        match event {
            EventKind::Taken { .. } => self.lock().enter(id, Some(ROLLING)),
            EventKind::Completed { .. } => self.lock().enter(id, Some(EXHAUSTED)),
            _ => {}
        }
    }

    /// The call named `call` was answered with `reply`.
    pub fn answered(&self, id: i32, call: &'static str, reply: &Reply) {
        if reply.result_code == ResultCode::ProtocolViolation {
            let mut inner = self.lock();
            let from = inner.channels.get(&id).and_then(|channel| channel.live).unwrap_or(STOPPED);
            *inner.transitions.refused.entry((from, call)).or_default() += 1;
        }
    }

    /// The run of channel `id` is over.
    pub fn end(&self, id: i32) {
        let mut inner = self.lock();
        inner.enter(id, None);
        if let Some(channel) = inner.channels.get_mut(&id) {
            channel.on = None;
        }
    }

    /// Of all channels together.
    pub fn transitions(&self) -> Transitions {
        self.lock().transitions.clone()
    }

    /// All channels that are remembered, by id.
    pub fn channels(&self) -> BTreeMap<i32, Channel> {
        self.lock().channels.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The live slot of channel `id` comes into a state; `None`: there is none any more.
    fn enter(&mut self, id: i32, state: Option<&'static str>) {
        if let Some(channel) = self.channels.get_mut(&id) {
            let from = std::mem::replace(&mut channel.live, state).unwrap_or(STOPPED);
            *self.transitions.made.entry((from, state.unwrap_or(STOPPED))).or_default() += 1;
        }
    }
}

impl Channel {
    /// How it stood at the last look, while it runs.
    pub fn status(&self) -> Option<&Status> {
        self.on.as_ref()?.status.as_ref()
    }

    fn judged(&mut self, judge: &JudgeSummary) {
        if judge.sink < self.judged {
            return; // It was seen earlier.
        }
        if judge.sink > self.judged {
            (self.judged, self.found_before) = (judge.sink, self.findings.clone());
        }
        for finding in &judge.findings {
            let before = self.found_before.get(&finding.check).map_or(0, |(_, count)| *count);
            let found = self.findings.entry(finding.check).or_insert((finding.severity, 0));
            found.1 = found.1.max(before + finding.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use air_core::{Engine, EngineConfig, JudgeFinding};

    use super::*;

    const FORMAT: &str = r#"{"video": {"width": 16, "height": 16, "frame_rate": "25/1"},
                             "audio": {"sample_rate": 48000, "channels": 2}}"#;

    /// How a channel stands that has written so many bytes.
    fn status(bytes_written: u64) -> Status {
        let engine = Engine::new(EngineConfig::default());
        assert!(engine.start_channel(1, "", 0, FORMAT).success);
        let mut status = engine.status().expect("a channel runs");
        status.counters.bytes_written = bytes_written;
        status
    }

    /// The same, if its judge has found so many lost packets in the stream of `sink`.
    fn judged(sink: u64, count: u64) -> Status {
        let finding = JudgeFinding { check: Check::Continuity, severity: Severity::Hard, count };
        let mut status = status(0);
        status.judge = Some(JudgeSummary { sink, packets: 1, findings: vec![finding] });
        status
    }

    fn bytes(tally: &Tally) -> u64 {
        tally.channels()[&1].counters.bytes_written
    }

    /// TM-2: neither a restart, nor an answer that comes late or twice, makes a count fall or rise twice.
    #[test]
    fn counts_go_on_over_a_restart() {
        let tally = Tally::default();
        tally.begin(1);
        let first = tally.ask(1).expect("a run");
        tally.feed(1, first, status(100));
        tally.feed(1, first, status(90));
        assert_eq!(bytes(&tally), 100);
        tally.end(1);
        assert_eq!(tally.ask(1), None);
        tally.begin(1);
        let second = tally.ask(1).expect("a run");
        tally.feed(1, first, status(200));
        assert_eq!(bytes(&tally), 100, "of a run that is over");
        tally.feed(1, second, status(7));
        tally.feed(1, second, status(7));
        assert_eq!(bytes(&tally), 107);
    }

    /// Each stream is judged by itself; the sum goes on.
    #[test]
    fn findings_go_on_over_streams_and_restarts() {
        let tally = Tally::default();
        let mut expected = 0;
        for _ in 0..2 {
            tally.begin(1);
            let run = tally.ask(1).expect("a run");
            for (sink, count, more) in [(2, 1, 1), (2, 3, 2), (5, 1, 1), (2, 3, 0), (5, 4, 3)] {
                tally.feed(1, run, judged(sink, count));
                expected += more;
                let findings = &tally.channels()[&1].findings;
                assert_eq!(findings[&Check::Continuity], (Severity::Hard, expected));
            }
            tally.end(1);
        }
    }

    #[test]
    fn transitions_are_counted_by_where_they_lead() {
        let tally = Tally::default();
        let violation = Reply::new(ResultCode::ProtocolViolation, "");
        tally.answered(1, "SwitchToLive", &violation);
        tally.begin(1);
        tally.answered(1, "SwitchToLive", &violation);
        tally.answered(1, "SwitchToLive", &Reply::ok(""));
        let taken = || EventKind::Taken { segment: 1, asset: String::new() };
        for event in
            [taken(), taken(), EventKind::Completed { segment: 1 }, EventKind::Late { ticks: 1 }, taken()]
        {
            tally.happened(1, &event);
        }
        tally.end(1);
        let Transitions { made, refused } = tally.transitions();
        let expected = [
            ((EXHAUSTED, ROLLING), 1),
            ((ROLLING, EXHAUSTED), 1),
            ((ROLLING, ROLLING), 1),
            ((ROLLING, STOPPED), 1),
            ((STOPPED, VACANT), 1),
            ((VACANT, ROLLING), 1),
        ];
        assert_eq!(made, BTreeMap::from(expected));
        assert_eq!(refused, BTreeMap::from([STOPPED, VACANT].map(|from| ((from, "SwitchToLive"), 1))));
    }

    #[test]
    fn channels_that_are_over_do_not_fill_the_memory() {
        let tally = Tally::default();
        tally.begin(-1);
        for id in 0..2 * MOST_REMEMBERED as i32 {
            tally.begin(id);
            tally.end(id);
        }
        let channels = tally.channels();
        assert!(channels.len() <= MOST_REMEMBERED + 1 && channels.contains_key(&-1), "{}", channels.len());
    }
}
