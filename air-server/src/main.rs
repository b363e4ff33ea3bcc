//! The `air-server` program.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(air_server::main(std::env::args_os().skip(1)))
}
