//! Media for the tests of the core, made by the `ffmpeg` command line, and a producer's frames as plain values.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use air_av::Picture;
use air_core::producer::{Cue, Producer, ProducerError};
use air_core::{Interrupt, MediaRoots, ProgramFormat, producer};

/// Size of the generated pictures and of the house format, so that conforming leaves them as they are.
pub const SIZE: &str = "320x180";

/// An empty folder of that name below the build directory. Each test has its own.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may never have been made.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The file `out`, made by the ffmpeg tool from `arguments`, in which `PICTURE` and `SOUND` stand for a moving
/// picture at `rate` frames per second and a sound in which no two moments are alike.
pub fn media(out: PathBuf, rate: u32, arguments: &str) -> PathBuf {
    let picture = format!("-f lavfi -i testsrc2=size={SIZE}:rate={rate}");
    let sound = "-f lavfi -i anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:seed=1";
    let arguments = arguments.replace("PICTURE", &picture).replace("SOUND", sound);
    let run = Command::new("ffmpeg")
        .args("-nostdin -v error -y".split(' '))
        .args(arguments.split_whitespace())
        .arg(&out)
        .output()
        .expect("ffmpeg on PATH");
    assert!(run.status.success(), "{arguments}: {}", String::from_utf8_lossy(&run.stderr));
    out
}

/// The generated picture's size at `rate` whole frames per second, with 48 kHz stereo.
pub fn house(rate: u32) -> ProgramFormat {
    let (width, height) = SIZE.split_once('x').expect("WxH");
    let json = format!(
        r#"{{"video": {{"width": {width}, "height": {height}, "frame_rate": "{rate}/1"}},
            "audio": {{"sample_rate": 48000, "channels": 2}}}}"#
    );
    ProgramFormat::from_json(&json).expect("a format")
}

/// The producer of `asset` from `start_offset_ms` on.
pub fn open(asset: &Path, rate: u32, start_offset_ms: u64) -> Result<Box<dyn Producer>, ProducerError> {
    let (format, media_roots) = (house(rate), MediaRoots::default());
    let cue = Cue { format, start_offset_ms, media_roots, interrupt: Interrupt::new() };
    producer::open(asset.to_str().expect("a path in UTF-8"), &cue)
}

/// A house frame, as far as two can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Stands for the samples of the picture.
    pub picture: u64,
    /// Interleaved samples.
    pub sound: Vec<i16>,
}

/// House frames of `asset` from `start_offset_ms` on: the first `count`, or all.
pub fn play(asset: &Path, rate: u32, start_offset_ms: u64, count: usize) -> Result<Vec<Seen>, ProducerError> {
    let mut producer = open(asset, rate, start_offset_ms)?;
    let mut seen = Vec::new();
    while seen.len() < count
        && let Some(frame) = producer.next_frame()?
    {
        seen.push(Seen { picture: fingerprint(&frame.picture), sound: frame.audio });
    }
    Ok(seen)
}

fn fingerprint(picture: &Picture) -> u64 {
    let mut hasher = DefaultHasher::new();
    for index in 0..3 {
        let plane = picture.plane(index);
        let width = picture.width() as usize / if index == 0 { 1 } else { 2 };
        plane.data.chunks(plane.stride).for_each(|row| hasher.write(&row[..width]));
    }
    hasher.finish()
}

/// For each frame of `seen`, which picture of `of` it shows.
pub fn numbers(seen: &[Seen], of: &[Seen]) -> Vec<Option<usize>> {
    seen.iter().map(|frame| of.iter().position(|original| original.picture == frame.picture)).collect()
}
