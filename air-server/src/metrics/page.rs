//! The text of a scrape, in the format 0.0.4. Metrics that `air serve` has too have the same names and meanings
//! there: `air_py/metrics.py`.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::{Duration, Instant};

use air_core::{Counters, LiveState};

use super::calls::Calls;
use crate::tally::{Channel, Tally, Transitions};

/// All of it.
pub fn text(tally: &Tally, calls: &Calls, now: Instant) -> String {
    let channels = &tally.channels();
    let mut page = Page::default();
    page.head("air_info", "gauge", "The version, as a label.");
    page.sample("air_info", &[("version", &env!("CARGO_PKG_VERSION"))], 1);
    page.head(CALL_LATENCY, "histogram", "From a call of the control interface to its answer.");
    calls.write(CALL_LATENCY, &mut page.0);
    let Transitions { made, refused } = tally.transitions();
    page.transitions(TRANSITIONS, "Times a live slot came from one state to another.", &made);
    page.transitions(REFUSALS, "Calls that the state of the live slot did not allow.", &refused);
    if channels.is_empty() {
        return page.0;
    }
    for Gauge(name, help, value) in GAUGES {
        page.head(name, "gauge", help);
        for (id, channel) in channels {
            let view = View { channel, now };
            page.sample(name, &[("channel", id)], value(&view));
        }
    }
    for Counter(name, help, count) in COUNTERS {
        page.head(name, "counter", help);
        for (id, channel) in channels {
            page.sample(name, &[("channel", id)], count(&channel.counters));
        }
    }
    page.findings(channels);
    page.0
}

/// A channel that has been asked for so long does not answer: one that does takes less than a frame.
const SILENT_AFTER: Duration = Duration::from_millis(40);

const CALL_LATENCY: &str = "playout_control_call_latency_ms";
const TRANSITIONS: &str = "playout_control_state_transition_total";
const REFUSALS: &str = "playout_control_illegal_transition_total";
const FINDINGS: &str = "air_judge_findings_total";

/// What a gauge is made from.
struct View<'a> {
    channel: &'a Channel,
    now: Instant,
}

