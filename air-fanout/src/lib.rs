//! One transport stream for any number of viewers.
//!
//! A [`Fanout`] listens for one engine on a Unix socket, keeps the last seconds of its stream in a ring, and gives
//! them to viewers: it writes to a connected socket itself ([`Fanout::hand_over`]), or lets a thread of the host take
//! batches ([`Fanout::viewer`]). Every viewer gets whole packets from an entry point on, so it has a picture at once,
//! and one that falls behind is moved or closed alone. Where a whole ring has no entry point, it gets the packets all
//! the same.
//!
//! It reads of the stream only what it takes to find entry points, changes nothing but `discontinuity_indicator`
//! where a viewer's stream was cut, and knows nothing of HTTP, channels or Python.

#![forbid(unsafe_code)]

mod batching;
mod bell;
mod cursor;
mod endpoint;
mod entry;
mod event_loop;
mod fanout;
mod inspection;
mod intake;
mod mark;
mod peer;
mod pulled;
mod ring;
mod shared;
mod socket;
#[cfg(test)]
mod testing;

pub use fanout::{Config, Fanout, SlowPolicy};
pub use pulled::{PulledViewer, Taken};
pub use shared::Stats;
pub use socket::SocketViewer;
