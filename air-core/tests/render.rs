//! Rendering on the virtual clock, judged as a stream.

use std::fs;
use std::path::{Path, PathBuf};

use air_core::{AsRun, ProgramFormat, RenderError, RenderOptions, RenderSegment, render};
use air_ts::judge::{Judge, JudgeConfig, Report};

fn format(width: u32, height: u32, rate: &str) -> ProgramFormat {
    let json = format!(
        r#"{{"video": {{"width": {width}, "height": {height}, "frame_rate": "{rate}"}},
            "audio": {{"sample_rate": 48000, "channels": 2}}}}"#
    );
    ProgramFormat::from_json(&json).expect("a format")
}

fn segment(asset: &str, duration_ms: Option<u64>) -> RenderSegment {
    RenderSegment { asset: asset.into(), start_offset_ms: 0, duration_ms }
}

/// A file of this test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("air-render-{}-{name}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A file that was never made is as good.
        let _ = fs::remove_file(&self.0);
    }
}

fn rendered(name: &str, plan: &[RenderSegment], options: &RenderOptions) -> Vec<u8> {
    let out = Scratch::new(name);
    render(plan, &out.0, options, &mut |_| true).expect("a plan that can be rendered");
    fs::read(&out.0).expect("what was rendered")
}

fn judged(bytes: &[u8]) -> Report {
    let mut judge = Judge::new(JudgeConfig::house());
    judge.feed(bytes);
    judge.finish()
}

fn null_options(rate: &str) -> RenderOptions {
    let mut options = RenderOptions::new(format(320, 180, rate));
    options.sink.video_encoder = "null".into();
    options.sink.audio_encoder = "null".into();
    options
}

/// TL-8: the same plan gives the same bytes, through the real encoders.
#[test]
fn the_same_plan_gives_the_same_bytes() {
    let options = RenderOptions::new(format(320, 180, "30000/1001"));
    let plan = [segment("pattern:bars", Some(1_500)), segment("pattern:black", Some(700))];
    let [first, second] = ["once", "twice"].map(|name| rendered(name, &plan, &options));
    assert!(!first.is_empty() && first == second);
    let report = judged(&first);
    assert!(report.is_clean(), "{report:?}");
}

/// MX-4, MX-7, 33-bit wrap: a stream that wraps half way is clean, and so is every rate.
#[test]
fn streams_are_clean_at_every_rate_and_over_the_wrap() {
    for rate in ["24000/1001", "24/1", "25/1", "30000/1001", "30/1", "50/1", "60000/1001", "60/1"] {
        let mut options = null_options(rate);
        options.pts_base = (1 << 33) - 10 * 90_000;
        let plan = [segment("pattern:bars", Some(12_000)), segment("pattern:black", Some(8_000))];
        let report = judged(&rendered(&rate.replace('/', "-"), &plan, &options));
        assert!(report.is_clean(), "{rate}: {report:?}");
    }
}

/// Constant rate: every packet in its slot, and every PCR the time of its own byte.
#[test]
fn a_constant_rate_is_exact() {
    const MUX_RATE: u64 = 3_008_000;
    const SLOT: u64 = 188 * 8 * 27_000_000 / MUX_RATE;
    let mut options = RenderOptions::new(format(640, 360, "30000/1001"));
    options.sink.mux_rate = Some(MUX_RATE);
    let bytes = rendered("constant", &[segment("pattern:bars", Some(4_000))], &options);
    let pcrs: Vec<(u64, u64)> = (0..).zip(bytes.chunks_exact(188)).filter_map(pcr).collect();
    assert!(pcrs.len() > 100);
    for &(slot, pcr) in &pcrs {
        assert_eq!(pcr - pcrs[0].1, (slot - pcrs[0].0) * SLOT, "slot {slot}");
    }
    let report = judged(&bytes);
    assert!(report.is_clean(), "{report:?}");
}

/// The slot and the `program_clock_reference` of a packet that has one.
fn pcr((slot, packet): (u64, &[u8])) -> Option<(u64, u64)> {
    let has_adaptation_field = packet[3] & 0x20 != 0 && packet[4] > 0;
    if !has_adaptation_field || packet[5] & 0x10 == 0 {
        return None;
    }
    let field = packet[6..12].iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    Some((slot, (field >> 15) * 300 + (field & 0x1FF)))
}

