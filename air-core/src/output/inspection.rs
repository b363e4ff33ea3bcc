//! The judge on air: reads what a transport took, right after it took it.
//!
//! It runs on the writer's thread and costs a quarter of a microsecond a packet. The tick never waits for it:
//! whoever wants to know asks it directly, also after the sink has left.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use air_ts::{Check, Judge, JudgeConfig, Severity};

use crate::control::SinkId;
use crate::transport::{Closer, Transport};

/// What a judge has found in the stream of one sink, up to the last PCR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgeSummary {
    /// The number of the sink: an engine gives none twice.
    pub sink: u64,
    /// Packets judged: those that the transport took whole.
    pub packets: u64,
    /// Each check that found something.
    pub findings: Vec<JudgeFinding>,
}

/// What one check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgeFinding {
    /// What was checked.
    pub check: Check,
    /// The worst of it.
    pub severity: Severity,
    /// How often.
    pub count: u64,
}

/// The judge of one stream; clones are the same one.
#[derive(Clone, Debug)]
pub struct Inspection {
    sink: SinkId,
    judge: Arc<Mutex<Judge>>,
}

impl Inspection {
    /// A judge, by the rules of the house, of all that `transport` takes from now on by way of the one answered, which
    /// is for `sink`; no judge, and `transport` as it was, unless `wanted`.
    pub fn of(
        sink: SinkId,
        transport: Box<dyn Transport>,
        wanted: bool,
    ) -> (Option<Inspection>, Box<dyn Transport>) {
        if !wanted {
            return (None, transport);
        }
        // Nobody takes single findings, so none is kept: memory stays what it is for days.
        let config = JudgeConfig { max_findings_per_check: 0, ..JudgeConfig::house() };
        let inspection = Inspection { sink, judge: Arc::new(Mutex::new(Judge::new(config))) };
        let inspected = Inspected { transport, inspection: inspection.clone() };
        (Some(inspection), Box::new(inspected))
    }

    /// What it has found. The writer may wait for this, a microsecond or two: ask a few times a second at most.
    pub fn summary(&self) -> JudgeSummary {
        let report = self.lock().report();
        let finding = |(&check, it): (&Check, &air_ts::judge::CheckSummary)| JudgeFinding {
            check,
            severity: it.severity,
            count: it.count,
        };
        JudgeSummary {
            sink: self.sink.0,
            packets: report.packets,
            findings: report.checks.iter().map(finding).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport whose bytes are judged.
struct Inspected {
    transport: Box<dyn Transport>,
    inspection: Inspection,
}

impl Transport for Inspected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.transport.write(bytes)?;
        self.inspection.lock().feed(&bytes[..written]);
        Ok(written)
    }

    fn closer(&self) -> Closer {
        self.transport.closer()
    }
}

#[cfg(test)]
mod tests {
    use air_ts::Pts;

    use super::*;
    use crate::config::SinkConfig;
    use crate::format::ProgramFormat;
    use crate::frame::{Origin, ProgramFrame};
    use crate::output::{InlineSink, Sink};
    use crate::producer::black;
    use crate::time::{FrameRate, Nanos, Tick, Timeline};
    use crate::transport::{Capture, Memory};

    const FORMAT: &str = r#"{"video": {"width": 16, "height": 16, "frame_rate": "25/1"},
                             "audio": {"sample_rate": 48000, "channels": 2}}"#;

    /// Takes a hundred bytes at a time.
    struct Sip(Memory);

    impl Transport for Sip {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write(&bytes[..bytes.len().min(100)])
        }

        fn closer(&self) -> Closer {
            self.0.closer()
        }
    }

    /// A minute of black.
    fn stream() -> Vec<u8> {
        let (memory, capture) = Memory::new();
        write(Box::new(memory), 60 * 25);
        capture.take()
    }

    fn write(transport: Box<dyn Transport>, ticks: u64) {
        let format = ProgramFormat::from_json(FORMAT).unwrap();
        let mut sink = InlineSink::open(&SinkConfig::default(), &format, transport, |_| {}).unwrap();
        let timeline = Timeline::new(FrameRate::new(25, 1).unwrap(), 48_000, Pts(90_000), Nanos(0));
        for tick in (0..ticks).map(Tick) {
            let stamp = timeline.stamp(tick);
            let (picture, audio) = (black(16, 16).unwrap(), vec![0; stamp.samples * 2]);
            sink.offer(ProgramFrame { stamp, picture, audio, origin: Origin::Black, random_access: false });
        }
    }

    fn inspected() -> (Inspection, Box<dyn Transport>, Capture) {
        let (memory, capture) = Memory::new();
        let (inspection, transport) = Inspection::of(SinkId(7), Box::new(Sip(memory)), true);
        (inspection.expect("it was wanted"), transport, capture)
    }

    /// The stream arrives as it was given, cut anywhere, and every packet of it is judged.
    #[test]
    fn a_clean_stream_has_no_findings() {
        let (inspection, mut transport, capture) = inspected();
        let stream = stream();
        transport.write_all(&stream).unwrap();
        drop(transport);
        assert_eq!(capture.bytes(), stream);
        let packets = stream.len() as u64 / 188;
        assert_eq!(inspection.summary(), JudgeSummary { sink: 7, packets, findings: vec![] });
    }

    /// MX-5: what is judged is what was written, not what was meant.
    #[test]
    fn a_packet_that_is_lost_is_found() {
        let (inspection, mut transport, _) = inspected();
        let mut stream = stream();
        let of_sound =
            |packet: &[u8]| packet[3] & 0x10 != 0 && packet[1..3] == stream[stream.len() - 187..][..2];
        let lost = stream.chunks(188).position(of_sound).expect("the PID of the last packet") * 188;
        stream.drain(lost..lost + 188);
        transport.write_all(&stream).unwrap();
        let found = inspection.summary().findings;
        let of_order = |it: &&JudgeFinding| it.check == Check::Continuity;
        let finding = found.iter().find(of_order).expect("a finding");
        assert_eq!((finding.severity, finding.count), (Severity::Hard, 1), "{found:?}");
    }

    #[test]
    fn what_a_transport_refuses_is_not_judged() {
        let (inspection, mut transport, capture) = inspected();
        capture.close();
        assert!(transport.write(&[0x47; 188]).is_err());
        assert_eq!(inspection.summary(), JudgeSummary { sink: 7, ..JudgeSummary::default() });
    }
}
