//! In-points: play from anywhere in a file is what play from its start comes to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::path::Path;

use support::{Seen, folder, media, play};

/// Frames compared from each in-point.
const COMPARED: usize = 12;

/// On, beside, between and far from the key pictures of the files below; beyond some of their ends.
const OFFSETS_MS: [u64; 15] =
    [1, 33, 41, 480, 1000, 1960, 2001, 3999, 4000, 5041, 7777, 9960, 10_040, 12_000, 13_333];

/// How far two decodings of the same sound may lie apart.
#[derive(Clone, Copy)]
enum Sound {
    /// By the last bit, in which the order of a sum shows.
    Exact,
    /// By what the codec leaves to chance (noise in place of coefficients, dither), a twentieth of the energy, and
    /// by the millisecond that its container counts in.
    Close,
}
use Sound::{Close, Exact};

const LONG: &str =
    "-t 14 -c:v libx264 -preset veryfast -bf 3 -g 250 -keyint_min 250 -sc_threshold 0 -pix_fmt yuv420p";
const OPEN: &str = "-t 14 -c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p \
                    -x264-params open-gop=1:keyint=50:min-keyint=50:scenecut=0:b-pyramid=2";
const HEVC: &str = "-t 14 -c:v libx265 -preset ultrafast \
                    -x265-params log-level=none:bframes=3:keyint=60:open-gop=1:temporal-layers=1";
const MPEG2: &str = "-t 14 -c:v mpeg2video -bf 2 -g 48";
const VP9: &str =
    "-t 14 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 500k -g 100 -auto-alt-ref 1 -lag-in-frames 10";

/// A file of `folder`, called `name`, with `rate` pictures per second, coded as `arguments` say, is played from
/// many in-points and compared with itself, played from the start.
fn check(folder: &Path, name: &str, rate: u32, arguments: &str, sound: Sound) {
    let path = media(folder.join(name), rate, arguments);
    let whole = play(&path, rate, 0, usize::MAX).unwrap();
    assert!(whole.len() > 100, "{name} has {} frames", whole.len());
    for offset_ms in OFFSETS_MS {
        let first = (offset_ms * u64::from(rate)).div_ceil(1000) as usize;
        let Some(expected) = whole.get(first..first + COMPARED) else { break };
        let seen = play(&path, rate, offset_ms, COMPARED).unwrap();
        let pictures = |frames: &[Seen]| frames.iter().map(|frame| frame.picture).collect::<Vec<_>>();
        let found = whole.iter().position(|frame| frame.picture == seen[0].picture);
        assert_eq!(found, Some(first), "{name} from {offset_ms} ms begins with another picture");
        assert_eq!(pictures(&seen), pictures(expected), "{name} from {offset_ms} ms");
        assert!(sounds_alike(&seen, expected, sound), "{name} from {offset_ms} ms sounds otherwise");
    }
}

fn sounds_alike(seen: &[Seen], expected: &[Seen], sound: Sound) -> bool {
    let samples = |frames: &[Seen]| frames.iter().flat_map(|frame| frame.sound.clone()).collect::<Vec<_>>();
    let (seen, expected) = (samples(seen), samples(expected));
    match sound {
        Exact => seen.iter().zip(&expected).all(|(one, other)| one.abs_diff(*other) <= 1),
        Close => {
            (0..=96).any(|shift| is_close(&seen[shift..], &expected) || is_close(&seen, &expected[shift..]))
        }
    }
}

fn is_close(one: &[i16], other: &[i16]) -> bool {
    let energy = |value: i64| (value * value).unsigned_abs();
    let apart: u64 = one.iter().zip(other).map(|(a, b)| energy(i64::from(*a) - i64::from(*b))).sum();
    apart * 20 <= other.iter().map(|sample| energy(i64::from(*sample))).sum()
}

/// SG-1, SG-2, SG-3, R-14, L-32
#[test]
fn in_points_of_mp4_and_mov_are_exact() {
    let folder = folder("in-points-mp4");
    let check = |name, rate, arguments: String, sound| check(&folder, name, rate, &arguments, sound);
    check("flac.mp4", 25, format!("PICTURE SOUND {LONG} -c:a flac -strict -2"), Exact);
    check("film.mp4", 24, format!("PICTURE SOUND {LONG} -c:a aac -aac_pns 0"), Exact);
    check("pcm.mov", 25, format!("PICTURE SOUND {LONG} -c:a pcm_s16le"), Exact);
    let fragmented = "-movflags frag_keyframe+empty_moov";
    check("fragmented.mp4", 25, format!("PICTURE SOUND {LONG} -c:a aac -aac_pns 0 {fragmented}"), Exact);
    check("open.mp4", 25, format!("PICTURE SOUND {OPEN} -c:a ac3 -b:a 448k"), Close);
    check("hevc.mp4", 25, format!("PICTURE SOUND {HEVC} -c:a aac -aac_pns 0"), Exact);
    check("vp9.mp4", 25, format!("PICTURE SOUND {VP9} -c:a libopus"), Close);
    check("intra.mov", 25, "PICTURE SOUND -t 6 -c:v mjpeg -c:a pcm_s16le".into(), Exact);
    let cut = media(folder.join("source.mp4"), 25, &format!("PICTURE SOUND {LONG} -c:a aac -aac_pns 0"));
    check("edit-list.mp4", 25, format!("-ss 1.33 -i {} -c copy", cut.display()), Exact);
}

