//! The engine on the real clock, through a real socket. Real time, because sockets, threads and the order in
//! which they end are what is tested; each test lasts about as long as the stream it reads.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use air_core::{
    Engine, EngineConfig, Event, EventKind, JudgeSummary, LiveState, MediaRoots, ResultCode, StreamTransport,
};
use air_ts::judge::{Judge, JudgeConfig, Report};

const FORMAT: &str = r#"{"video": {"width": 320, "height": 180, "frame_rate": "30000/1001"},
                         "audio": {"sample_rate": 48000, "channels": 2}}"#;
const CHANNEL: i32 = 1;

/// A listening reader, as the host has one.
struct Reader {
    path: PathBuf,
    listener: UnixListener,
}

impl Reader {
    fn listen() -> Reader {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("air-engine-{}-{number}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a socket in the temporary folder");
        Reader { path, listener }
    }

    fn endpoint(&self) -> &str {
        self.path.to_str().expect("a path in UTF-8")
    }

    fn accept(&self) -> UnixStream {
        self.listener.accept().expect("the engine has connected").0
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A socket that is gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn started() -> Engine {
    let engine = Engine::new(EngineConfig::default());
    assert!(engine.start_channel(CHANNEL, "mock", 0, FORMAT).success);
    engine
}

fn attach(engine: &Engine, reader: &Reader) -> UnixStream {
    let attached = engine.attach_stream(CHANNEL, StreamTransport::UnixDomainSocket, reader.endpoint(), false);
    assert!(attached.reply.success, "{}", attached.reply.message);
    assert_eq!(attached.negotiated_endpoint, reader.endpoint());
    reader.accept()
}

fn load(engine: &Engine, asset: &str) {
    let loaded = engine.load_preview(CHANNEL, asset, 0, 0);
    assert!(loaded.reply.success && loaded.shadow_decode_started, "{}", loaded.reply.message);
}

fn switch(engine: &Engine) -> u64 {
    let switched = engine.switch_to_live(CHANNEL, 0, 0);
    assert_eq!((switched.reply.result_code, switched.pts_contiguous), (ResultCode::Ok, true));
    switched.live_start_pts
}

/// Reads for `span`, which begins with the first byte, or to the end of the stream.
fn read_for(stream: &mut UnixStream, span: Duration) -> Vec<u8> {
    let mut bytes = vec![0; 188];
    stream.read_exact(&mut bytes).expect("a first packet");
    let until = Instant::now() + span;
    let mut chunk = [0; 188 * 64];
    while Instant::now() < until {
        match stream.read(&mut chunk).expect("a stream that can be read") {
            0 => break,
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
    bytes
}

fn judged(bytes: &[u8]) -> Report {
    let mut judge = Judge::new(JudgeConfig::house());
    judge.feed(&bytes[..bytes.len() / 188 * 188]);
    judge.finish()
}

/// MX-1, MX-2: nothing before both attach and switch, in either order; then a transport stream at once.
#[test]
fn no_byte_before_both_attach_and_switch() {
    for attach_first in [true, false] {
        let (engine, reader) = (started(), Reader::listen());
        load(&engine, "pattern:bars");
        let mut stream = if attach_first {
            let stream = attach(&engine, &reader);
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let error = (&stream).read(&mut [0]).expect_err("nothing is on air");
            assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
            switch(&engine);
            stream
        } else {
            switch(&engine);
            attach(&engine, &reader)
        };
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let bytes = read_for(&mut stream, Duration::from_millis(500));
        assert!(bytes.chunks_exact(188).all(|packet| packet[0] == 0x47));
        engine.stop_channel(CHANNEL);
    }
}

/// 8.3, SW-7, SW-17, BF-1: switches and the end of a file leave no trace in the stream.
#[test]
fn switches_and_black_are_clean_in_the_stream() {
    let (engine, reader) = (started(), Reader::listen());
    let mut stream = attach(&engine, &reader);
    let reading = thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes)
    });
    let mut starts = Vec::new();
    for asset in ["pattern:bars", "pattern:black", "pattern:bars"] {
        load(&engine, asset);
        starts.push(switch(&engine));
        let mut events = std::iter::from_fn(|| engine.next_event(Duration::from_secs(1)));
        let is_taken = |event: Event| matches!(event.kind, EventKind::Taken { .. });
        assert!(events.any(is_taken), "a switch is told");
        // Real time passes on air: there is no event to wait for.
        thread::sleep(Duration::from_millis(700));
    }
    assert!(engine.stop_channel(CHANNEL).success);
    let bytes = reading.join().unwrap().unwrap();
    assert_eq!(bytes.len() % 188, 0, "TR-9: the reader sees the end, after a whole packet");
    let report = judged(&bytes);
    assert!(report.is_clean(), "{report:?}");
    assert!(starts.is_sorted(), "SW-16: {starts:?}");
    assert_eq!(starts[0], 90_000, "the first picture has the session's base");
}

/// CS-3, CS-6, CS-7, CS-11, TR-1, TR-4, TR-6: what is out of order is refused and changes nothing.
#[test]
fn commands_out_of_order_are_refused_by_code() {
    let engine = Engine::new(EngineConfig::default());
    let code = |reply: air_core::Reply| (reply.success, reply.result_code);
    let violation = (false, ResultCode::ProtocolViolation);
    assert_eq!(code(engine.load_preview(CHANNEL, "pattern:bars", 0, 0).reply), violation);
    assert_eq!(code(engine.switch_to_live(CHANNEL, 0, 0).reply), violation);
    let nowhere =
        || engine.attach_stream(CHANNEL, StreamTransport::UnixDomainSocket, "/nowhere", false).reply;
    assert_eq!(code(nowhere()), violation);
    assert!(engine.stop_channel(999).success, "CS-5");
    assert!(!engine.start_channel(CHANNEL, "", 0, "{}").success, "PF-1");
    assert!(engine.start_channel(CHANNEL, "", 0, FORMAT).success);
    assert!(engine.start_channel(CHANNEL, "", 0, "not looked at").success, "CS-2");
    assert!(!engine.start_channel(CHANNEL + 1, "", 0, FORMAT).success, "CS-3");
    assert_eq!(code(engine.switch_to_live(CHANNEL, 0, 0).reply), violation, "CS-7");
    assert!(!nowhere().success);
    let unnamed = engine.attach_stream(CHANNEL, StreamTransport::Unspecified, "", false);
    assert!(!unnamed.reply.success, "TR-4");
    let reader = Reader::listen();
    let _stream = attach(&engine, &reader);
    let again = engine.attach_stream(CHANNEL, StreamTransport::UnixDomainSocket, reader.endpoint(), false);
    assert!(!again.reply.success, "TR-6");
    assert!(engine.detach_stream(CHANNEL, false).success && engine.detach_stream(CHANNEL, false).success);
}

/// CS-10: an asset that cannot be played is refused with its reason; preview and live are as they were.
#[test]
fn an_asset_that_cannot_be_played_changes_nothing() {
    let engine = started();
    load(&engine, "pattern:bars");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let folder = env!("CARGO_MANIFEST_DIR");
    for asset in
        ["/no/such/file.mp4", folder, manifest, "", "pattern:plaid", "http://127.0.0.1/a.ts", "concat:a|b"]
    {
        let refused = engine.load_preview(CHANNEL, asset, 0, 0).reply;
        assert_eq!(refused.result_code, ResultCode::Failed, "{asset}");
        assert!(!refused.message.is_empty());
    }
    assert_eq!(engine.load_preview(CHANNEL, "pattern:bars", -1, 0).reply.result_code, ResultCode::Failed);
    switch(&engine);
    let status = engine.status().expect("a channel runs");
    assert!(matches!(status.live, LiveState::Rolling(_)));
    assert_eq!(status.live_asset.as_deref(), Some("pattern:bars"));
}

/// TR-10, L-38, MX-18, OB-1: a reader that goes is one event; time runs on, and the next reader starts clean.
#[test]
fn a_reader_that_goes_costs_only_itself() {
    let (engine, reader) = (started(), Reader::listen());
    load(&engine, "pattern:bars");
    let mut stream = attach(&engine, &reader);
    switch(&engine);
    read_for(&mut stream, Duration::from_millis(300));
    drop(stream);
    let lost = std::iter::from_fn(|| engine.next_event(Duration::from_secs(2)))
        .find(|event| matches!(event.kind, EventKind::SinkLost { .. }))
        .expect("the loss is told");
    let mut stream = attach(&engine, &reader);
    let report = judged(&read_for(&mut stream, Duration::from_millis(700)));
    assert!(report.is_clean(), "{report:?}");
    assert!(engine.status().and_then(|status| status.tick) > Some(lost.tick), "channel time ran on");
}

/// TD-2, TD-3, CS-5: stopping returns within its bound, from any state, again and again.
#[test]
fn a_channel_stops_within_its_bound() {
    let mut worst = Duration::ZERO;
    for step in 0..12 {
        let (engine, reader) = (started(), Reader::listen());
        let stream = (step % 4 > 0).then(|| attach(&engine, &reader));
        if step % 4 > 1 {
            load(&engine, "pattern:bars");
        }
        if step % 4 > 2 {
            switch(&engine);
        }
        let began = Instant::now();
        assert!(engine.stop_channel(CHANNEL).success && engine.stop_channel(CHANNEL).success);
        worst = worst.max(began.elapsed());
        drop(stream);
    }
    // The contract's end-to-end bound: four times the engine's own, for a loaded machine.
    assert!(worst < Duration::from_secs(1), "{worst:?}");
}

/// TD-3: whoever asks to stop is answered when the channel has stopped, not before.
#[test]
fn two_callers_who_stop_both_wait_for_the_end() {
    let (engine, reader) = (started(), Reader::listen());
    let _stream = attach(&engine, &reader);
    load(&engine, "pattern:bars");
    switch(&engine);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                assert!(engine.stop_channel(CHANNEL).success);
                let mut names = std::fs::read_dir("/proc/self/task").expect("a list of threads");
                let left = names.find_map(|task| {
                    let name = std::fs::read_to_string(task.ok()?.path().join("comm")).ok()?;
                    name.starts_with("air-ch1").then_some(name)
                });
                assert_eq!(left, None);
            });
        }
    });
    assert!(engine.start_channel(CHANNEL, "", 0, FORMAT).success, "TD-7");
}

