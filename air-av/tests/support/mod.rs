//! Media for the tests, made by the `ffmpeg` command line, which must be on PATH, as must `ffprobe`.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;

use air_av::{AudioDecoder, Demuxer, Interrupt, Picture, PictureMut, PixelFormat, Samples, VideoDecoder};

/// An empty folder of that name below the build directory. Each test has its own.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Two seconds of moving test picture, and sound, coded as `arguments` say.
pub fn media(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let inputs =
        "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=frequency=1000:sample_rate=48000";
    let path = folder.join(name);
    let output = Command::new("ffmpeg")
        .args("-nostdin -v error -y".split(' '))
        .args(inputs.split(' '))
        .args("-t 2".split(' '))
        .args(arguments.split_whitespace())
        .arg(&path)
        .output()
        .expect("ffmpeg on PATH");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    path
}

/// The timestamps of the pictures in presentation order, by ffprobe's own decoding.
pub fn probed_timestamps(path: &Path) -> Vec<i64> {
    let output = Command::new("ffprobe")
        .args("-v error -select_streams v:0 -show_entries frame=best_effort_timestamp -of csv=p=0".split(' '))
        .arg(path)
        .output()
        .expect("ffprobe on PATH");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

pub fn open(path: &Path) -> Demuxer {
    Demuxer::open(path, &Interrupt::new()).unwrap()
}

/// Every picture of the file, and the number of errors met on the way.
pub fn pictures(path: &Path, threads: u32) -> (Vec<Picture>, usize) {
    drained(open(path), threads)
}

/// Every picture that is left, and the number of errors met on the way, of which there may be a thousand.
pub fn drained(mut demuxer: Demuxer, threads: u32) -> (Vec<Picture>, usize) {
    let stream = demuxer.video().unwrap().clone();
    let Ok(mut decoder) = VideoDecoder::new(&stream, threads) else { return (Vec::new(), 1) };
    let (mut out, mut errors) = (VecDeque::new(), 0);
    while errors < 1000 {
        match demuxer.read() {
            Ok(Some(packet)) if packet.stream_index() == stream.index() => {
                errors += usize::from(decoder.decode(Some(&packet), &mut out).is_err());
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => errors += 1,
        }
    }
    errors += usize::from(decoder.decode(None, &mut out).is_err());
    (out.into(), errors)
}

/// All sound of the file.
pub fn samples(path: &Path) -> Vec<Samples> {
    let mut demuxer = open(path);
    let stream = demuxer.audio().unwrap().clone();
    let mut decoder = AudioDecoder::new(&stream, 1).unwrap();
    let mut out = VecDeque::new();
    while let Some(packet) = demuxer.read().unwrap() {
        if packet.stream_index() == stream.index() {
            decoder.decode(Some(&packet), &mut out).unwrap();
        }
    }
    decoder.decode(None, &mut out).unwrap();
    out.into()
}

/// A smooth picture that moves with `n`, so that coding it well is possible and mixing two up is seen.
pub fn drawn(width: u32, height: u32, n: usize) -> Picture {
    let mut picture = PictureMut::new(width, height, PixelFormat::Yuv420p).unwrap();
    for index in 0..3 {
        let plane = picture.plane_mut(index);
        for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
            for (x, sample) in row.iter_mut().enumerate() {
                *sample = 16 + u8::try_from((x / 2 + y / 2 + 5 * n + 40 * index) % 200).unwrap();
            }
        }
    }
    picture.freeze()
}
