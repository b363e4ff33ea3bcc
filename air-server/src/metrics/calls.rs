//! How long the calls of the control interface took: a histogram for each.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use air_proto::control::playout_control_server::SERVICE_NAME;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

/// The calls that are timed, by the names in their interface.
const CALLS: [&str; 8] = [
    "StartChannel",
    "UpdatePlan",
    "StopChannel",
    "GetVersion",
    "LoadPreview",
    "SwitchToLive",
    "AttachStream",
    "DetachStream",
];

/// Upper bounds of the buckets: from an answer at once to the longest wait there is, for the first picture.
const BOUNDS_MS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000];

/// What was measured since the process began.
#[derive(Debug, Default)]
pub struct Calls([Histogram; CALLS.len()]);

#[derive(Debug, Default)]
struct Histogram {
    /// Each bucket by itself.
    buckets: [AtomicU64; BOUNDS_MS.len()],
    longer: AtomicU64,
    sum_us: AtomicU64,
}

/// Times each call that passes. One whose caller has gone before the answer is not counted.
pub async fn timed(State(calls): State<Arc<Calls>>, request: Request, next: Next) -> Response {
    let histogram = calls.of(request.uri().path()).map(|at| (at, Instant::now()));
    let response = next.run(request).await;
    if let Some((at, began)) = histogram {
        calls.0[at].record(began.elapsed());
    }
    response
}

impl Calls {
    /// The histogram of the call at `path`.
    fn of(&self, path: &str) -> Option<usize> {
        let (service, call) = path.strip_prefix('/')?.split_once('/')?;
        CALLS.iter().position(|name| service == SERVICE_NAME && *name == call)
    }

    /// Writes the samples of the metric `name`.
    pub(super) fn write(&self, name: &str, text: &mut String) {
        for (call, histogram) in CALLS.iter().zip(&self.0) {
            histogram.write(name, call, text);
        }
    }
}

impl Histogram {
    fn record(&self, took: Duration) {
        let bound = BOUNDS_MS.iter().position(|&bound| took <= Duration::from_millis(bound));
        bound.map_or(&self.longer, |at| &self.buckets[at]).fetch_add(1, Relaxed);
        self.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn write(&self, name: &str, call: &str, text: &mut String) {
        let mut count = 0;
        for (bound, bucket) in BOUNDS_MS.iter().zip(&self.buckets) {
            count += bucket.load(Relaxed);
            let _ = writeln!(text, "{name}_bucket{{rpc=\"{call}\",le=\"{bound}\"}} {count}");
        }
        count += self.longer.load(Relaxed);
        let sum_us = self.sum_us.load(Relaxed);
        let (sum_ms, rest_us) = (sum_us / 1000, sum_us % 1000);
        let _ = writeln!(text, "{name}_bucket{{rpc=\"{call}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "{name}_sum{{rpc=\"{call}\"}} {sum_ms}.{rest_us:03}");
        let _ = writeln!(text, "{name}_count{{rpc=\"{call}\"}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_in_its_bucket_and_all_above() {
        let calls = Calls::default();
        let switch = calls.of("/retrovue.playout.PlayoutControl/SwitchToLive").expect("a call");
        for ms in [0, 5, 6, 9_000] {
            calls.0[switch].record(Duration::from_millis(ms));
        }
        let mut text = String::new();
        calls.write("took_ms", &mut text);
        for line in [
            r#"took_ms_bucket{rpc="SwitchToLive",le="1"} 1"#,
            r#"took_ms_bucket{rpc="SwitchToLive",le="5"} 2"#,
            r#"took_ms_bucket{rpc="SwitchToLive",le="10"} 3"#,
            r#"took_ms_bucket{rpc="SwitchToLive",le="5000"} 3"#,
            r#"took_ms_bucket{rpc="SwitchToLive",le="+Inf"} 4"#,
            r#"took_ms_sum{rpc="SwitchToLive"} 9011.000"#,
            r#"took_ms_count{rpc="SwitchToLive"} 4"#,
            r#"took_ms_count{rpc="GetVersion"} 0"#,
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
    }

    #[test]
    fn only_calls_of_the_control_interface_are_timed() {
        let calls = Calls::default();
        for path in
            ["/", "/metrics", "/retrovue.playout.PlayoutControl/Nothing", "/grpc.health.v1.Health/Check"]
        {
            assert_eq!(calls.of(path), None);
        }
        assert_eq!(calls.of("/retrovue.playout.PlayoutControl/StartChannel"), Some(0));
    }
}
