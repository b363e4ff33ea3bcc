//! The writer against a scripted reader on a clock moved by hand, and against one real socket.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use super::*;
use crate::output::fifo::{Bound, Burst};
use crate::testing::logged;
use crate::time::{Bell, Nanos, SystemClock, UtcNanos};
use crate::transport::{Memory, StreamTransport, connect};

/// What the writer did, in order.
#[derive(Debug, PartialEq)]
enum Did {
    WaitedFor(Nanos),
    Wrote(Nanos, Vec<u8>),
    Lost(String),
}

/// A clock that moves only when told, and reports who waits for what.
#[derive(Clone, Debug)]
struct ManualClock {
    now: Arc<AtomicU64>,
    log: Sender<Did>,
}

impl Clock for ManualClock {
    fn now(&self) -> Nanos {
        Nanos(self.now.load(Ordering::Acquire))
    }

    fn utc(&self) -> UtcNanos {
        UtcNanos(0)
    }

    fn wait_until(&self, deadline: Nanos, bell: &Bell) -> Wake {
        if deadline <= self.now() {
            return Wake::Deadline;
        }
        self.log.send(Did::WaitedFor(deadline)).unwrap();
        SystemClock::new().wait_until(Nanos::NEVER, bell)
    }
}

/// A reader that answers each write from a script, and takes everything once that is used up.
struct Scripted {
    clock: ManualClock,
    answers: std::vec::IntoIter<io::Result<usize>>,
}

impl Transport for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.answers.next().unwrap_or(Ok(bytes.len()))?;
        self.clock.log.send(Did::Wrote(self.clock.now(), bytes[..written].to_vec())).unwrap();
        Ok(written)
    }

    fn closer(&self) -> Closer {
        Closer::new(|| {})
    }
}

struct Stage {
    clock: ManualClock,
    fifo: Fifo,
    pace: Pace,
    log: Receiver<Did>,
}

/// As the sink closes it.
fn close(mut pace: Pace, force: bool) {
    if !force {
        pace.finish_write();
    }
    pace.stop();
    assert!(pace.wait_stopped(Duration::from_secs(10)));
}

impl Stage {
    fn new(answers: Vec<io::Result<usize>>) -> Stage {
        let (sender, log) = mpsc::channel();
        let clock = ManualClock { now: Arc::default(), log: sender.clone() };
        let fifo = Fifo::new(Bound { media: Bound::DEFAULT_MEDIA, bytes: usize::MAX });
        let transport = Box::new(Scripted { clock: clock.clone(), answers: answers.into_iter() });
        let lost = Arc::new(move |reason| sender.send(Did::Lost(reason)).unwrap());
        let pace =
            Pace::start("write".into(), Arc::new(clock.clone()), fifo.clone(), transport, lost).unwrap();
        let stage = Stage { clock, fifo, pace, log };
        assert_eq!(stage.did(), Did::WaitedFor(Nanos::NEVER));
        stage
    }

    fn push(&self, departs: u64, bytes: &[u8]) {
        self.fifo.push(Burst { departs: Nanos(departs), bytes: bytes.to_vec() });
    }

    fn advance(&self, now: u64) {
        self.clock.now.store(now, Ordering::Release);
        self.fifo.bell().ring();
    }

    /// The next entry; a writer that does nothing fails the test instead of hanging it.
    fn did(&self) -> Did {
        self.log.recv_timeout(Duration::from_secs(10)).expect("the writer went on")
    }
}

/// OT-1: not a nanosecond early, at once when due, late ones together and in order.
#[test]
fn a_burst_leaves_when_it_departs() {
    let stage = Stage::new(vec![]);
    stage.push(100, b"a");
    assert_eq!(stage.did(), Did::WaitedFor(Nanos(100)));
    stage.advance(99);
    assert_eq!(stage.did(), Did::WaitedFor(Nanos(100)));
    stage.push(200, b"b");
    stage.push(200, b"c");
    stage.push(300, b"d");
    stage.push(400, b"e");
    stage.advance(100);
    assert_eq!(stage.did(), Did::Wrote(Nanos(100), b"a".into()));
    assert_eq!(stage.did(), Did::WaitedFor(Nanos(200)));
    stage.advance(350);
    assert_eq!(stage.did(), Did::Wrote(Nanos(350), b"bcd".into()));
    assert_eq!(stage.did(), Did::WaitedFor(Nanos(400)));
    assert_eq!(stage.pace.status().state(), SinkState::Running);
}

