//! In-points: play from anywhere in a file is what play from its start comes to.

mod support;

use std::path::Path;

use support::{Seen, folder, media, play};

/// Frames compared from each in-point.
const COMPARED: usize = 12;

/// How far two decodings of the same sound may lie apart: not at all, or by what the codec leaves open
/// (noise in place of coefficients, dither, a memory that fades), as a part of the loudest sample.
#[derive(Clone, Copy)]
enum Sound {
    Exact,
    Close,
}

/// Name, frame rate, arguments of the ffmpeg tool, and what the codec of the sound allows.
const FILES: &[(&str, u32, &str, Sound)] = &[
    ("long-gop.mp4", 25, "PICTURE SOUND -t 22 LONG -c:a flac -strict -2", Sound::Exact),
    ("long-gop-24.mp4", 24, "PICTURE SOUND -t 22 LONG -c:a aac -aac_pns 0", Sound::Exact),
    ("long-gop.mov", 25, "PICTURE SOUND -t 22 LONG -c:a pcm_s16le", Sound::Exact),
    ("long-gop.mkv", 25, "PICTURE SOUND -t 22 LONG -c:a libopus", Sound::Close),
    ("long-gop.ts", 25, "PICTURE SOUND -t 22 LONG -c:a mp2", Sound::Exact),
    (
        "fragmented.mp4",
        25,
        "PICTURE SOUND -t 22 LONG -c:a aac -aac_pns 0 -movflags frag_keyframe+empty_moov",
        Sound::Exact,
    ),
    (
        "no-cues.mkv",
        25,
        "PICTURE SOUND -t 22 LONG -c:a libmp3lame -b:a 64k -flags +bitexact -f matroska -live 1",
        Sound::Exact,
    ),
    (
        "ten-hours.ts",
        25,
        "PICTURE SOUND -t 22 LONG -c:a aac -aac_pns 0 -output_ts_offset 36000",
        Sound::Exact,
    ),
    ("wraps.ts", 25, "PICTURE SOUND -t 22 LONG -c:a aac -aac_pns 0 -output_ts_offset 95430", Sound::Exact),
    ("late-start.mkv", 25, "PICTURE SOUND -t 22 LONG -c:a flac -output_ts_offset 100", Sound::Exact),
    (
        "open-gop.ts",
        25,
        "PICTURE SOUND -t 14 -c:v libx264 -bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50:scenecut=0 -c:a ac3",
        Sound::Close,
    ),
    (
        "open-gop.mp4",
        25,
        "PICTURE SOUND -t 14 -c:v libx264 -bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50:scenecut=0 -c:a ac3",
        Sound::Close,
    ),
    (
        "refresh.ts",
        25,
        "PICTURE SOUND -t 14 -c:v libx264 -x264-params intra-refresh=1:keyint=50 -c:a mp2",
        Sound::Exact,
    ),
    (
        "hevc.mp4",
        25,
        "PICTURE SOUND -t 14 -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3:keyint=60:open-gop=1 -c:a aac -aac_pns 0",
        Sound::Exact,
    ),
    (
        "hevc.ts",
        24,
        "PICTURE SOUND -t 14 -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3:keyint=60:open-gop=1 -c:a mp2",
        Sound::Exact,
    ),
    (
        "hevc.mkv",
        50,
        "PICTURE SOUND -t 14 -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3:keyint=60:open-gop=1:temporal-layers=1 -c:a flac",
        Sound::Exact,
    ),
    ("mpeg2.ts", 25, "PICTURE SOUND -t 14 -c:v mpeg2video -bf 2 -g 48 -c:a mp2", Sound::Exact),
    ("mpeg2.mpg", 25, "PICTURE SOUND -t 14 -c:v mpeg2video -bf 2 -g 48 -c:a mp2 -f vob", Sound::Exact),
    ("mpeg4.avi", 25, "PICTURE SOUND -t 14 -c:v mpeg4 -bf 2 -g 48 -c:a libmp3lame", Sound::Exact),
    ("h264.avi", 25, "PICTURE SOUND -t 14 -c:v libx264 -bf 3 -g 48 -c:a pcm_s16le", Sound::Exact),
    (
        "vp9.webm",
        25,
        "PICTURE SOUND -t 14 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 500k -g 100 -auto-alt-ref 1 -lag-in-frames 10 -c:a libopus",
        Sound::Close,
    ),
    (
        "vp9.mp4",
        25,
        "PICTURE SOUND -t 14 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 500k -g 100 -auto-alt-ref 1 -lag-in-frames 10 -c:a libopus",
        Sound::Close,
    ),
    ("intra.mov", 25, "PICTURE SOUND -t 6 -c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le", Sound::Exact),
    ("raw.h264", 25, "PICTURE -t 6 -c:v libx264 -bf 3 -g 50", Sound::Exact),
];

const LONG: &str =
    "-c:v libx264 -preset veryfast -bf 3 -g 250 -keyint_min 250 -sc_threshold 0 -pix_fmt yuv420p";

/// SG-1, SG-2, SG-3, R-14, L-32
#[test]
fn play_from_an_in_point_is_play_from_the_start_from_there_on() {
    let folder = folder("in-points");
    let mut wrong = Vec::new();
    for &(name, rate, arguments, sound) in FILES {
        let path = media(folder.join(name), &rate.to_string(), &arguments.replace("LONG", LONG));
        wrong.extend(compare(&path, rate, sound));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compare(path: &Path, rate: u32, sound: Sound) -> Vec<String> {
    let (name, rate_text) = (path.file_name().unwrap_or_default().to_string_lossy(), rate.to_string());
    let whole = play(path, &rate_text, 0, usize::MAX).expect("a file that plays");
    let mut wrong = Vec::new();
    for offset in [
        1, 33, 41, 480, 1_000, 1_960, 2_001, 3_999, 4_000, 5_041, 7_777, 9_960, 10_040, 12_000, 13_333,
        19_999,
    ] {
        let first = (offset * u64::from(rate)).div_ceil(1000) as usize;
        let Some(expected) =
            whole.get(first..whole.len().min(first + COMPARED)).filter(|e| e.len() == COMPARED)
        else {
            continue;
        };
        match play(path, &rate_text, offset, COMPARED) {
            Ok(seen) => wrong.extend(differences(&seen, expected, sound).map(|what| {
                format!(
                    "{name} from {offset} ms: {what} {:?}",
                    whole
                        .iter()
                        .position(|f| Some(f.picture) == seen.first().map(|f| f.picture))
                        .map(|at| (at, first))
                )
            })),
            Err(error) => wrong.push(format!("{name} from {offset} ms: {error}")),
        }
    }
    wrong
}

fn differences(seen: &[Seen], expected: &[Seen], sound: Sound) -> Option<String> {
    let pictures = |frames: &[Seen]| frames.iter().map(|frame| frame.picture).collect::<Vec<_>>();
    if pictures(seen) != pictures(expected) {
        return Some("other pictures".into());
    }
    let samples = |frames: &[Seen]| frames.iter().flat_map(|frame| frame.sound.clone()).collect::<Vec<_>>();
    let (seen, expected) = (samples(seen), samples(expected));
    let apart = seen.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
    let loudest = expected.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    let bound = match sound {
        Sound::Exact => 0,
        Sound::Close => loudest / 50,
    };
    (apart > bound).then(|| {
        format!(
            "sound apart by {apart}, at {:?}, loudest {loudest}",
            seen.iter().zip(&expected).position(|(a, b)| a.abs_diff(*b) > bound)
        )
    })
}
