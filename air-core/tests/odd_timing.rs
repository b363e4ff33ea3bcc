//! Files whose timestamps are edited, uneven, missing or wrong show every picture in its time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::path::{Path, PathBuf};

use support::{Seen, folder, media, numbers, open, play};

const RATE: u32 = 25;
const FRAMES: usize = 100;

/// Four seconds of B-pictures and sound, and what play shows of them.
fn original(folder: &Path) -> (PathBuf, Vec<Seen>) {
    let coded =
        "PICTURE SOUND -t 4 -c:v libx264 -preset veryfast -bf 3 -g 30 -pix_fmt yuv420p -c:a aac -aac_pns 0";
    let path = media(folder.join("original.mp4"), RATE, coded);
    let seen = play(&path, RATE, 0, usize::MAX).unwrap();
    assert_eq!(numbers(&seen, &seen), (0..FRAMES).map(Some).collect::<Vec<_>>(), "no two are alike");
    (path, seen)
}

/// The original with its video timestamps changed as the bitstream filter `setts` is told.
fn restamped(folder: &Path, name: &str, original: &Path, stamps: &str) -> PathBuf {
    let arguments = format!("-i {} -map 0 -c copy -bsf:v setts={stamps}", original.display());
    media(folder.join(name), RATE, &arguments)
}

/// L-09, L-33, FP-2: one stamp that is not true moves no picture, not even its own.
#[test]
fn a_lone_garbage_stamp_changes_nothing() {
    let folder = folder("timing-garbage");
    let (path, seen) = original(&folder);
    for (name, stamps) in [
        ("ahead.mkv", r"pts=PTS+eq(N\,50)*5/TB"),
        ("far-ahead.mkv", r"pts=PTS+eq(N\,50)*50/TB"),
        ("a-little-ahead.mkv", r"pts=PTS+eq(N\,50)*0.3/TB"),
        ("first.mkv", r"pts=PTS+eq(N\,0)*5/TB"),
        ("last.mkv", r"pts=PTS+eq(N\,99)*0.04/TB"),
    ] {
        let played = play(&restamped(&folder, name, &path, stamps), RATE, 0, usize::MAX).unwrap();
        let shown = numbers(&played, &seen);
        assert_eq!(shown[..FRAMES - 1], (0..FRAMES - 1).map(Some).collect::<Vec<_>>(), "{name}");
        assert_eq!(shown.last(), Some(&Some(FRAMES - 1)), "{name}");
    }
}

/// L-33: of two pictures with one stamp the first is shown, and no other is moved to make room.
#[test]
fn a_doubled_stamp_costs_no_more_than_its_own_picture() {
    let folder = folder("timing-doubled");
    let (path, seen) = original(&folder);
    for packet in [40, 41, 42, 43] {
        let stamps = format!(r"pts=max(PTS-eq(N\,{packet})*0.04/TB\,DTS)").replace(r"\\", r"\");
        let doubled = restamped(&folder, &format!("doubled-{packet}.mkv"), &path, &stamps);
        let shown = numbers(&play(&doubled, RATE, 0, usize::MAX).unwrap(), &seen);
        let moved: Vec<_> = (0..FRAMES).filter(|&frame| shown[frame] != Some(frame)).collect();
        assert!(moved.len() <= 1, "{packet}: {shown:?}");
        assert!(moved.iter().all(|&frame| shown[frame] == Some(frame - 1)), "{packet}: {shown:?}");
    }
}

/// What nearest-PTS play of pictures stamped `stamps_ms` shows at the house rate.
fn due(stamps_ms: &[u64]) -> Vec<Option<usize>> {
    let frames = (stamps_ms.last().unwrap() - stamps_ms[0]) * u64::from(RATE) / 1000 + 1;
    let at = |frame: u64| stamps_ms[0] + frame * 1000 / u64::from(RATE);
    (0..frames).map(|frame| stamps_ms.iter().rposition(|stamp| *stamp <= at(frame))).collect()
}

/// L-09, PAINS 30: the picture of each frame is the latest that is due, whatever rate the file declares; the last
/// one is shown.
#[test]
fn uneven_pictures_are_shown_by_their_stamps() {
    let folder = folder("timing-uneven");
    let coded = "-fps_mode vfr -c:v libx264 -preset veryfast -bf 3 -g 30 -pix_fmt yuv420p -c:a aac -t 4";
    for (name, rate, keep) in [
        ("mis.mp4", 60, r"not(mod(n\,2))*(1-eq(mod(n\,38)\,4))"),
        ("screen.mkv", 50, r"eq(n\,0)+between(mod(n\,70)\,3\,9)+eq(mod(n\,13)\,1)"),
        ("half.ts", 50, r"gt(n\,100)+not(mod(n\,2))"),
    ] {
        let path = media(
            folder.join(name),
            rate,
            &format!("PICTURE SOUND -vf select='{keep}' {coded}").replace('\'', ""),
        );
        let stamps = stamps_ms(&path);
        let seen = play(&path, RATE, 0, usize::MAX).unwrap();
        // Every picture on its own, to be told apart.
        let all = play(&path, rate, 0, usize::MAX).unwrap();
        let mut pictures: Vec<u64> = all.iter().map(|frame| frame.picture).collect();
        pictures.dedup();
        assert_eq!(
            pictures.len(),
            stamps.len(),
            "{name}: each picture is due at some frame of {rate} a second"
        );
        let shown: Vec<_> =
            seen.iter().map(|frame| pictures.iter().position(|one| *one == frame.picture)).collect();
        let expected = due(&stamps);
        assert_eq!(shown[..expected.len()], expected, "{name}");
        assert!(shown[expected.len()..].iter().all(|picture| *picture == Some(stamps.len() - 1)), "{name}");
    }
}

/// Timestamps of all pictures in presentation order, by ffprobe.
fn stamps_ms(path: &Path) -> Vec<u64> {
    let output = std::process::Command::new("ffprobe")
        .args(
            "-v error -select_streams v:0 -show_entries frame=best_effort_timestamp_time -of csv=p=0"
                .split(' '),
        )
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let seconds = text.lines().filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok());
    seconds.map(|seconds| (seconds * 1000.0).round() as u64).collect()
}

