//! What a judge says: findings one by one, and the report at the end.

use crate::Pts;
use std::collections::BTreeMap;
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; receivers cope.
    Soft,
    /// The stream breaks its norm or its promise.
    Hard,
}

impl Severity {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $title:literal, $unit:literal;)*) => {
        /// What can be wrong with a stream. The numbers are those of ETSI TR 101 290, where it has one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Check { $($(#[$doc])* $name,)* }

        impl Check {
            /// Every check there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The unit of [`Finding::value`] and [`Finding::limit`].
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit,)* }
            }
        }
    };
}

checks! {
    /// Two sync bytes in a row are missing, or there are no packets at all. Value: bytes skipped before the next
    /// packet; 64 KiB in the finding when it takes longer, which is then given at once.
    SyncLoss = "1.1 TS_sync_loss", "bytes";
    /// One sync byte is not 0x47. Value: what it is.
    SyncByte = "1.2 Sync_byte_error", "";
    /// No PAT in time. Value: time since the last; 0 before a clock runs.
    Pat = "1.3.a PAT_error_2", "ms";
    /// A continuity counter went wrong. Value: the counter; limit: what was expected.
    Continuity = "1.4 Continuity_count_error", "";
    /// Something that is no PAT on its PID. Value: the table_id.
    PatTableId = "1.3.b PAT_error_2", "";
    /// A packet came twice, which the norm allows once and a single path does not make. Value: the counter.
    DuplicatePacket = "duplicate_packet", "";
    /// No PMT in time. Value: time since the last; 0 before a clock runs.
    Pmt = "1.5.a PMT_error_2", "ms";
    /// A PID of the PMT with sound or pictures does not come. Value: time since its last packet.
    Pid = "1.6 PID_error", "ms";
    /// The same of a PID with something else, which may have nothing to say. Value: time since its last packet.
    DataPid = "1.6 PID_error (data)", "ms";
    /// `transport_error_indicator` is set.
    Transport = "2.1 Transport_error", "";
    /// A section's CRC is wrong. Value: the table_id.
    Crc = "2.2 CRC_error", "";
    /// Too long between two PCRs.
    PcrRepetition = "2.3a PCR_repetition_error", "us";
    /// The PCR stands still, goes back or jumps.
    PcrDiscontinuity = "2.3b PCR_discontinuity_indicator_error", "us";
    /// At a constant rate, the PCR disagrees with the bytes.
    PcrAccuracy = "2.4 PCR_accuracy_error", "ns";
    /// Too long between two PTS of a stream.
    PtsRepetition = "2.5 PTS_error", "ms";
    /// A PID that no table names.
    UnreferencedPid = "3.4.a Unreferenced_PID", "";
    /// No SDT in time. Value: time since the last.
    Sdt = "3.5 SDT_error", "ms";
    /// Packets are not 188 bytes apart: 204 with an outer code, of which only the first 188 are judged.
    PacketStride = "packet_stride", "bytes";
    /// An adaptation field that does not fit its packet.
    PacketSyntax = "packet_syntax", "";
    /// `discontinuity_indicator` is set.
    DiscontinuityIndicator = "discontinuity_indicator", "";
    /// A PAT or PMT has another version than before. Value: the new one; limit: the old one.
    PsiVersion = "psi_version_change", "";
    /// A PAT or PMT has other content under the same version.
    PsiContent = "psi_content_without_version", "";
    /// The PMT names other PIDs, types or another PCR PID than before.
    PidSet = "pid_set_change", "";
    /// A PES header that cannot be read.
    PesSyntax = "pes_header", "";
    /// A PES packet is not as long as it says. Value: its bytes; limit: what it says.
    PesLength = "pes_length", "bytes";
    /// DTS not after the one before. Value: the step.
    DtsOrder = "dts_order", "ticks";
    /// PTS before DTS. Value: the difference.
    PtsBeforeDts = "pts_before_dts", "ticks";
    /// Pictures more than one and a half periods apart (value: the step), or sound off its samples (value: by how much).
    PtsRegularity = "pts_regularity", "ticks";
    /// A picture's PTS is off the grid of its rate. Value: by how much.
    PtsGrid = "pts_grid", "ticks";
    /// A unit's last byte comes after its DTS. Value: DTS less PCR.
    ArrivesLate = "arrives_late", "us";
    /// A unit's first byte comes too long before its DTS. Value: DTS less PCR.
    ArrivesEarly = "arrives_early", "us";
    /// An IDR picture without SPS and PPS in its access unit.
    IdrParameterSets = "idr_without_parameter_sets", "";
    /// Too long between two IDR pictures with their parameter sets, in decoding time.
    IdrInterval = "idr_interval", "ms";
    /// An IDR picture without `random_access_indicator`, or that flag without an IDR picture.
    RandomAccessIndicator = "random_access_indicator", "";
    /// First audio PTS less first video PTS.
    StartLead = "av_start_lead", "ms";
    /// The transport buffer of a stream overflows. Value: bytes in it.
    TransportBuffer = "tstd_transport_buffer", "bytes";
    /// The main buffer of an audio stream overflows. Value: bytes in it.
    MainBuffer = "tstd_main_buffer", "bytes";
    /// The stream ends within a packet. Value: the bytes left over.
    PartialPacket = "partial_last_packet", "bytes";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// The packet it was found at, counted from 0.
    pub packet: u64,
    /// The PID it concerns, if one.
    pub pid: Option<u16>,
    /// What was measured, in [`Check::unit`].
    pub value: i64,
    /// What it should have kept to, in the same unit.
    pub limit: i64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packet {}: {}", self.packet, self.check)?;
        if let Some(pid) = self.pid {
            write!(f, " on PID {pid:#06x}")?;
        }
        write!(f, ": {} {} (limit {})", self.value, self.check.unit(), self.limit)
    }
}

