//! MPEG transport-stream mux and judge: bytes and a 27 MHz clock, nothing else.
//!
//! [`Mux`] turns access units into 188-byte packets on a byte clock; [`Judge`] reads any transport stream and says
//! what is wrong with it, in the words of ETSI TR 101 290. They share the vocabulary of [`packet`], [`psi`] and
//! [`pes`] and nothing else, so a fault of one is not hidden by the other.
//!
//! The crate does no I/O, reads no clock and encodes nothing: time comes in as [`Pcr`] and [`Pts`], bytes go out
//! through a callback.

#![forbid(unsafe_code)]

#[cfg(test)]
mod fixture;
pub mod judge;
pub mod mux;
pub mod packet;
pub mod pcr;
pub mod pes;
pub mod psi;

pub use judge::{Check, Finding, Judge, JudgeConfig, Report, Severity};
pub use mux::{
    AccessUnit, BufferModel, ElementaryStream, Mux, MuxConfig, MuxCounters, MuxError, MuxRate, StreamKind,
};
pub use pcr::{Pcr, Pts};
