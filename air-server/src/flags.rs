//! The command line. What is not known is ignored with a warning, so that a host written for another engine, or for
//! another version of this one, can start it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use air_core::{EngineConfig, SinkConfig};
use lexopt::{Arg, Parser, ValueExt};
use tracing::Level;

use crate::console::LogFormat;

/// What `--help` prints.
pub const HELP: &str = "\
The playout engine, commanded over gRPC.

Usage: air-server [FLAGS]

Where it listens:
      --port N                 plaintext gRPC on 127.0.0.1:N (default 50051; 0 takes a free one)
  -a, --address HOST:PORT      the same on another address; there is no authentication
      --uds PATH               gRPC on a Unix socket that only this user may use; no TCP unless it is asked for
      --stdin                  gRPC over the connected socket that is standard input; it ends when that is closed.
                               No TCP and no metrics unless they are asked for
      --metrics-port N         Prometheus text and health over HTTP (default 9308); a port in use is no error

Channels:
      --max-channels N         channels at a time, 1 to 64 (default 1)
      --media-root DIR         play files below DIR only; may be given again

Encoders, of every channel:
      --video-encoder NAME     default libx264
      --preset NAME            the encoder's own (default veryfast)
      --video-bitrate N        b/s; by default what suits the picture size
      --gop-frames N           from one IDR to the next (default: one second)
      --threads N              of the video encoder; 0 lets it choose (default)
      --video-option K=V       for the video encoder, as it is; may be given again
      --audio-encoder NAME     default aac
      --audio-bitrate N        b/s (default 192000)
      --mux-rate N             constant rate of the whole stream in b/s; by default it follows the pictures
      --mux-delay-ms N         from a picture's arrival to its PTS (default 300)
      --service-name TEXT      what receivers call the channel (default Air)
      --provider-name TEXT     who they say provides it (default Air)

The process:
      --log-format text|json   of the log, which goes to standard error (default text)
      --log-level LEVEL        error, warn, info (default), debug or trace
      --die-with-parent        ends when the process that started it has died
      --control-surface-only   accepted for hosts that pass it; changes nothing
      --version, --help

Unknown flags are ignored with a warning. SIGTERM and SIGINT stop all channels and end it.
";

/// Most channels that one process takes.
const MOST_CHANNELS: usize = 64;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// To print [`HELP`].
    Help,
    /// To print the version.
    Version,
    /// To serve.
    Serve(Box<Flags>),
}

/// How to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    /// `host:port` to listen on; `None`: no TCP.
    pub address: Option<String>,
    /// The Unix socket to listen on.
    pub uds: Option<PathBuf>,
    /// Whether standard input is a socket to serve.
    pub stdin: bool,
    /// Where metrics are served, on the host of `address`; `None`: nowhere.
    pub metrics_port: Option<u16>,
    /// Channels at a time.
    pub max_channels: usize,
    /// Where assets may lie; anywhere if empty.
    pub media_roots: Vec<PathBuf>,
    /// What every sink is told.
    pub sink: SinkConfig,
    /// Form of the log.
    pub log_format: LogFormat,
    /// The least level that is logged.
    pub log_level: Level,
    /// Whether it ends with its parent.
    pub die_with_parent: bool,
    /// What was ignored.
    pub ignored: Vec<String>,
}

impl Default for Flags {
    fn default() -> Self {
        Flags {
            address: None,
            uds: None,
            stdin: false,
            metrics_port: None,
            max_channels: 1,
            media_roots: Vec::new(),
            sink: SinkConfig::default(),
            log_format: LogFormat::Text,
            log_level: Level::INFO,
            die_with_parent: false,
            ignored: Vec::new(),
        }
    }
}