/// One check over the whole stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckSummary {
    /// The worst severity among the findings.
    pub severity: Severity,
    /// How often it was found, those not given one by one included.
    pub count: u64,
    /// The finding farthest from its limit.
    pub worst: Finding,
    /// The packet of the first finding.
    pub first_packet: u64,
}

/// One elementary stream, as observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamFacts {
    /// Where it is.
    pub pid: u16,
    /// As in the PMT.
    pub stream_type: u8,
    /// Packets of its PID.
    pub packets: u64,
    /// PES packets begun.
    pub pes_packets: u64,
    /// Pictures, or audio frames, seen in it; for other types of stream the PES packets.
    pub units: u64,
    /// IDR pictures among them.
    pub idr_pictures: u64,
    /// Its first PTS, 33 bits.
    pub first_pts: Option<Pts>,
    /// The nominal distance of its PTS as numerator and denominator of 90 kHz ticks, when found.
    pub period: Option<(u64, u64)>,
    /// PTS steps measured.
    pub steps: u64,
    /// Steps that were irregular.
    pub irregular_steps: u64,
    /// The farthest a PTS was from its nominal grid, in 90 kHz ticks.
    pub worst_jitter_ticks: u64,
}

/// The whole stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every check that found something.
    pub checks: BTreeMap<Check, CheckSummary>,
    /// Packets seen.
    pub packets: u64,
    /// Null packets among them.
    pub null_packets: u64,
    /// From the first packet to the last by the PCR, 27 MHz ticks.
    pub duration_27m: u64,
    /// Mean rate in bits per second, null packets included.
    pub bitrate_bps: u64,
    /// Null packets in a million packets.
    pub null_ppm: u64,
    /// Program number of the first program.
    pub program_number: Option<u16>,
    /// Its PMT's PID.
    pub pmt_pid: Option<u16>,
    /// Its PCR's PID.
    pub pcr_pid: Option<u16>,
    /// Service name of the SDT.
    pub service_name: Option<String>,
    /// Longest time between two PCRs, 27 MHz ticks.
    pub pcr_max_gap_27m: u64,
    /// Longest time between two PATs, 27 MHz ticks.
    pub pat_max_gap_27m: u64,
    /// Longest time between two PMTs, 27 MHz ticks.
    pub pmt_max_gap_27m: u64,
    /// PCRs seen.
    pub pcrs: u64,
    /// The program's streams in the order of the PMT.
    pub streams: Vec<StreamFacts>,
}

