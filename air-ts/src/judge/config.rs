//! What a judge measures by.

use super::report::Check;
use crate::Pcr;

/// Limits, and which checks are advice only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgeConfig {
    /// Between two PATs at most.
    pub pat_interval: Pcr,
    /// Between two PMTs at most.
    pub pmt_interval: Pcr,
    /// Between two SDTs at most, once one was seen.
    pub sdt_interval: Pcr,
    /// Between two packets of a PID that the PMT names; advice for what is neither sound nor picture.
    pub pid_interval: Pcr,
    /// Between two PCRs at most.
    pub pcr_interval: Pcr,
    /// A PCR step beyond is a jump of the clock.
    pub pcr_jump: Pcr,
    /// How far a PCR may be from its byte position, at a constant rate. Nanoseconds.
    pub pcr_accuracy_ns: u64,
    /// The rate is constant (`Some(true)`), is not, or is found out (`None`).
    pub constant_rate: Option<bool>,
    /// Between two PTS of a stream.
    pub pts_interval: Pcr,
    /// From a picture's first byte to its DTS at most.
    pub video_lead: Pcr,
    /// From an audio frame's first byte to its DTS at most.
    pub audio_lead: Pcr,
    /// Between two IDR pictures at most.
    pub idr_interval: Pcr,
    /// From the first picture's PTS to the first audio frame's, either way.
    pub start_lead: Pcr,
    /// PTS must lie on the grid of a standard picture rate, or of the audio's samples, to the tick.
    pub exact_pts: bool,
    /// Checks whose findings are [`super::Severity::Soft`].
    pub soft: &'static [Check],
    /// Findings of each check kept for [`super::Judge::take_findings`], from one call to the next; the rest are only
    /// counted.
    pub max_findings_per_check: u64,
}

impl JudgeConfig {
    /// The limits of TR 101 290 and ISO/IEC 13818-1. What a stream may change if it says so is advice, and so
    /// is the rhythm of its pictures, which may vary.
    pub const fn broadcast() -> Self {
        Self {
            pat_interval: Pcr::from_ms(500),
            pmt_interval: Pcr::from_ms(500),
            sdt_interval: Pcr::from_ms(2000),
            pid_interval: Pcr::from_ms(5000),
            pcr_interval: Pcr::from_ms(40),
            pcr_jump: Pcr::from_ms(100),
            pcr_accuracy_ns: 500,
            constant_rate: None,
            pts_interval: Pcr::from_ms(700),
            video_lead: Pcr::from_ms(10_000),
            audio_lead: Pcr::from_ms(1000),
            idr_interval: Pcr::from_ms(5000),
            start_lead: Pcr::from_ms(1000),
            exact_pts: false,
            soft: &[
                Check::DiscontinuityIndicator,
                Check::DuplicatePacket,
                Check::UnreferencedPid,
                Check::Sdt,
                Check::DataPid,
                Check::PacketStride,
                Check::PsiVersion,
                Check::PidSet,
                Check::PtsRegularity,
                Check::IdrInterval,
                Check::RandomAccessIndicator,
                Check::StartLead,
                Check::TransportBuffer,
                Check::MainBuffer,
                Check::PartialPacket,
            ],
            max_findings_per_check: 100,
        }
    }

    /// What Air promises of its own streams: one seamless program in which nothing ever changes.
    pub const fn house() -> Self {
        Self {
            pat_interval: Pcr::from_ms(110),
            pmt_interval: Pcr::from_ms(110),
            idr_interval: Pcr::from_ms(2200),
            start_lead: Pcr::from_ms(100),
            exact_pts: true,
            soft: &[Check::PartialPacket, Check::DataPid],
            ..Self::broadcast()
        }
    }
}

impl Default for JudgeConfig {
    fn default() -> Self {
        Self::broadcast()
    }
}
