//! The judge as a Python object, fed piece by piece. Python reads the file, because its reads answer Ctrl-C.

use air_ts::judge::{Check, CheckSummary};
use air_ts::{Finding, JudgeConfig, Report};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Judges streams one after the other.
#[pyclass]
pub struct Judge {
    config: JudgeConfig,
    inner: air_ts::Judge,
}

#[pymethods]
impl Judge {
    #[new]
    fn new(profile: &str) -> PyResult<Self> {
        let config = match profile {
            "broadcast" => JudgeConfig::broadcast(),
            "house" => JudgeConfig::house(),
            _ => {
                let message = format!("profile must be 'broadcast' or 'house', not '{profile}'");
                return Err(PyValueError::new_err(message));
            }
        };
        Ok(Self { inner: air_ts::Judge::new(config.clone()), config })
    }

    /// Takes the next bytes of the stream, cut anywhere.
    fn feed(&mut self, py: Python<'_>, data: &[u8]) {
        py.detach(|| self.inner.feed(data));
    }

    /// The verdict on the stream; what is fed next is another one.
    fn finish(&mut self) -> ReportFields {
        let mut judge = std::mem::replace(&mut self.inner, air_ts::Judge::new(self.config.clone()));
        // Taken once, so that the judge's own bound on findings is the report's.
        let findings = judge.take_findings().iter().map(FindingFields::from).collect();
        ReportFields::new(judge.finish(), findings)
    }
}

/// `air_py.Report`.
#[derive(IntoPyObject)]
pub struct ReportFields {
    is_clean: bool,
    checks: Vec<CheckFields>,
    findings: Vec<FindingFields>,
    facts: FactsFields,
}

impl ReportFields {
    fn new(report: Report, findings: Vec<FindingFields>) -> Self {
        Self {
            is_clean: report.is_clean(),
            checks: report.checks.iter().map(|(check, summary)| CheckFields::new(*check, summary)).collect(),
            findings,
            facts: report.into(),
        }
    }
}

/// `air_py.Finding`.
#[derive(IntoPyObject)]
pub struct FindingFields {
    check: &'static str,
    severity: &'static str,
    packet: u64,
    pid: Option<u16>,
    value: i64,
    limit: i64,
    unit: &'static str,
    message: String,
}

impl From<&Finding> for FindingFields {
    fn from(finding: &Finding) -> Self {
        Self {
            check: finding.check.name(),
            severity: finding.severity.name(),
            packet: finding.packet,
            pid: finding.pid,
            value: finding.value,
            limit: finding.limit,
            unit: finding.check.unit(),
            message: finding.to_string(),
        }
    }
}

/// `air_py.CheckSummary`.
#[derive(IntoPyObject)]
pub struct CheckFields {
    check: &'static str,
    severity: &'static str,
    count: u64,
    first_packet: u64,
    worst: FindingFields,
}

impl CheckFields {
    fn new(check: Check, summary: &CheckSummary) -> Self {
        Self {
            check: check.name(),
            severity: summary.severity.name(),
            count: summary.count,
            first_packet: summary.first_packet,
            worst: (&summary.worst).into(),
        }
    }
}

/// `air_py.Facts`.
#[derive(IntoPyObject)]
pub struct FactsFields {
    packets: u64,
    null_packets: u64,
    null_ppm: u64,
    duration_27m: u64,
    bitrate_bps: u64,
    program_number: Option<u16>,
    service_name: Option<String>,
    pmt_pid: Option<u16>,
    pcr_pid: Option<u16>,
    pcrs: u64,
    pcr_max_gap_27m: u64,
    pat_max_gap_27m: u64,
    pmt_max_gap_27m: u64,
    streams: Vec<StreamFields>,
}

impl From<Report> for FactsFields {
    fn from(report: Report) -> Self {
        Self {
            packets: report.packets,
            null_packets: report.null_packets,
            null_ppm: report.null_ppm,
            duration_27m: report.duration_27m,
            bitrate_bps: report.bitrate_bps,
            program_number: report.program_number,
            service_name: report.service_name,
            pmt_pid: report.pmt_pid,
            pcr_pid: report.pcr_pid,
            pcrs: report.pcrs,
            pcr_max_gap_27m: report.pcr_max_gap_27m,
            pat_max_gap_27m: report.pat_max_gap_27m,
            pmt_max_gap_27m: report.pmt_max_gap_27m,
            streams: report.streams.iter().map(StreamFields::from).collect(),
        }
    }
}

/// `air_py.StreamFacts`.
#[derive(IntoPyObject)]
pub struct StreamFields {
    pid: u16,
    stream_type: u8,
    packets: u64,
    pes_packets: u64,
    units: u64,
    idr_pictures: u64,
    first_pts: Option<u64>,
    period: Option<(u64, u64)>,
    steps: u64,
    irregular_steps: u64,
    worst_jitter_ticks: u64,
}

impl From<&air_ts::judge::StreamFacts> for StreamFields {
    fn from(stream: &air_ts::judge::StreamFacts) -> Self {
        Self {
            pid: stream.pid,
            stream_type: stream.stream_type,
            packets: stream.packets,
            pes_packets: stream.pes_packets,
            units: stream.units,
            idr_pictures: stream.idr_pictures,
            first_pts: stream.first_pts.map(|pts| pts.0),
            period: stream.period,
            steps: stream.steps,
            irregular_steps: stream.irregular_steps,
            worst_jitter_ticks: stream.worst_jitter_ticks,
        }
    }
}
