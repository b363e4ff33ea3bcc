//! The program side: segments read ahead in their slots, and the bus that chooses one frame a tick.

mod bus;
mod inline;
mod read_ahead;
mod slot;

pub use bus::{ProgramBus, ProgramEvent};
pub use inline::Inline;
pub use read_ahead::{Cueing, ReadAhead};
pub use slot::{FrameSource, Next, Readiness, Slot};