/// SG-2, FP-2: a cut made by an edit list begins with the picture it names, and its sound with it.
#[test]
fn pictures_before_an_edit_are_not_shown() {
    let folder = folder("timing-edit");
    let (path, seen) = original(&folder);
    let cut = media(folder.join("cut.mp4"), RATE, &format!("-ss 1.52 -i {} -c copy", path.display()));
    let played = play(&cut, RATE, 0, usize::MAX).unwrap();
    assert_eq!(numbers(&played, &seen), (38..FRAMES).map(Some).collect::<Vec<_>>());
    let loudest_apart = |(one, other): (&Seen, &Seen)| {
        one.sound.iter().zip(&other.sound).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
    };
    let apart = played.iter().zip(&seen[38..]).skip(3).take(50).map(loudest_apart).max();
    assert!(apart.is_some_and(|apart| apart <= 400), "{apart:?}");
}

/// FP-2, L-34: captures begin anywhere; what cannot be decoded is not shown, all else is.
#[test]
fn a_capture_that_begins_between_key_pictures_begins_with_the_first_whole_one() {
    let folder = folder("timing-capture");
    for (name, code, first) in [
        ("closed.ts", "-c:v libx264 -bf 3 -g 30 -keyint_min 30 -sc_threshold 0 -pix_fmt yuv420p", 30),
        (
            "open.ts",
            "-c:v libx264 -bf 3 -x264-params open-gop=1:keyint=30:min-keyint=30:scenecut=0 -pix_fmt yuv420p",
            30,
        ),
        ("mpeg2.ts", "-c:v mpeg2video -bf 2 -g 30", 30),
        (
            "hevc.ts",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3:keyint=30:open-gop=1",
            30,
        ),
    ] {
        let path = media(folder.join(name), RATE, &format!("PICTURE SOUND -t 4 {code} -c:a mp2"));
        let seen = play(&path, RATE, 0, usize::MAX).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let cut = folder.join(format!("cut-{name}"));
        std::fs::write(&cut, &bytes[bytes.len() / 188 / 10 * 188..]).unwrap();
        for offset_ms in [0, 200] {
            let shown = numbers(&play(&cut, RATE, offset_ms, usize::MAX).unwrap(), &seen);
            let begins = shown[0].unwrap();
            assert!(
                (first - 5..=first + 30).contains(&begins),
                "{name} from {offset_ms} ms begins with {begins}"
            );
            assert_eq!(shown, (begins..FRAMES).map(Some).collect::<Vec<_>>(), "{name} from {offset_ms} ms");
        }
    }
}

