//! What monitoring systems read over HTTP: Prometheus text and health.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http`] | the listener and its bounds |
//! | `page` | the text of a scrape |
//! | [`calls`] | how long calls took |

pub mod calls;
pub mod http;
mod page;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::sessions::Sessions;
use calls::Calls;

/// How long a scrape waits for engines, which answer within a frame: half of what it may take (TM-1).
const ANSWERED_WITHIN: Duration = Duration::from_millis(50);

/// Everything that is measured.
pub struct Metrics {
    sessions: Arc<Sessions>,
    calls: Arc<Calls>,
    /// One scrape at a time.
    scrape: Mutex<()>,
}

impl Metrics {
    /// Of the channels of `sessions`, and the calls that are timed in `calls`.
    pub fn new(sessions: Arc<Sessions>, calls: Arc<Calls>) -> Metrics {
        Metrics { sessions, calls, scrape: Mutex::default() }
    }

    /// All of it in Prometheus text, version 0.0.4. A channel that does not answer in time is told of as it was.
    pub async fn text(&self) -> String {
        let _one_at_a_time = self.scrape.lock().await;
        let mut looks = JoinSet::new();
        for session in self.sessions.all() {
            looks.spawn_blocking(move || session.look());
        }
        let answered = async { while looks.join_next().await.is_some() {} };
        let _ = timeout(ANSWERED_WITHIN, answered).await; // A thread that waits on is one for each channel at most.
        page::text(&self.sessions.tally, &self.calls, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use air_core::{EngineConfig, StreamTransport};

    use super::*;

    const FORMAT: &str = r#"{"video": {"width": 160, "height": 90, "frame_rate": "25/1"},
                             "audio": {"sample_rate": 48000, "channels": 2}}"#;

    fn value(page: &str, name: &str) -> u64 {
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name}{{channel=\"4\"}} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {page}"))
    }

    /// TM-2, TM-3: real time, because what an engine counts is; some hundred milliseconds of it.
    #[tokio::test]
    async fn a_scrape_follows_a_channel_through_stop_and_start() {
        let config = EngineConfig { judge: true, ..EngineConfig::default() };
        let sessions = Arc::new(Sessions::new(config, 1));
        let metrics = Metrics::new(Arc::clone(&sessions), Arc::default());
        let (mut shown, mut written) = (0, 0);
        for _ in 0..2 {
            assert!(sessions.start(4, "", 0, FORMAT).success);
            let session = sessions.of(4);
            assert!(session.engine.load_preview(4, "pattern:bars", 0, 0).reply.success);
            assert!(session.engine.attach_stream(4, StreamTransport::File, "/dev/null", false).reply.success);
            assert_eq!(value(&metrics.text().await, "retrovue_playout_channel_state"), 1);
            assert!(session.engine.switch_to_live(4, 0, 0).reply.success);
            let page = loop {
                let page = metrics.text().await;
                assert!(value(&page, "retrovue_frames_consumed_total") >= shown, "no count falls");
                if value(&page, "output_bytes_written") > written {
                    break page;
                }
            };
            assert_eq!(value(&page, "retrovue_playout_channel_state"), 2);
            assert_eq!(value(&page, "air_sink_state"), 2);
            assert!(session.stop().success);
            let page = metrics.text().await;
            assert_eq!(value(&page, "retrovue_playout_channel_state"), 0);
            assert!(value(&page, "output_bytes_written") > written, "of each run");
            (shown, written) =
                (value(&page, "retrovue_frames_consumed_total"), value(&page, "output_bytes_written"));
        }
    }
}
