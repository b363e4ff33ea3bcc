//! The `air-server` program.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    air_server::main(std::env::args_os().skip(1))
}
