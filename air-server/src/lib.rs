//! The playout engine as a process of its own, commanded over gRPC: `protos/` on the outside, `air_core` inside.
//!
//! The shell converts, calls and converts back; it decides nothing about playout. What may wait for media runs on
//! threads of its own, so that no call delays another.
//!
//! | module | what it holds |
//! |---|---|
//! | [`flags`] | the command line |
//! | [`session`], [`sessions`] | the channels that run, an engine each |
//! | [`control`] | `retrovue.playout.PlayoutControl` |
//! | [`events`], [`monitor`] | `air.playout.v1.PlayoutMonitor` |
//! | [`tally`], [`metrics`], [`health`] | what monitoring systems are told |
//! | [`serving`] | listening, and what is done when the end comes |
//! | [`sockets`], [`connections`] | where it listens; who is let in, and how many |
//! | [`supervisor`] | what systemd is told |
//! | [`ending`], [`inherited`] | what ends the process: signals, its parent, its standard input |
//! | [`console`] | log records on standard error |

#![forbid(unsafe_code)]

pub mod connections;
pub mod console;
pub mod control;
pub mod ending;
pub mod events;
pub mod flags;
pub mod health;
pub mod inherited;
pub mod metrics;
pub mod monitor;
pub mod serving;
pub mod session;
pub mod sessions;
pub mod sockets;
pub mod supervisor;
pub mod tally;
mod waiting;

use std::ffi::OsString;
use std::io::Write;

use flags::{Command, Flags};

/// Runs the program with these arguments, its own name not among them, until its end comes, and returns the exit code:
/// 0; 1 when it could not serve, 2 for a flag whose value makes no sense. To be called by the main thread.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match Flags::parse(arguments) {
        Ok(Command::Help) => print(&flags::help()),
        Ok(Command::Version) => print(concat!("air-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Serve(flags)) => {
            air_core::keep_few_arenas(); // Without it the process works as well, and holds more memory.
            let console = console::install(flags.log_format, flags.log_level);
            let ended = serving::run(*flags);
            if let Err(error) = &ended {
                tracing::error!("{error}");
            }
            console.flush(ended.is_ok());
            u8::from(ended.is_err())
        }
        Err(error) => {
            // Nobody may be there to read it: that changes no exit code.
            let _ = writeln!(std::io::stderr(), "air-server: {error}\nTry air-server --help.");
            2
        }
    }
}

fn print(text: &str) -> u8 {
    u8::from(std::io::stdout().write_all(text.as_bytes()).is_err())
}
