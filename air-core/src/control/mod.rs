//! Control: what a channel may be told, what it answers, and what follows from it.
//!
//! Names segments and sinks by id and knows no media type, clock or socket. [`step`] decides, the tick
//! loop performs; [`port`](port()) carries the callers' requests to it. `docs/control-state.md` is the
//! table of every decision, generated from [`step`].

mod command;
mod port;
mod slots;
mod state;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod walk;

pub use command::{Command, Event, Input, Reply, ResultCode, SegmentId, SinkId};
pub use port::{Caller, Closed, Port, ReplyTo, port};
pub use slots::{Cut, LiveState, OutputState, PreviewState, Session, State};
pub use state::{Action, Step, step};
