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
//! | [`media_roots`] | which files may be played |
//! | [`serving`] | from the beginning to the end, which a signal tells |
//! | [`sockets`], [`connections`] | where it listens; who is let in, and how many |
//! | [`supervisor`] | what systemd is told |
//! | [`console`] | log records on standard error |

#![forbid(unsafe_code)]

pub mod connections;
pub mod console;
pub mod control;
pub mod events;
pub mod flags;
pub mod media_roots;
pub mod monitor;
pub mod serving;
pub mod session;
pub mod sessions;
pub mod sockets;
pub mod supervisor;
mod waiting;

use std::ffi::OsString;
use std::process::ExitCode;

use flags::{Command, Flags};

/// Runs the program with these arguments, its own name not among them, until a signal ends it: exit code 0; 1 when
/// it could not serve, 2 for a flag whose value makes no sense.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Flags::parse(arguments) {
        Ok(Command::Help) => print(&flags::help()),
        Ok(Command::Version) => print(concat!("air-server ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Serve(flags)) => {
            let console = console::install(flags.log_format, flags.log_level);
            let ended = serving::run(*flags);
            if let Err(error) = &ended {
                tracing::error!("{error}");
            }
            console.flush();
            if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("air-server: {error}\nTry air-server --help.");
            ExitCode::from(2)
        }
    }
}

fn print(text: &str) -> ExitCode {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