/// A flag that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// A value that the flag cannot have.
    #[error("--{flag} {value:?}: {reason}")]
    Value {
        /// The flag.
        flag: String,
        /// As given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The line as a whole.
    #[error(transparent)]
    Syntax(#[from] lexopt::Error),
}

impl Flags {
    /// What `arguments` ask for, the program's name not among them.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, FlagError> {
        let mut flags = Flags::default();
        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            let name = match argument {
                Arg::Long(name) => name.to_owned(),
                Arg::Short('a') => "address".to_owned(),
                Arg::Short('h') => "help".to_owned(),
                Arg::Short(letter) => {
                    flags.ignored.push(format!("-{letter}"));
                    continue;
                }
                Arg::Value(value) => {
                    flags.ignored.push(value.to_string_lossy().into_owned());
                    continue;
                }
            };
            match name.as_str() {
                "help" => return Ok(Command::Help),
                "version" => return Ok(Command::Version),
                "control-surface-only" => {}
                name => flags.set(name, &mut parser)?,
            }
        }
        if !flags.stdin {
            flags.metrics_port.get_or_insert(9308);
            if flags.address.is_none() && flags.uds.is_none() {
                flags.address = Some(on_loopback(50051));
            }
        }
        Ok(Command::Serve(Box::new(flags)))
    }

    /// Sets the flag `name`, whose value comes next.
    fn set(&mut self, name: &str, parser: &mut Parser) -> Result<(), FlagError> {
        let sink = &mut self.sink;
        match name {
            "port" => self.address = Some(on_loopback(value(name, parser)?)),
            "address" => self.address = Some(value(name, parser)?),
            "uds" => self.uds = Some(parser.value()?.into()),
            "stdin" => self.stdin = true,
            "metrics-port" => self.metrics_port = Some(value(name, parser)?),
            "max-channels" => {
                self.max_channels = checked(name, parser, |most| match most {
                    1..=MOST_CHANNELS => Ok(most),
                    _ => Err(format!("is not within 1 to {MOST_CHANNELS}")),
                })?;
            }
            "media-root" => self.media_roots.push(parser.value()?.into()),
            "video-encoder" => sink.video_encoder = value(name, parser)?,
            "preset" => sink.preset = Some(value(name, parser)?),
            "video-bitrate" => sink.video_bitrate = Some(value(name, parser)?),
            "gop-frames" => sink.gop_frames = Some(value(name, parser)?),
            "threads" => sink.threads = value(name, parser)?,
            "video-option" => {
                let option = checked(name, parser, |option: String| {
                    let pair = option.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
                    pair.ok_or_else(|| "is not of the form KEY=VALUE".to_owned())
                })?;
                sink.video_options.push(option);
            }
            "audio-encoder" => sink.audio_encoder = value(name, parser)?,
            "audio-bitrate" => sink.audio_bitrate = value(name, parser)?,
            "mux-rate" => sink.mux_rate = Some(value(name, parser)?),
            "mux-delay-ms" => sink.mux_delay_ms = Some(value(name, parser)?),
            "service-name" => sink.service_name = value(name, parser)?,
            "provider-name" => sink.provider_name = value(name, parser)?,
            "log-format" => self.log_format = value(name, parser)?,
            "log-level" => self.log_level = value(name, parser)?,
            "die-with-parent" => self.die_with_parent = true,
            unknown => {
                self.ignored.push(format!("--{unknown}"));
                parser.optional_value();
            }
        }
        Ok(())
    }

    /// What every channel's engine is told. A parent that calls by standard input judges for itself, as it does with an
    /// engine in its own process.
    pub fn engine(&self) -> EngineConfig {
        EngineConfig { sink: self.sink.clone(), judge: !self.stdin, ..EngineConfig::default() }
    }
}

fn on_loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn value<T: FromStr<Err: std::fmt::Display>>(flag: &str, parser: &mut Parser) -> Result<T, FlagError> {
    checked(flag, parser, Ok)
}

/// The value that comes next, as `check` makes it or refuses it.
fn checked<T: FromStr<Err: std::fmt::Display>, U>(
    flag: &str,
    parser: &mut Parser,
    check: impl FnOnce(T) -> Result<U, String>,
) -> Result<U, FlagError> {
    let given = parser.value()?.string()?;
    let parsed = given.parse().map_err(|error: T::Err| error.to_string()).and_then(check);
    parsed.map_err(|reason| FlagError::Value { flag: flag.to_owned(), value: given, reason })
}