/// SL-11: whoever follows the events to their end is told what became of the segment that was on air at the stop.
#[test]
fn the_last_record_comes_before_the_end_of_events() {
    let engine = started();
    load(&engine, "pattern:bars");
    switch(&engine);
    thread::scope(|scope| {
        let follow = || std::iter::from_fn(|| engine.next_event(Duration::from_secs(10))).last();
        let last = scope.spawn(follow);
        // Until the follower has taken what there is, and waits: nothing tells that it does.
        thread::sleep(Duration::from_millis(100));
        engine.stop_channel(CHANNEL);
        let last = last.join().expect("the follower ends");
        assert!(matches!(last, Some(Event { kind: EventKind::AsRun(_), .. })), "{last:?}");
    });
}

/// CS-16, L-45: a stop ends the wait for a file that never opens, and nothing of it is left.
#[test]
fn a_stop_ends_the_opening_of_a_file_that_hangs() {
    let engine = started();
    let fifo = std::env::temp_dir().join(format!("air-engine-{}.fifo", std::process::id()));
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a FIFO");
    let path = fifo.to_str().expect("a path in UTF-8");
    thread::scope(|scope| {
        let loading = scope.spawn(|| engine.load_preview(CHANNEL, path, 0, 0));
        while engine.status().is_some() && !fifo_is_open() {
            thread::yield_now();
        }
        let began = Instant::now();
        assert!(engine.stop_channel(CHANNEL).success);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(!loading.join().unwrap().reply.success);
    });
    std::fs::remove_file(&fifo).expect("the FIFO");
}