/// AU-9, SG-2: behind a joint, where the clock of the file has jumped, an in-point is where play from the start
/// has it.
#[test]
fn an_in_point_behind_a_joint_is_found() {
    let folder = folder("timing-joint");
    let (path, seen) = original(&folder);
    for (name, first, second) in [("on.ts", 1000, 5000), ("back.ts", 5000, 1000)] {
        let part = |name: String, start_s: u32| {
            let arguments = format!("-i {} -c copy -output_ts_offset {start_s}", path.display());
            std::fs::read(media(folder.join(name), RATE, &arguments)).unwrap()
        };
        let parts = [part(format!("1-{name}"), first), part(format!("2-{name}"), second)].concat();
        let joined = folder.join(name);
        std::fs::write(&joined, parts).unwrap();
        let shown = numbers(&play(&joined, RATE, 6_000, 10).unwrap(), &seen);
        assert_eq!(shown, (50..60).map(Some).collect::<Vec<_>>(), "{name}");
    }
}

/// SL-11: the fields of a picture are aired one by one and have its number both.
#[test]
fn pictures_shown_field_by_field_are_numbered_as_pictures() {
    let folder = folder("timing-fields");
    let coded = "PICTURE -t 2 -vf setfield=tff -c:v mpeg2video -bf 2 -flags +ildct+ilme -top 1";
    let path = media(folder.join("fields.ts"), RATE, coded);
    for (offset_ms, first) in [(0, 0), (1_000, 50), (1_010, 51), (1_020, 51)] {
        let mut producer = open(&path, 2 * RATE, offset_ms).unwrap();
        let mut seen = Vec::new();
        while let Some(frame) = producer.next_frame().unwrap() {
            seen.push(frame.source.unwrap().number);
        }
        assert_eq!(seen, (first..100).map(|field| field / 2).collect::<Vec<_>>(), "from {offset_ms} ms");
    }
}

/// AU-7, FP-6: sound that goes on after the last picture goes on after a hole in it, too.
#[test]
fn a_hole_in_the_sound_after_the_last_picture_is_not_its_end() {
    let folder = folder("timing-hole");
    let coded = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac";
    let holed = format!(r"-t 2 PICTURE -t 6 SOUND -af aselect=not(between(t\,3\,3.5)) {coded}");
    let path = media(folder.join("hole.mkv"), RATE, &holed);
    let frames = play(&path, RATE, 0, usize::MAX).unwrap().len();
    assert!((150..=153).contains(&frames), "{frames} frames of 150");
}

/// L-09, AU-9: recordings of a screen stand for as long as nothing moves; what follows comes in its time, with its
/// sound.
#[test]
fn a_picture_that_stands_for_long_moves_none_after_it() {
    let folder = folder("timing-stands");
    let coded = "-fps_mode vfr -c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p -c:a aac";
    let keep = r"select=lt(n\,12)+between(n\,400\,410)+gt(n\,690)";
    let first = folder.join("stands.mp4");
    media(first.clone(), RATE, &format!("-t 28 PICTURE -t 28 SOUND -vf {keep} {coded}"));
    let copy = media(folder.join("stands.mkv"), RATE, &format!("-i {} -c copy", first.display()));
    for path in [first, copy] {
        let mut producer = open(&path, RATE, 0).unwrap();
        let mut begun_ms = vec![0];
        let mut index = 0;
        while let Some(frame) = producer.next_frame().unwrap() {
            let number = frame.source.unwrap().number as usize;
            if number == begun_ms.len() {
                begun_ms.push(index * 40);
            }
            index += 1;
        }
        let stamps = stamps_ms(&path);
        let expected: Vec<u64> = stamps.iter().map(|stamp| stamp - stamps[0]).collect();
        assert_eq!(begun_ms, expected, "{}", path.display());
    }
}

/// SG-10: an in-point with no picture at or after it is refused, whether the container tells its length or not.
#[test]
fn an_in_point_after_the_start_of_the_last_picture_is_refused() {
    let folder = folder("timing-end");
    let (path, seen) = original(&folder);
    let copy = |name: &str, how: &str| {
        media(folder.join(name), RATE, &format!("-i {} -c copy {how}", path.display()))
    };
    for path in [
        path.clone(),
        copy("a.mkv", ""),
        copy("a.ts", ""),
        copy("live.mkv", "-live 1"),
        copy("b.h264", "-an -f h264"),
    ] {
        let last = play(&path, RATE, 3960, usize::MAX).unwrap();
        assert_eq!(numbers(&last, &seen), [Some(FRAMES - 1)], "{}", path.display());
        for offset_ms in [3_999, 4_000, 4_001, 100_000, 10_000_000_000] {
            let refused = play(&path, RATE, offset_ms, 1).err().map(|error| error.to_string());
            assert!(refused.is_some_and(|why| why.contains("no picture or sound")), "{} ms", offset_ms);
        }
    }
}
