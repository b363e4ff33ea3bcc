//! Why a mux refuses a configuration or an access unit.

use super::config::{FIRST_FREE_PID, LAST_FREE_PID};
use crate::psi::TableError;
use crate::{Pcr, Pts};
use thiserror::Error;

/// A configuration or an access unit the mux will not take.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MuxError {
    /// Program 0 is the network's in a PAT.
    #[error("program_number is 0, which names the network, not a program")]
    ProgramNumberZero,
    /// A stream index beyond the configured streams.
    #[error("there is no stream {stream}; the program has {streams}")]
    NoSuchStream {
        /// The index.
        stream: usize,
        /// How many there are.
        streams: usize,
    },
    /// A PID that is reserved or has more than 13 bits.
    #[error("PID {pid:#06x} is not within {FIRST_FREE_PID:#06x} to {LAST_FREE_PID:#06x}")]
    PidOutOfRange {
        /// The PID.
        pid: u16,
    },
    /// Two things on one PID.
    #[error("PID {pid:#06x} is used twice")]
    PidTwice {
        /// The PID.
        pid: u16,
    },
    /// A buffer that cannot take or cannot pass on anything.
    #[error("the buffer model of PID {pid:#06x} has a size or a leak rate of 0")]
    EmptyBufferModel {
        /// The stream's PID.
        pid: u16,
    },
    /// An interval outside what the standards allow.
    #[error("{name} is {interval}; it must be within {min_ms} to {max_ms} ms")]
    IntervalOutOfRange {
        /// The field of [`super::MuxConfig`].
        name: &'static str,
        /// Its value.
        interval: Pcr,
        /// Least allowed.
        min_ms: u64,
        /// Most allowed.
        max_ms: u64,
    },
    /// A rate at which the PCR interval cannot be kept, or beyond any use.
    #[error("the mux rate is {bps} b/s; it must be within {min} to {max} b/s")]
    RateOutOfRange {
        /// Bits per second asked for.
        bps: u64,
        /// Least allowed.
        min: u64,
        /// Most allowed.
        max: u64,
    },
    /// A table that does not fit in its section.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Tables so large that they would take the mux for themselves.
    #[error("a round of PAT, PMT and SDT takes {takes}, more than half of the {interval} between two")]
    TablesTooSlow {
        /// How long sending them all takes.
        takes: Pcr,
        /// The smaller of `psi_interval` and `sdt_interval`.
        interval: Pcr,
    },
    /// An access unit without bytes.
    #[error("an access unit of PID {pid:#06x} at DTS {dts} is empty")]
    EmptyUnit {
        /// The stream's PID.
        pid: u16,
        /// The unit's decoding time.
        dts: Pts,
    },
    /// An access unit that does not fit in a PES packet with a length.
    #[error("an access unit of PID {pid:#06x} has {size} bytes, more than a PES packet can say")]
    UnitTooLarge {
        /// The stream's PID.
        pid: u16,
        /// Its bytes.
        size: usize,
    },
    /// A unit that is shown before it is decoded.
    #[error("an access unit of PID {pid:#06x} has PTS {pts} before DTS {dts}")]
    PtsBeforeDts {
        /// The stream's PID.
        pid: u16,
        /// Its presentation time.
        pts: Pts,
        /// Its decoding time.
        dts: Pts,
    },
    /// A unit that is not later than the one before in its stream.
    #[error("an access unit of PID {pid:#06x} has DTS {dts}, not after {previous}")]
    DtsOrder {
        /// The stream's PID.
        pid: u16,
        /// Its decoding time.
        dts: Pts,
        /// That of the unit before.
        previous: Pts,
    },
}
