//! What reaches the control state (commands from callers, events from the channel) and what callers get back.

use std::fmt;

use crate::time::Tick;

/// One loaded segment; never used twice within an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

/// One connected sink; never used twice within an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkId(pub u64);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {}", self.0)
    }
}

impl fmt::Display for SinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sink {}", self.0)
    }
}

/// Whatever moves the control state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A caller wants something; there is a reply.
    Command(Command),
    /// Something happened; there is none.
    Event(Event),
}

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin a session.
    Start,
    /// End the session: everything attached is closed, everything loaded is retired.
    Stop,
    /// Put a segment, which has been opened for it, into the preview slot.
    Load(SegmentId),
    /// Put preview on air.
    Switch {
        /// The boundary to cut at; `None`, also for a boundary already past, is the next tick.
        at: Option<Tick>,
    },
    /// Put a sink, which has been connected for it, on the output bus.
    Attach {
        /// The new sink.
        sink: SinkId,
        /// Whether it may displace an attached one.
        replace_existing: bool,
    },
    /// Take the sink off the output bus.
    Detach,
    /// Change the plan, which drives nothing (CS-14).
    UpdatePlan,
}

/// What happened to a segment, to the sink, or to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The segment's first house frame is there.
    Cued(SegmentId),
    /// The segment opened but will never give a frame.
    CueFailed(SegmentId),
    /// The tick that is about to be made.
    BoundaryReached(Tick),
    /// The segment has no more frames: its end, its hard stop, or a fatal error.
    LiveExhausted(SegmentId),
    /// The sink's peer has gone.
    SinkLost(SinkId),
}

/// What became of a command; the numbers are those of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum ResultCode {
    /// Never sent.
    #[default]
    Unspecified = 0,
    /// Done, or armed for a boundary to come.
    Ok = 1,
    /// Armed: completes by itself as soon as preview is cued (CS-11).
    NotReady = 2,
    /// Refused because of something that is under way.
    RejectedBusy = 3,
    /// Refused because nothing is there that it could act on.
    ProtocolViolation = 4,
    /// Tried, and could not be done.
    Failed = 5,
}

/// The part that every operation's reply has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whether the command did what it says.
    pub success: bool,
    /// For the operator: what happened, and for a refusal what to do.
    pub message: String,
    /// The same for programs; `success` is [`ResultCode::Ok`].
    pub result_code: ResultCode,
}

impl Reply {
    /// A reply with `success` to match the code.
    pub fn new(result_code: ResultCode, message: impl Into<String>) -> Reply {
        Reply { success: result_code == ResultCode::Ok, message: message.into(), result_code }
    }

    /// The command was carried out.
    pub fn ok(message: impl Into<String>) -> Reply {
        Reply::new(ResultCode::Ok, message)
    }

    /// The command was tried and failed.
    pub fn failed(message: impl Into<String>) -> Reply {
        Reply::new(ResultCode::Failed, message)
    }
}