/// A file made by one engine plays in another, to its last frame.
#[test]
fn a_file_plays_to_its_own_end() {
    let clip = Scratch::new("clip.ts");
    let options = RenderOptions::new(format(320, 180, "25/1"));
    render(&[segment("pattern:bars", Some(2_000))], &clip.0, &options, &mut |_| true).expect("a clip");
    let out = Scratch::new("clip-again.ts");
    let path = clip.0.to_str().expect("a path in UTF-8");
    let plan = [segment(path, None), segment(path, Some(3_000))];
    let stats = render(&plan, &out.0, &options, &mut |_| true).expect("a clip that plays");
    assert_eq!(fs::metadata(&out.0).map(|file| file.len()).ok(), Some(stats.counters.bytes_written));
    assert_eq!(stats.ticks, 50 + 75);
    assert_eq!(
        (stats.counters.content_frames, stats.counters.black_frames),
        (100, 25),
        "then black to its time"
    );
    assert_eq!((stats.counters.decode_errors, stats.counters.failsafe_entries), (0, 1));
}

/// SL-11: what became of each segment, to the tick and to the picture of its asset.
#[test]
fn every_segment_has_its_record() {
    let clip = Scratch::new("clip-recorded.ts");
    let options = RenderOptions::new(format(320, 180, "25/1"));
    render(&[segment("pattern:bars", Some(2_000))], &clip.0, &options, &mut |_| true).expect("a clip");
    let path = clip.0.to_str().expect("a path in UTF-8");
    let options = RenderOptions { format: format(320, 180, "50/1"), ..options };
    let late = RenderSegment { start_offset_ms: 1_000, ..segment(path, Some(1_200)) };
    let plan = [late, segment("pattern:bars", Some(500)), segment(path, None)];
    let out = Scratch::new("recorded.ts");
    let stats = render(&plan, &out.0, &options, &mut |_| true).expect("a plan that can be rendered");
    let [late, bars, whole] = stats.as_run.as_slice() else { panic!("{:?}", stats.as_run) };
    let pictures =
        |record: &AsRun| [record.first_source, record.last_source].map(|at| at.map(|at| at.number));
    let ticks = |record: &AsRun| (record.planned_first_tick, record.first_tick, record.last_tick);

    assert_eq!((late.asset.as_str(), late.start_offset_ms, late.first_time_ms), (path, 1_000, 0));
    assert_eq!((ticks(late), late.planned_last_tick), ((0, 0, Some(59)), Some(59)));
    assert_eq!(pictures(late), [Some(25), Some(49)]);
    assert_eq!((late.content, late.repeated, late.dropped, late.held, late.black), (50, 25, 0, 0, 10));
    assert_eq!((ticks(bars), bars.content, bars.first_time_ms), ((60, 60, Some(84)), 25, 1_200));
    assert_eq!((ticks(whole), whole.planned_last_tick, whole.content), ((85, 85, Some(184)), None, 100));
    assert_eq!((pictures(whole), whole.failure.as_deref()), ([Some(0), Some(49)], None));
}

/// BF-1, L-23: with the failsafe, black airs in the place of what cannot be played, and the record says why.
#[test]
fn the_failsafe_airs_black_in_the_place_of_what_cannot_be_played() {
    let text = Scratch::new("text.mp4");
    fs::write(&text.0, "no film").expect("a file");
    let path = text.0.to_str().expect("a path in UTF-8");
    let options = RenderOptions { failsafe: true, ..null_options("25/1") };
    let bars = || segment("pattern:bars", Some(400));
    let plan = [bars(), segment("/no/such.mp4", Some(200)), segment(path, None), bars()];
    let out = Scratch::new("failsafe.ts");
    let stats = render(&plan, &out.0, &options, &mut |_| true).expect("a plan with a failsafe");
    assert_eq!((stats.ticks, stats.counters.content_frames, stats.counters.black_frames), (25, 20, 5));
    let failures = stats.as_run.iter().map(|record| record.failure.as_deref().unwrap_or_default());
    let [_, missing, no_media, _] = failures.collect::<Vec<_>>()[..] else { panic!("{:?}", stats.as_run) };
    assert!(missing.contains("/no/such.mp4") && no_media.contains(path), "{missing}; {no_media}");
    assert_eq!((stats.as_run[1].black, stats.as_run[2].last_tick), (5, None));
}

