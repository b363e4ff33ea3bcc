//! Log records on standard error, written by a thread of its own: a pipe that nobody reads holds up no engine, and
//! costs records only.

use std::str::FromStr;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

/// Records that wait for standard error.
const MOST_WAITING: usize = 4096;

/// How long the end of a process that has served waits for the last of them.
const FLUSHED_WITHIN: Duration = Duration::from_millis(100);

/// The same for one that could not: the last record says why, and nobody waits for its channels.
const REASON_WITHIN: Duration = Duration::from_secs(2);

/// Form of a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("is neither text nor json"),
        }
    }
}

/// The log, as long as the process lives.
#[derive(Debug)]
pub struct Console(WorkerGuard);

/// Sends all records of at least `level` to standard error.
pub fn install(format: LogFormat, level: Level) -> Console {
    let builder = NonBlockingBuilder::default().buffered_lines_limit(MOST_WAITING).thread_name("air-log");
    let (writer, guard) = builder.finish(std::io::stderr());
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(writer).with_ansi(false);
    // Of a channel's own threads, the name tells which channel a record is about.
    let subscriber = subscriber.with_thread_names(true);
    // A host that has installed its own before keeps it.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(
            subscriber.json().flatten_event(true).with_thread_names(true).finish(),
        ),
    };
    Console(guard)
}

impl Console {
    /// Writes what waits, unless nobody takes it; a reason for not having `served` gets more time.
    pub fn flush(self, served: bool) {
        let (flushed, done) = sync_channel(1);
        std::thread::spawn(move || {
            drop(self.0);
            let _ = flushed.send(());
        });
        let _ = done.recv_timeout(if served { FLUSHED_WITHIN } else { REASON_WITHIN });
    }
}