impl Report {
    /// No hard finding, and there was a program to judge.
    pub fn is_clean(&self) -> bool {
        self.program_number.is_some() && self.checks.values().all(|check| check.severity < Severity::Hard)
    }

    /// How often a check found something.
    pub fn count(&self, check: Check) -> u64 {
        self.checks.get(&check).map_or(0, |summary| summary.count)
    }

    /// Pictures in all video streams.
    pub fn pictures(&self) -> u64 {
        self.streams.iter().filter(|stream| is_video(stream.stream_type)).map(|stream| stream.units).sum()
    }

    /// IDR pictures in all video streams.
    pub fn idr_pictures(&self) -> u64 {
        self.streams.iter().map(|stream| stream.idr_pictures).sum()
    }

    /// Frames in all audio streams.
    pub fn audio_frames(&self) -> u64 {
        self.streams.iter().filter(|stream| is_audio(stream.stream_type)).map(|stream| stream.units).sum()
    }
}

/// The stream types of MPEG-1, MPEG-2, MPEG-4, H.264 and HEVC video.
pub fn is_video(stream_type: u8) -> bool {
    matches!(stream_type, 0x01 | 0x02 | 0x10 | 0x1B | 0x24)
}

/// The stream types of private sections, DSM-CC, sections of MPEG-4 and metadata, and SCTE 35: no PES packets.
pub(super) fn is_sections(stream_type: u8) -> bool {
    matches!(stream_type, 0x05 | 0x0A..=0x0D | 0x13 | 0x14 | 0x16..=0x19 | 0x86)
}

/// The stream types of MPEG audio, AAC in ADTS and LATM, AC-3 and E-AC-3.
pub fn is_audio(stream_type: u8) -> bool {
    matches!(stream_type, 0x03 | 0x04 | 0x0F | 0x11 | 0x81 | 0x87)
}

/// Findings as they come: counted all, kept up to a limit until they are taken.
#[derive(Debug)]
pub(super) struct Log {
    summaries: BTreeMap<Check, CheckSummary>,
    fresh: Vec<Finding>,
    /// How many of them each check has.
    kept: [u64; Check::ALL.len()],
    max_per_check: u64,
    soft: &'static [Check],
}

impl Log {
    pub(super) fn new(max_per_check: u64, soft: &'static [Check]) -> Self {
        Self {
            summaries: BTreeMap::new(),
            fresh: Vec::new(),
            kept: [0; Check::ALL.len()],
            max_per_check,
            soft,
        }
    }

    pub(super) fn add(&mut self, check: Check, packet: u64, pid: Option<u16>, value: i64, limit: i64) {
        let severity = if self.soft.contains(&check) { Severity::Soft } else { Severity::Hard };
        let finding = Finding { check, severity, packet, pid, value, limit };
        let summary = self.summaries.entry(check).or_insert(CheckSummary {
            severity,
            count: 0,
            worst: finding,
            first_packet: packet,
        });
        summary.count += 1;
        summary.first_packet = summary.first_packet.min(packet);
        let excess = |finding: &Finding| finding.value.abs_diff(finding.limit);
        if excess(&finding) > excess(&summary.worst) {
            summary.worst = finding;
        }
        let kept = &mut self.kept[check as usize];
        if *kept < self.max_per_check {
            *kept += 1;
            self.fresh.push(finding);
        }
    }

    /// What was found last of a check turned out to be as much as this.
    pub(super) fn amend(&mut self, check: Check, value: i64) {
        if let Some(summary) = self.summaries.get_mut(&check)
            && value.abs_diff(summary.worst.limit) > summary.worst.value.abs_diff(summary.worst.limit)
        {
            summary.worst.value = value;
        }
    }

    pub(super) fn take(&mut self) -> Vec<Finding> {
        self.kept.fill(0);
        std::mem::take(&mut self.fresh)
    }

    pub(super) fn summaries(&self) -> &BTreeMap<Check, CheckSummary> {
        &self.summaries
    }
}