/// What is told on the way is what there will be.
#[test]
fn progress_knows_the_end() {
    let (mut seen, out) = (Vec::new(), Scratch::new("progress.ts"));
    let plan = [segment("pattern:bars", Some(2_000)), segment("pattern:black", Some(1_000))];
    let stats = render(&plan, &out.0, &null_options("25/1"), &mut |progress| {
        seen.push((progress.ticks, progress.total_ticks));
        true
    });
    assert_eq!(stats.map(|stats| stats.ticks).ok(), Some(75));
    assert_eq!(seen, [(25, Some(75)), (50, Some(75)), (75, Some(75))]);
}

/// A plan that cannot be rendered writes nothing.
#[test]
fn a_plan_that_cannot_be_rendered_writes_nothing() {
    let out = Scratch::new("nothing.ts");
    let refuse = |plan: &[RenderSegment], options: &RenderOptions| {
        let error = render(plan, &out.0, options, &mut |_| true).expect_err("refused");
        assert!(!Path::new(&out.0).exists(), "{error}");
        error
    };
    let options = null_options("25/1");
    let missing = [segment("pattern:bars", Some(100)), segment("/no/such/file.ts", None)];
    assert!(matches!(refuse(&missing, &options), RenderError::Asset(_)));
    assert!(matches!(refuse(&[segment("pattern:bars", None)], &options), RenderError::Endless(_)));
    assert!(matches!(refuse(&[], &options), RenderError::Empty));
    assert!(matches!(refuse(&[segment("pattern:bars", Some(0))], &options), RenderError::Empty));
    let failsafe = RenderOptions { failsafe: true, ..options.clone() };
    assert!(matches!(refuse(&missing[1..], &failsafe), RenderError::Empty));
    let early = RenderOptions { pts_base: 100, ..options };
    assert!(matches!(refuse(&[segment("pattern:bars", Some(100))], &early), RenderError::PtsBase { .. }));
}

/// PF-7: what a sink cannot carry is refused, loudly, before anything airs.
#[test]
fn a_sink_refuses_what_it_cannot_do() {
    let refuse = |change: fn(&mut RenderOptions)| {
        let mut options = RenderOptions::new(format(320, 180, "25/1"));
        change(&mut options);
        let out = Scratch::new("refused.ts");
        let error = render(&[segment("pattern:bars", Some(100))], &out.0, &options, &mut |_| true);
        error.expect_err("refused").to_string()
    };
    assert!(
        refuse(|options| options.sink.video_encoder = "h266".into()).contains("no video encoder \"h266\"")
    );
    assert!(refuse(|options| options.sink.audio_encoder = "mp9".into()).contains("no audio encoder \"mp9\""));
    assert!(refuse(|options| options.sink.mux_rate = Some(300_000)).contains("no room"));
    assert!(refuse(|options| options.sink.mux_delay_ms = Some(5)).contains("mux delay"));
    let error = refuse(|options| options.sink.video_options = vec![("nonsense".into(), "1".into())]);
    assert!(error.contains("nonsense"), "{error}");
    assert!(refuse(|options| options.format.audio.channels = 7).contains("7 channels"));
}

/// A rendering that does not come to its end leaves what was there, also what it reads.
#[test]
fn a_rendering_is_there_when_it_is_whole() {
    let out = Scratch::new("whole.ts");
    fs::write(&out.0, "an older one").expect("a file");
    let path = out.0.to_str().expect("a path in UTF-8");
    let options = null_options("25/1");
    let plan = [segment("pattern:bars", Some(60_000))];
    let cancelled = render(&plan, &out.0, &options, &mut |_| false).expect_err("cancelled");
    assert!(matches!(cancelled, RenderError::Cancelled));
    let same = [segment("pattern:bars", Some(100)), segment(path, None)];
    let refused = render(&same, &out.0, &options, &mut |_| true).expect_err("refused");
    assert!(matches!(refused, RenderError::SameFile(_)), "{refused}");
    assert_eq!(fs::read(&out.0).ok().as_deref(), Some(&b"an older one"[..]));
    let part = Scratch(out.0.with_extension("ts.part"));
    assert!(!part.0.exists());
    fs::write(&part.0, "what an earlier rendering left").expect("a file");
    let salvaged = [segment(part.0.to_str().expect("a path in UTF-8"), None)];
    let refused = render(&salvaged, &out.0, &options, &mut |_| true).expect_err("refused");
    assert!(matches!(refused, RenderError::SameFile(_)), "{refused}");
    options.interrupt.trip();
    let file = [segment(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), None)];
    let cancelled = render(&file, &out.0, &options, &mut |_| true).expect_err("cancelled");
    assert!(matches!(cancelled, RenderError::Cancelled), "{cancelled}");
}
