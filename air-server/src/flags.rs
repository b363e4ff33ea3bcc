//! The command line. What is not known is ignored with a warning, so that a host written for another engine, or for
//! another version of this one, can start it.
//!
//! Every flag is one row of `SECTIONS`, so what is parsed and what `--help` says cannot differ.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use air_core::{EngineConfig, SinkConfig};
use lexopt::{Arg, Parser};
use tracing::Level;

use crate::console::LogFormat;

#[cfg(test)]
mod tests;

/// Most channels that one process takes.
const MOST_CHANNELS: usize = 64;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// To print [`help`].
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
        flag: &'static str,
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
    /// What `arguments` ask for, the program's name not among them. Of a flag given twice the last counts, unless it
    /// may be given again; with none of `--port`, `--address`, `--uds` and `--stdin` it is port 50051.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, FlagError> {
        let mut flags = Flags::default();
        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            let name = match argument {
                Arg::Long(name) => format!("--{name}"),
                Arg::Short(letter) => format!("-{letter}"),
                Arg::Value(value) => {
                    flags.ignored.push(value.to_string_lossy().into_owned());
                    continue;
                }
            };
            match Flag::called(&name) {
                Some(Flag { does: Does::Ask(command), .. }) => return Ok(command()),
                Some(flag) => flags.apply(flag, &mut parser)?,
                None => {
                    flags.ignored.push(name);
                    parser.optional_value();
                }
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

    fn apply(&mut self, flag: &Flag, parser: &mut Parser) -> Result<(), FlagError> {
        match flag.does {
            Does::Ask(_) => {}
            Does::Switch(switch) => {
                parser.optional_value();
                switch(self);
            }
            Does::Take(_, take) => {
                let given = parser.value()?;
                let value = given.to_string_lossy().into_owned();
                take(self, given).map_err(|reason| FlagError::Value { flag: flag.name, value, reason })?;
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

/// What `--help` prints.
pub fn help() -> String {
    let mut text = "The playout engine, commanded over gRPC.\n\nUsage: air-server [FLAGS]\n".to_owned();
    for (title, flags) in SECTIONS {
        text += &format!("\n{title}:\n");
        for flag in *flags {
            let short = flag.short.map_or("   ".to_owned(), |letter| format!("-{letter},"));
            let value = if let Does::Take(value, _) = flag.does { value } else { "" };
            text += &format!("  {short} --{:<23} {}\n", format!("{} {value}", flag.name), flag.help);
        }
    }
    text + "\nUnknown flags are ignored with a warning. SIGTERM and SIGINT stop all channels and end it.\n"
}

/// A flag: what it is called, what help says, what it does.
struct Flag {
    name: &'static str,
    short: Option<char>,
    help: &'static str,
    does: Does,
}

/// What a flag does.
enum Does {
    /// Takes a value, which help calls this; or says why not.
    Take(&'static str, Setter),
    /// Takes none.
    Switch(fn(&mut Flags)),
    /// Asks for something else than to serve.
    Ask(fn() -> Command),
}

type Setter = fn(&mut Flags, OsString) -> Result<(), String>;

impl Flag {
    /// The flag that is written as `--name` or `-n`.
    fn called(written: &str) -> Option<&'static Flag> {
        let is_it = |flag: &&Flag| match written.strip_prefix("--") {
            Some(name) => flag.name == name,
            None => flag.short.is_some_and(|letter| written == format!("-{letter}")),
        };
        SECTIONS.iter().flat_map(|(_, flags)| *flags).find(is_it)
    }

    const fn short(self, letter: char) -> Flag {
        Flag { short: Some(letter), ..self }
    }
}

const fn take(name: &'static str, value: &'static str, help: &'static str, setter: Setter) -> Flag {
    Flag { name, short: None, help, does: Does::Take(value, setter) }
}

const fn switch(name: &'static str, help: &'static str, set: fn(&mut Flags)) -> Flag {
    Flag { name, short: None, help, does: Does::Switch(set) }
}

const fn ask(name: &'static str, help: &'static str, command: fn() -> Command) -> Flag {
    Flag { name, short: None, help, does: Does::Ask(command) }
}

/// All flags, under the titles that help gives them.
const SECTIONS: &[(&str, &[Flag])] = &[
    ("Where it listens", LISTENING),
    ("Channels", CHANNELS),
    ("Encoders, of every channel", ENCODERS),
    ("The process", PROCESS),
];

const LISTENING: &[Flag] = &[
    take("port", "N", "plaintext gRPC on 127.0.0.1:N (default 50051; 0 takes a free one)", port),
    take("address", "HOST:PORT", "the same on another address; there is no authentication", address)
        .short('a'),
    take("uds", "PATH", "gRPC on a Unix socket that only this user may use; no TCP unless asked for", uds),
    switch(
        "stdin",
        "gRPC over the connected socket that is standard input, until it closes; no TCP, no metrics unless asked for",
        |to| to.stdin = true,
    ),
    take(
        "metrics-port",
        "N",
        "Prometheus text and health over HTTP (default 9308); a port in use is no error",
        |to, value| some(&mut to.metrics_port, value),
    ),
];

const CHANNELS: &[Flag] = &[
    take("max-channels", "N", "channels at a time, 1 to 64 (default 1)", max_channels),
    take("media-root", "DIR", "play files below DIR only; may be given again", media_root),
];

const ENCODERS: &[Flag] = &[
    take("video-encoder", "NAME", "default libx264", |to, value| set(&mut to.sink.video_encoder, value)),
    take("preset", "NAME", "the encoder's own (default veryfast)", |to, value| {
        some(&mut to.sink.preset, value)
    }),
    take("video-bitrate", "N", "b/s; by default what suits the picture size", |to, value| {
        some(&mut to.sink.video_bitrate, value)
    }),
    take("gop-frames", "N", "from one IDR to the next (default: one second)", |to, value| {
        some(&mut to.sink.gop_frames, value)
    }),
    take("threads", "N", "of the video encoder; 0 lets it choose (default)", |to, value| {
        set(&mut to.sink.threads, value)
    }),
    take("video-option", "K=V", "for the video encoder, as it is; may be given again", video_option),
    take("audio-encoder", "NAME", "default aac", |to, value| set(&mut to.sink.audio_encoder, value)),
    take("audio-bitrate", "N", "b/s (default 192000)", |to, value| set(&mut to.sink.audio_bitrate, value)),
    take(
        "mux-rate",
        "N",
        "constant rate of the whole stream in b/s; by default it follows pictures",
        |to, value| some(&mut to.sink.mux_rate, value),
    ),
    take("mux-delay-ms", "N", "from a picture's arrival to its PTS, up to 900 (default 300)", |to, value| {
        some(&mut to.sink.mux_delay_ms, value)
    }),
    take("service-name", "TEXT", "what receivers call the channel (default Air)", |to, value| {
        set(&mut to.sink.service_name, value)
    }),
    take("provider-name", "TEXT", "who they say provides it (default Air)", |to, value| {
        set(&mut to.sink.provider_name, value)
    }),
];

const PROCESS: &[Flag] = &[
    take("log-format", "FORMAT", "text or json, on standard error (default text)", |to, value| {
        set(&mut to.log_format, value)
    }),
    take("log-level", "LEVEL", "error, warn, info (default), debug or trace", log_level),
    switch("die-with-parent", "end when the process that started it has died", |to| {
        to.die_with_parent = true
    }),
    switch("control-surface-only", "accepted for hosts that pass it; changes nothing", |_| {}),
    ask("version", "print the version", || Command::Version),
    ask("help", "print this", || Command::Help).short('h'),
];

fn port(to: &mut Flags, value: OsString) -> Result<(), String> {
    to.address = Some(on_loopback(read(value)?));
    Ok(())
}

fn address(to: &mut Flags, value: OsString) -> Result<(), String> {
    let address: String = read(value)?;
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => to.address = Some(address),
        _ => return Err("is not of the form HOST:PORT".to_owned()),
    }
    Ok(())
}

fn uds(to: &mut Flags, value: OsString) -> Result<(), String> {
    to.uds = Some(path(value)?);
    Ok(())
}

fn media_root(to: &mut Flags, value: OsString) -> Result<(), String> {
    to.media_roots.push(path(value)?);
    Ok(())
}

fn max_channels(to: &mut Flags, value: OsString) -> Result<(), String> {
    match read(value)? {
        most @ 1..=MOST_CHANNELS => to.max_channels = most,
        _ => return Err(format!("is not within 1 to {MOST_CHANNELS}")),
    }
    Ok(())
}

fn video_option(to: &mut Flags, value: OsString) -> Result<(), String> {
    let option: String = read(value)?;
    let (key, value) = option.split_once('=').ok_or("is not of the form KEY=VALUE")?;
    to.sink.video_options.push((key.to_owned(), value.to_owned()));
    Ok(())
}

fn log_level(to: &mut Flags, value: OsString) -> Result<(), String> {
    to.log_level = read(value).map_err(|_| "is none of error, warn, info, debug and trace")?;
    Ok(())
}

fn on_loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn set<T: FromStr<Err: Display>>(place: &mut T, value: OsString) -> Result<(), String> {
    *place = read(value)?;
    Ok(())
}

fn some<T: FromStr<Err: Display>>(place: &mut Option<T>, value: OsString) -> Result<(), String> {
    *place = Some(read(value)?);
    Ok(())
}

fn read<T: FromStr<Err: Display>>(value: OsString) -> Result<T, String> {
    let text = value.into_string().map_err(|_| "is not UTF-8")?;
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Any bytes but none.
fn path(value: OsString) -> Result<PathBuf, String> {
    if value.is_empty() { Err("is no path".to_owned()) } else { Ok(value.into()) }
}