/// Name, help, and value.
struct Gauge(&'static str, &'static str, fn(&View<'_>) -> u64);

const GAUGES: &[Gauge] = &[
    Gauge(
        "retrovue_playout_channel_state",
        "0 off, 1 starting, 2 on air, 3 its engine is lost or does not answer.",
        state,
    ),
    Gauge(
        "retrovue_playout_channel_uptime_seconds",
        "Since the channel was started; 0 when it is off.",
        |view| {
            view.channel.on.as_ref().map_or(0, |on| view.now.saturating_duration_since(on.since).as_secs())
        },
    ),
    Gauge(
        "air_sink_state",
        "0 nothing attached, 1 starting, 2 running, 3 backpressure, 4 error, 5 stopping, 6 stopped.",
        |view| view.channel.status().map_or(0, |status| status.sink as u64),
    ),
];

fn state(view: &View<'_>) -> u64 {
    let Some(on) = &view.channel.on else { return 0 };
    let is_silent = on.asked.is_some_and(|asked| view.now.saturating_duration_since(asked) > SILENT_AFTER);
    match on.status.as_ref().map(|status| status.live) {
        _ if is_silent => 3,
        None | Some(LiveState::Vacant) => 1,
        Some(LiveState::Rolling(_) | LiveState::Exhausted(_)) => 2,
    }
}

/// Name, help, and which of a channel's counts.
struct Counter(&'static str, &'static str, fn(&Counters) -> u64);

const COUNTERS: &[Counter] = &[
    Counter("retrovue_playout_decode_failure_count", "Errors of decoders.", |it| it.decode_errors),
    Counter(
        "retrovue_playout_frames_dropped_total",
        "Pictures left out because encoder or reader was too slow.",
        |it| it.pictures_dropped,
    ),
    Counter("retrovue_playout_buffer_underrun_total", "Times content did not keep up.", |it| it.underruns),
    Counter("retrovue_frames_consumed_total", "Ticks that showed content.", |it| it.content_frames),
    Counter("frames_late_total", "Ticks that came too late.", |it| it.late_ticks),
    Counter("output_bytes_written", "Bytes an engine wrote to its reader.", |it| it.bytes_written),
    Counter("output_write_count", "Writes to the reader.", |it| it.writes),
    Counter("output_stall_events", "Times the reader kept the engine's writer waiting.", |it| it.stalls),
    Counter("air_held_frames_total", "Ticks that repeated a picture because the next was late.", |it| {
        it.held_frames
    }),
    Counter("air_black_frames_total", "Ticks of black and silence.", |it| it.black_frames),
    Counter("air_failsafe_entries_total", "Times content ended and nothing followed.", |it| {
        it.failsafe_entries
    }),
];

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Values of labels are numbers, or words of ours without quotes.
    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: u64) {
        let labels: Vec<_> = labels.iter().map(|(key, label)| format!("{key}=\"{label}\"")).collect();
        let _ = writeln!(self.0, "{name}{{{}}} {value}", labels.join(","));
    }

    fn transitions(&mut self, name: &str, help: &str, counts: &BTreeMap<(&str, &str), u64>) {
        if !counts.is_empty() {
            self.head(name, "counter", help);
        }
        for ((from, to), count) in counts {
            self.sample(name, &[("from", from), ("to", to)], *count);
        }
    }

    fn findings(&mut self, channels: &BTreeMap<i32, Channel>) {
        if channels.values().all(|channel| channel.findings.is_empty()) {
            return;
        }
        self.head(FINDINGS, "counter", "What the judge found wrong with the stream.");
        for (id, channel) in channels {
            for (check, (severity, count)) in &channel.findings {
                let labels: [(&str, &dyn Display); 3] =
                    [("channel", id), ("check", check), ("severity", &severity.name())];
                self.sample(FINDINGS, &labels, *count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use air_core::{Check, Engine, EngineConfig, JudgeFinding, JudgeSummary, Severity, SinkState};

    use super::*;

    const FORMAT: &str = r#"{"video": {"width": 16, "height": 16, "frame_rate": "25/1"},
                             "audio": {"sample_rate": 48000, "channels": 2}}"#;

    fn page(tally: &Tally, now: Instant) -> String {
        text(tally, &Calls::default(), now)
    }

    fn has(page: &str, line: &str) -> bool {
        page.lines().any(|it| it == line)
    }

    /// TM-2: with its label, and also before anything has happened.
    #[test]
    fn a_page_says_how_a_channel_stands_and_what_it_counted() {
        let tally = Tally::default();
        let engine = Engine::new(EngineConfig::default());
        assert!(engine.start_channel(7, "", 0, FORMAT).success);
        tally.begin(7);
        let run = tally.ask(7).expect("a run");
        let mut status = engine.status().expect("a channel runs");
        (status.counters.late_ticks, status.sink) = (5, SinkState::Backpressure);
        let finding = JudgeFinding { check: Check::Continuity, severity: Severity::Hard, count: 2 };
        status.judge = Some(JudgeSummary { sink: 1, packets: 9, findings: vec![finding] });
        tally.feed(7, run, status);
        let page = page(&tally, Instant::now() + Duration::from_secs(61));
        for line in [
            r#"frames_late_total{channel="7"} 5"#,
            r#"output_stall_events{channel="7"} 0"#,
            r#"retrovue_playout_channel_state{channel="7"} 1"#,
            r#"retrovue_playout_channel_uptime_seconds{channel="7"} 61"#,
            r#"air_sink_state{channel="7"} 3"#,
            r#"air_judge_findings_total{channel="7",check="1.4 Continuity_count_error",severity="hard"} 2"#,
        ] {
            assert!(has(&page, line), "{line} in {page}");
        }
    }

    /// TM-3
    #[test]
    fn a_channel_that_does_not_answer_is_in_trouble_and_one_that_is_over_is_off() {
        let tally = Tally::default();
        let state = |now, state| {
            has(&page(&tally, now), &format!("retrovue_playout_channel_state{{channel=\"1\"}} {state}"))
        };
        tally.begin(1);
        assert!(state(Instant::now(), 1));
        tally.ask(1);
        assert!(state(Instant::now() + Duration::from_secs(1), 3));
        tally.end(1);
        assert!(state(Instant::now() + Duration::from_secs(1), 0));
    }

    #[test]
    fn every_metric_is_told_once_and_says_what_it_is() {
        let tally = Tally::default();
        (1..3).for_each(|id| tally.begin(id));
        let page = page(&tally, Instant::now());
        let heads = |kind: &str| -> Vec<String> {
            let names = page.lines().filter_map(|line| line.strip_prefix(&format!("# {kind} ")));
            names.map(|rest| rest.split(' ').next().unwrap_or_default().to_owned()).collect()
        };
        let (mut helps, types) = (heads("HELP"), heads("TYPE"));
        assert_eq!(helps, types);
        let count = helps.len();
        helps.sort();
        helps.dedup();
        assert!(helps.len() == count && count > 15, "{helps:?}");
    }
}
