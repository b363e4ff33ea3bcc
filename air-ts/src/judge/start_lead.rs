//! How far apart pictures and sound begin.

use super::config::JudgeConfig;
use super::report::{Check, Log, is_audio, is_video};
use super::stream::Stream;
use crate::pcr::{PTS_WRAP, wrapped_distance};

/// Looks once, when both have a PTS.
#[derive(Debug)]
pub(super) struct StartLead {
    limit_ms: u64,
    is_known: bool,
}

impl StartLead {
    pub(super) fn new(config: &JudgeConfig) -> Self {
        Self { limit_ms: config.start_lead.as_ms(), is_known: false }
    }

    pub(super) fn check(&mut self, packet: u64, streams: &[Stream], log: &mut Log) {
        if self.is_known {
            return;
        }
        let first = |of: fn(u8) -> bool| {
            streams.iter().find(|stream| of(stream.facts.stream_type)).and_then(|s| s.facts.first_pts)
        };
        let (Some(video), Some(audio)) = (first(is_video), first(is_audio)) else { return };
        self.is_known = true;
        let lead = wrapped_distance(video.0, audio.0, PTS_WRAP) / 90;
        if lead.unsigned_abs() > self.limit_ms {
            log.add(Check::StartLead, packet, None, lead, self.limit_ms as i64);
        }
    }
}