/// L-03: a reader that makes no room is seen while it does so, and gets every byte once when it reads on.
#[test]
fn a_stall_is_counted_once_and_loses_nothing() {
    let stalled = || Err(io::ErrorKind::WouldBlock.into());
    let stage = Stage::new(vec![Ok(1), stalled(), stalled(), Ok(1)]);
    stage.push(0, b"abc");
    for part in [b"a", b"b", b"c"] {
        assert_eq!(stage.did(), Did::Wrote(Nanos(0), part.into()));
    }
    assert_eq!(stage.did(), Did::WaitedFor(Nanos::NEVER));
    let status = stage.pace.status();
    assert_eq!(status.state(), SinkState::Backpressure, "until a write goes through at once");
    assert_eq!(status.counters.stalls.load(Ordering::Relaxed), 1);
    assert_eq!(status.counters.bytes_written.load(Ordering::Relaxed), 3);
    stage.push(0, b"d");
    assert_eq!(stage.did(), Did::Wrote(Nanos(0), b"d".into()));
    assert_eq!(stage.did(), Did::WaitedFor(Nanos::NEVER));
    assert_eq!(status.state(), SinkState::Running);
}

/// L-38: one report, and not one write after it.
#[test]
fn a_failed_write_is_the_last() {
    let stage = Stage::new(vec![Err(io::ErrorKind::BrokenPipe.into())]);
    stage.push(0, b"a");
    assert_eq!(stage.did(), Did::Lost("broken pipe".into()));
    stage.push(0, b"b");
    let status = stage.pace.status();
    assert_eq!(status.state(), SinkState::Error);
    close(stage.pace, false);
    assert_eq!(status.state(), SinkState::Stopped);
    drop(stage.clock);
    assert_eq!(stage.log.iter().next(), None);
}

#[test]
fn nothing_that_waits_is_sent_by_a_close() {
    let (memory, capture) = Memory::new();
    let fifo = Fifo::new(Bound { media: Bound::DEFAULT_MEDIA, bytes: usize::MAX });
    let clock = Arc::new(SystemClock::new());
    let pace = Pace::start("write".into(), clock, fifo.clone(), Box::new(memory), Arc::new(|_| {})).unwrap();
    fifo.push(Burst { departs: Nanos::NEVER, bytes: vec![0x47; 188] });
    close(pace, false);
    assert!(capture.bytes().is_empty());
}

fn blocked() -> (Pace, UnixStream) {
    let path = std::env::temp_dir().join(format!("air-pace-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let transport = connect(StreamTransport::UnixDomainSocket, path.to_str().unwrap()).unwrap();
    std::fs::remove_file(path).unwrap();
    let fifo = Fifo::new(Bound { media: Bound::DEFAULT_MEDIA, bytes: usize::MAX });
    fifo.push(Burst { departs: Nanos(0), bytes: vec![0x47; 188 * 100_000] });
    let clock = Arc::new(SystemClock::new());
    let lost = Arc::new(|reason| panic!("a close is not a loss: {reason}"));
    let pace = Pace::start("write".into(), clock, fifo, transport, lost).unwrap();
    (pace, listener.accept().unwrap().0)
}

/// TD-2, TR-8: real time and a real socket, because a blocked `send` is what is tested.
#[test]
fn a_reader_that_does_not_read_cannot_hold_a_close() {
    for force in [false, true] {
        let (pace, mut reader) = blocked();
        let status = pace.status();
        reader.read_exact(&mut [0; 188]).unwrap();
        let started = Instant::now();
        close(pace, force);
        assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(status.counters.bytes_written.load(Ordering::Relaxed), 188 + rest.len() as u64);
        assert_eq!(status.state(), SinkState::Stopped);
    }
}

/// A reader that stops once is told of twice: when it begins and when it is over.
#[test]
fn the_log_says_when_the_reader_stops_and_reads_on() {
    let (log, _) = mpsc::channel();
    let clock = ManualClock { now: Arc::default(), log };
    let fifo = Fifo::new(Bound { media: Bound::DEFAULT_MEDIA, bytes: usize::MAX });
    let status = Arc::<SinkStatus>::default();
    let (transport, clock) = (Box::new(Memory::new().0), Arc::new(clock));
    let mut writer = Writer { clock, fifo, transport, status, backpressure: Episode::default() };
    let lines = logged(|| {
        for _ in 0..3 {
            writer.stall();
            writer.stall();
            writer.settle(false);
        }
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("INV-P10-BACKPRESSURE: applied"), "{lines:?}");
    assert!(lines[1].starts_with("INV-P10-BACKPRESSURE: released"), "{lines:?}");
}