/// SG-1, SG-2, SG-3, R-14, L-32
#[test]
fn in_points_of_matroska_are_exact() {
    let folder = folder("in-points-mkv");
    let check = |name, rate, arguments: String, sound| check(&folder, name, rate, &arguments, sound);
    check("opus.mkv", 25, format!("PICTURE SOUND {LONG} -c:a libopus"), Close);
    check("late.mkv", 25, format!("PICTURE SOUND {LONG} -c:a flac -output_ts_offset 100"), Exact);
    check(
        "no-cues.mkv",
        25,
        format!("PICTURE SOUND {LONG} -c:a libmp3lame -b:a 64k -f matroska -live 1"),
        Exact,
    );
    check("hevc.mkv", 50, format!("PICTURE SOUND {HEVC} -c:a flac"), Exact);
    check("vp9.webm", 25, format!("PICTURE SOUND {VP9} -c:a libopus"), Close);
}

/// SG-1, SG-2, SG-3, R-14, L-32; one of them has its 33-bit clock start again between the first and the last.
#[test]
fn in_points_of_transport_streams_are_exact() {
    let folder = folder("in-points-ts");
    let check = |name, rate, arguments: String, sound| check(&folder, name, rate, &arguments, sound);
    check("mp2.ts", 25, format!("PICTURE SOUND {LONG} -c:a mp2"), Exact);
    check(
        "ten-hours.ts",
        24,
        format!("PICTURE SOUND {LONG} -c:a aac -aac_pns 0 -output_ts_offset 36000"),
        Exact,
    );
    check("wraps.ts", 25, format!("PICTURE SOUND {LONG} -c:a aac -aac_pns 0 -output_ts_offset 95434"), Exact);
    check("open.ts", 25, format!("PICTURE SOUND {OPEN} -c:a ac3 -b:a 448k"), Close);
    let refresh = "-c:v libx264 -x264-params intra-refresh=1:keyint=50 -pix_fmt yuv420p";
    check("refresh.ts", 25, format!("PICTURE SOUND -t 14 {refresh} -c:a mp2"), Exact);
    check("hevc.ts", 24, format!("PICTURE SOUND {HEVC} -c:a mp2"), Exact);
    check("mpeg2.ts", 25, format!("PICTURE SOUND {MPEG2} -c:a mp2"), Exact);
    let fields = "-vf setfield=tff -flags +ilme+ildct";
    check("fields.ts", 25, format!("PICTURE SOUND {fields} {MPEG2} -c:a mp2"), Exact);
}

/// SG-1, SG-2, SG-3, R-14, L-32
#[test]
fn in_points_of_older_containers_and_bare_streams_are_exact() {
    let folder = folder("in-points-older");
    let check = |name, rate, arguments: String, sound| check(&folder, name, rate, &arguments, sound);
    check("mpeg2.mpg", 25, format!("PICTURE SOUND {MPEG2} -c:a mp2 -f vob"), Exact);
    check("mpeg4.avi", 25, "PICTURE SOUND -t 14 -c:v mpeg4 -bf 2 -g 48 -c:a libmp3lame".into(), Exact);
    check("h264.avi", 25, format!("PICTURE SOUND {OPEN} -c:a pcm_s16le"), Exact);
    check("bare.h264", 25, format!("PICTURE {OPEN}"), Exact);
}

/// SG-1, SG-3, R-14: without pictures the in-point is exact to the sample.
#[test]
fn in_points_of_sound_files_are_exact() {
    let folder = folder("in-points-sound");
    for (name, code, sound) in [
        ("pcm.wav", "-c:a pcm_s16le", Exact),
        ("flac.flac", "-c:a flac", Exact),
        ("aac.m4a", "-c:a aac -aac_pns 0", Exact),
        ("aac.aac", "-c:a aac -aac_pns 0", Exact),
        ("constant.mp3", "-c:a libmp3lame -b:a 64k", Exact),
        ("variable.mp3", "-c:a libmp3lame -q:a 4", Exact),
        ("opus.ogg", "-c:a libopus", Close),
        ("vorbis.mka", "-c:a libvorbis", Close),
    ] {
        let path = media(folder.join(name), 25, &format!("SOUND -t 14 {code}"));
        let whole = play(&path, 25, 0, usize::MAX).unwrap();
        for offset_ms in [40, 480, 2_000, 7_760, 12_000] {
            let seen = play(&path, 25, offset_ms, COMPARED).unwrap();
            let first = offset_ms as usize / 40;
            let alike = sounds_alike(&seen, &whole[first..first + COMPARED], sound);
            assert!(alike, "{name} from {offset_ms} ms sounds otherwise");
        }
    }
}

/// SG-1, SG-2, R-14: a field is filled in from the pictures around it, those before the in-point among them.
#[test]
fn in_points_of_interlaced_files_are_exact() {
    let folder = folder("in-points-interlaced");
    let check = |name, rate, arguments: String| check(&folder, name, rate, &arguments, Exact);
    let fields = "-vf setfield=tff -flags +ildct+ilme";
    check("mpeg2.ts", 25, format!("PICTURE SOUND {MPEG2} {fields} -top 1 -c:a mp2"));
    check("mbaff.mkv", 25, format!("PICTURE SOUND {OPEN} {fields} -c:a flac"));
    check("mbaff.mp4", 25, format!("PICTURE SOUND {LONG} {fields} -c:a flac -strict -2"));
}
