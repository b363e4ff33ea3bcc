//! The output side: the bus, and behind it at most one sink that encodes, wraps and writes.
//!
//! The sink never slows the tick. It knows no channel, slot, schedule or caller; the bus owns no thread,
//! socket, encoder or clock.

mod bus;
mod fifo;
mod inline;
mod inspection;
mod lane;
mod live;
mod pace;
mod packer;
mod sink;

pub use bus::OutputBus;
pub use inline::InlineSink;
pub use inspection::{Inspection, JudgeFinding, JudgeSummary};
pub use live::{LiveSink, SinkError};
pub use packer::PackError;
pub use sink::{Sink, SinkState, SinkTotals};
