//! The program side: segments read ahead in their slots, and the bus that chooses one frame a tick.

mod as_run;
mod awaited;
mod bus;
mod declick;
mod live;
mod missing;
mod read_ahead;
mod slot;

pub use as_run::{AsRun, Entry};
pub use awaited::Awaited;
pub use bus::{Left, ProgramBus};
pub use live::ProgramEvent;
pub use missing::Missing;
pub use read_ahead::{Cueing, ReadAhead};
pub use slot::{FrameSource, Next, Readiness, Slot};
