//! Time: its units, the master clock, and the timeline that joins the two.
//!
//! Every instant of a channel is an exact function of a tick number; nothing here adds a period to a
//! previous value, and nothing here is a float. This module knows no other module of the crate.

mod clock;
mod timeline;
mod units;

pub use clock::{Bell, Clock, SystemClock, VirtualClock, Wake};
pub use timeline::{Stamp, Timeline};
pub use units::{FrameRate, FrameRateError, Nanos, Tick, UtcMillis, UtcNanos};
