//! Opening from several threads at once, which has killed engines at a change of segment.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use air_av::{
    AudioDecoder, AudioEncoder, AudioEncoderConfig, Rational, VideoDecoder, VideoEncoder, VideoEncoderConfig,
};
use support::{drawn, folder, media, open, pictures};

const OPENS_PER_THREAD: usize = 300;

/// L-10: two threads open, probe and close; a third decodes; a fourth opens encoders.
#[test]
fn files_and_codecs_can_be_opened_from_all_sides() {
    let folder = folder("concurrency");
    let files = [
        media(&folder, "aac.mp4", "-t 0.4 -c:v libx264 -pix_fmt yuv420p -c:a aac"),
        media(&folder, "ac3.ts", "-t 0.4 -c:v mpeg2video -c:a ac3"),
        media(&folder, "opus.webm", "-t 0.4 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
    ];
    let (files, done) = (&files, &AtomicBool::new(false));
    thread::scope(|scope| {
        let openers = [0, 1].map(|shift| scope.spawn(move || open_in_turn(files, shift)));
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(pictures(&files[0], 2).0.len(), 10);
            }
        });
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                open_encoders();
            }
        });
        let ends = openers.map(|opener| opener.join());
        done.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(Result::is_ok));
    });
}

fn open_in_turn(files: &[PathBuf], shift: usize) {
    for n in 0..OPENS_PER_THREAD {
        let demuxer = open(&files[(n + shift) % files.len()]);
        VideoDecoder::new(demuxer.video().unwrap(), 1).unwrap();
        AudioDecoder::new(demuxer.audio().unwrap(), 1).unwrap();
    }
}

fn open_encoders() {
    let mut video = VideoEncoder::open(&VideoEncoderConfig {
        encoder: "libx264".into(),
        width: 160,
        height: 96,
        frame_rate: Rational::new(25, 1),
        bitrate: 500_000,
        max_bitrate: 0,
        vbv_buffer_bits: 0,
        gop: 25,
        threads: 1,
        options: vec![("preset".into(), "ultrafast".into())],
    })
    .unwrap();
    let mut out = VecDeque::new();
    video.encode(&drawn(160, 96, 0), 0, false, &mut out).unwrap();
    video.finish(&mut out).unwrap();
    assert_eq!(out.len(), 1);
    let config = AudioEncoderConfig {
        encoder: "aac".into(),
        sample_rate: 48_000,
        channels: 2,
        bitrate: 128_000,
        options: Vec::new(),
    };
    AudioEncoder::open(&config).unwrap();
}
