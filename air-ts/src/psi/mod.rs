//! Program-specific information: the tables that say what is on which PID (ISO/IEC 13818-1, 2.4.4; EN 300 468).
//!
//! [`Pat`], [`Pmt`] and [`Sdt`] go to and from one section each; [`SectionReader`] gathers sections from packets and
//! [`packetise`] cuts them into packets. When tables are sent, and whether they come in time, is decided elsewhere.

mod section;
mod tables;

pub use section::{MAX_SECTION_SIZE, SectionReader, crc32, packetise};
pub use tables::{Pat, Pmt, PmtStream, Sdt, TableError};

/// The PID of the program association table.
pub const PAT_PID: u16 = 0x0000;
/// The PID of the service description table.
pub const SDT_PID: u16 = 0x0011;
