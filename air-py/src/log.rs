//! Engine log records on their way to Python's `logging`.
//!
//! Engine threads format a record and leave it in a bounded queue; they take no GIL and wait for nobody. One Python
//! thread takes records out. When it falls behind, records are dropped and counted, never the programme.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Records kept for a Python thread that is late; at the few per second of a healthy channel, minutes of them.
const QUEUE_RECORDS: usize = 1024;

static QUEUE: OnceLock<Queue> = OnceLock::new();

struct Queue {
    sender: SyncSender<Option<Record>>,
    receiver: Mutex<Receiver<Option<Record>>>,
    /// The lowest Python level worth formatting.
    level: AtomicU8,
    stopped: AtomicBool,
    dropped: AtomicU64,
}

/// One log record: Python level, target (`air_core::output::sink`), text, and the fields that are in the text.
type Record = (u8, String, String, Fields);

type Fields = BTreeMap<&'static str, FieldValue>;

/// What a field says; all that is no whole number is text.
#[derive(IntoPyObject)]
pub enum FieldValue {
    Integer(i64),
    Text(String),
}

/// Sends engine records of at least Python `level` to the queue. May be called again to change the level.
#[pyfunction]
pub fn log_install(level: u8) -> PyResult<()> {
    let queue = QUEUE.get_or_init(|| {
        let (sender, receiver) = sync_channel(QUEUE_RECORDS);
        Queue {
            sender,
            receiver: Mutex::new(receiver),
            level: AtomicU8::new(level),
            stopped: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        }
    });
    queue.level.store(level, Ordering::Relaxed);
    // A second call finds our own subscriber in place: nothing else in this extension installs one.
    if set_global_default(QueueSubscriber(queue)).is_ok() {
        air_core::install_log();
    }
    Ok(())
}

/// Waits for the next record and says how many were dropped before it; `None` once [`log_stop`] was called.
#[pyfunction]
pub fn log_next(py: Python<'_>) -> PyResult<Option<(Record, u64)>> {
    let queue = QUEUE.get().ok_or_else(|| PyRuntimeError::new_err("the log is not installed"))?;
    Ok(py.detach(|| queue.next()))
}

/// Ends the wait in [`log_next`]; later records are discarded.
#[pyfunction]
pub fn log_stop() {
    if let Some(queue) = QUEUE.get() {
        queue.stopped.store(true, Ordering::Relaxed);
        // A full queue needs no wake-up: its reader is not waiting.
        let _ = queue.sender.try_send(None);
    }
}

impl Queue {
    fn next(&self) -> Option<(Record, u64)> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let record = receiver.recv().ok().flatten()?;
        Some((record, self.dropped.swap(0, Ordering::Relaxed)))
    }

    fn offer(&self, record: Record) {
        if self.sender.try_send(Some(record)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct QueueSubscriber(&'static Queue);

impl Subscriber for QueueSubscriber {
    /// The level can change at any time, so no answer may be remembered per call site.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && python_level(*metadata.level()) >= self.0.level.load(Ordering::Relaxed)
            && !self.0.stopped.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = RecordText::default();
        event.record(&mut text);
        if let Some(channel) = channel_of_this_thread() {
            text.add("channel", FieldValue::Integer(channel.into()));
        }
        let metadata = event.metadata();
        let (text, fields) = text.finish();
        self.0.offer((python_level(*metadata.level()), metadata.target().to_owned(), text, fields));
    }

    // Spans carry nothing that the records do not say themselves.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Numbers of Python's `logging`; trace is one below debug.
fn python_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// Whose channel's thread speaks: a channel's threads are called `air-ch7-tick` and the like.
fn channel_of_this_thread() -> Option<i32> {
    let thread = std::thread::current();
    thread.name()?.strip_prefix("air-ch")?.split('-').next()?.parse().ok()
}

/// `message field=value field=value`, and the same fields by name.
#[derive(Default)]
struct RecordText {
    message: String,
    in_text: String,
    fields: Fields,
}

impl RecordText {
    fn add(&mut self, name: &'static str, value: FieldValue) {
        // Writing to a String cannot fail.
        let _ = match &value {
            FieldValue::Integer(number) => write!(self.in_text, " {name}={number}"),
            FieldValue::Text(text) => write!(self.in_text, " {name}={text}"),
        };
        self.fields.insert(name, value);
    }

    fn finish(mut self) -> (String, Fields) {
        self.message.push_str(&self.in_text);
        (self.message, self.fields)
    }
}

impl Visit for RecordText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => {
                let _ = write!(self.message, "{value:?}");
            }
            name => self.add(name, FieldValue::Text(format!("{value:?}"))),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), FieldValue::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }
}