/// Whether a reader of this process has been started.
fn fifo_is_open() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a list of threads");
    tasks.flatten().any(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        name.contains("-read")
    })
}

/// CS-8: preview after preview, never taken, leaves nothing behind.
#[test]
fn loading_again_and_again_leaves_nothing() {
    let engine = started();
    let threads = || std::fs::read_dir("/proc/self/task").expect("a list of threads").count();
    load(&engine, "pattern:bars");
    for _ in 0..200 {
        load(&engine, "pattern:bars");
    }
    // Those replaced end by themselves; each request looks after what has.
    let until = Instant::now() + Duration::from_secs(5);
    while threads() > 8 && Instant::now() < until {
        assert!(engine.status().is_some());
    }
    assert!(threads() <= 8, "{} threads", threads());
}

/// What is written is judged, whole and by the rules of the house; the result outlives the reader, and the next
/// reader's stream is judged by itself.
#[test]
fn the_judge_reads_all_that_the_reader_does() {
    let engine = Engine::new(EngineConfig { judge: true, ..EngineConfig::default() });
    assert!(engine.start_channel(CHANNEL, "", 0, FORMAT).success);
    let judge = || engine.status().expect("a channel runs").judge;
    assert_eq!(judge(), None);
    let reader = Reader::listen();
    load(&engine, "pattern:bars");
    let mut stream = attach(&engine, &reader);
    switch(&engine);
    let mut bytes = read_for(&mut stream, Duration::from_millis(700));
    assert!(engine.detach_stream(CHANNEL, false).success);
    stream.read_to_end(&mut bytes).expect("a stream that can be read");
    let packets = bytes.len() as u64 / 188;
    let judged = judge().expect("a sink was attached");
    assert_eq!(judged, JudgeSummary { sink: judged.sink, packets, findings: vec![] });
    let _stream = attach(&engine, &reader);
    assert!(judge().is_some_and(|next| next.sink > judged.sink && next.packets < packets));
}

/// CS-6: where an asset lies matters to a channel that could load it, and to no other.
#[test]
fn an_asset_outside_the_media_roots_fails_where_another_would_be_loaded() {
    let mut media_roots = MediaRoots::default();
    media_roots.add(&std::env::temp_dir()).expect("a folder");
    let engine = Engine::new(EngineConfig { media_roots, ..EngineConfig::default() });
    let load = |asset| engine.load_preview(CHANNEL, asset, 0, 0);
    assert_eq!(load("/etc/passwd").reply.result_code, ResultCode::ProtocolViolation);
    assert!(engine.start_channel(CHANNEL, "", 0, FORMAT).success);
    let refused = load("/etc/passwd");
    assert_eq!(refused.reply.result_code, ResultCode::Failed);
    assert_eq!(refused.reply.message, "\"/etc/passwd\" is outside the media roots");
    assert!(!refused.shadow_decode_started && load("pattern:bars").reply.success, "a pattern is no file");
}
