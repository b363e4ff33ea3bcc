//! The state of a channel's three slots: each variant holds what is true in it and nothing else.

use std::fmt;

use super::command::{SegmentId, SinkId};
use crate::time::Tick;

/// A channel, between two inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// No session: before Start and after Stop.
    #[default]
    Stopped,
    /// Started, whether or not anything is on air.
    Session(Session),
}

/// The three slots of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Session {
    /// What goes on air next.
    pub preview: PreviewState,
    /// What is on air.
    pub live: LiveState,
    /// Where it goes.
    pub output: OutputState,
    /// A `Switch` answered `NotReady`, has completed by itself since, and nobody has been told (CS-11).
    pub unreported_take: bool,
}

/// The preview slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PreviewState {
    /// Nothing is loaded.
    #[default]
    Empty,
    /// Loaded; its first frame is still to come.
    Cueing(SegmentId),
    /// Parked on its first frame: a switch takes it at the next tick.
    Cued(SegmentId),
    /// A switch has been ordered and has not happened yet.
    Armed {
        /// What will be taken.
        segment: SegmentId,
        /// When.
        cut: Cut,
    },
    /// Opened, but will never give a frame; kept until a switch has been told so or it is replaced.
    Failed(SegmentId),
}

/// When an armed segment is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// As soon as it is cued, which it is not yet.
    WhenCued,
    /// At `tick`, cued or not: the clock decides when, readiness only what is shown.
    At {
        /// The boundary.
        tick: Tick,
        /// Whether the first frame is there.
        cued: bool,
    },
}

/// The live slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LiveState {
    /// Nothing has been taken in this session.
    #[default]
    Vacant,
    /// The segment is on air.
    Rolling(SegmentId),
    /// The segment has ended: black and silence until the next take (BF-4).
    Exhausted(SegmentId),
}

/// The output bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputState {
    /// Frames are dropped silently and time runs on (OB-1).
    #[default]
    Detached,
    /// Frames go to the sink.
    Attached(SinkId),
}

impl State {
    /// The session, if there is one.
    pub fn session(&self) -> Option<&Session> {
        match self {
            State::Stopped => None,
            State::Session(session) => Some(session),
        }
    }
}

impl PreviewState {
    /// What the slot holds.
    pub fn segment(self) -> Option<SegmentId> {
        match self {
            PreviewState::Empty => None,
            PreviewState::Cueing(segment)
            | PreviewState::Cued(segment)
            | PreviewState::Armed { segment, .. }
            | PreviewState::Failed(segment) => Some(segment),
        }
    }
}

impl LiveState {
    /// What the slot holds.
    pub fn segment(self) -> Option<SegmentId> {
        match self {
            LiveState::Vacant => None,
            LiveState::Rolling(segment) | LiveState::Exhausted(segment) => Some(segment),
        }
    }
}

impl OutputState {
    /// What is attached.
    pub fn sink(self) -> Option<SinkId> {
        match self {
            OutputState::Detached => None,
            OutputState::Attached(sink) => Some(sink),
        }
    }
}

impl fmt::Display for PreviewState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PreviewState::Empty => "empty",
            PreviewState::Cueing(_) => "cueing",
            PreviewState::Cued(_) => "cued",
            PreviewState::Armed { .. } => "armed",
            PreviewState::Failed(_) => "failed",
        })
    }
}

impl fmt::Display for LiveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LiveState::Vacant => "vacant",
            LiveState::Rolling(_) => "rolling",
            LiveState::Exhausted(_) => "exhausted",
        })
    }
}
