//! What opens, what does not, and that nothing can hang it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use air_av::{Demuxer, Error, Interrupt, MediaKind, Rational};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::{folder, media, open};

fn refusal(path: &Path) -> Error {
    match Demuxer::open(path, &Interrupt::new()) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error,
    }
}

fn file(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn fifo(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    path
}

/// CS-10: each reason has its own error.
#[test]
fn what_is_no_media_file_is_refused_with_its_reason() {
    let folder = folder("open-errors");
    let whole = std::fs::read(media(&folder, "whole.mp4", "-c:v mpeg4 -c:a aac")).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let text = "Once upon a time there was a file of plain words.\n".repeat(200);
    let srt = "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:01,000 --> 00:00:02,000\nthere\n";

    assert!(matches!(refusal(&folder.join("missing.mp4")), Error::Open { .. }));
    assert!(matches!(refusal(&folder), Error::NotAFile { kind: "directory", .. }));
    assert!(matches!(refusal(&folder.join("socket")), Error::NotAFile { kind: "socket", .. }));
    assert!(matches!(refusal(Path::new("/dev/zero")), Error::NotAFile { kind: "device", .. }));
    assert!(matches!(refusal(&file(&folder, "empty.mp4", b"")), Error::Empty { .. }));
    assert!(matches!(refusal(&file(&folder, "text.txt", text.as_bytes())), Error::Av { .. }));
    assert!(matches!(refusal(&file(&folder, "text.mp4", text.as_bytes())), Error::Av { .. }));
    assert!(matches!(refusal(&file(&folder, "words.srt", srt.as_bytes())), Error::NoStreams { .. }));
    let headless = refusal(&file(&folder, "truncated.mp4", &whole[..whole.len() / 2]));
    assert_eq!(headless.to_string(), "avformat_open_input: Invalid data found when processing input");
}

/// Names are paths, not libav's protocols.
#[test]
fn urls_and_protocols_are_names_nobody_has() {
    let folder = folder("open-names");
    let real = media(&folder, "real.ts", "-c:v mpeg2video -an");
    let prefixed = |prefix: &str| PathBuf::from(format!("{prefix}{}", real.display()));
    for name in
        ["http://127.0.0.1:1/x.ts".into(), prefixed("concat:"), prefixed("file:"), prefixed("subfile,,:")]
    {
        assert!(matches!(refusal(&name), Error::NotLocal { .. }), "{}", name.display());
    }
    let colon = folder.join("12:30 news.ts");
    std::fs::rename(&real, &colon).unwrap();
    assert!(open(&colon).video().is_some(), "a local name may hold a colon");
}

/// Playlists and scripts are refused by what they hold, whatever they are called.
#[test]
fn playlists_and_scripts_are_refused_by_name() {
    let folder = folder("open-playlists");
    media(&folder, "part.ts", "-c:v mpeg2video -an");
    let m3u8 = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\npart.ts\n#EXT-X-ENDLIST\n";
    let sdp = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 33\r\n";
    let dash = b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
        profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\"></MPD>";
    let vobsub = b"# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\n";
    let beats = b"-SE\nbase: 200+10/50\n0:00 base ->\n0:10 base\n";
    let script = b"ffconcat version 1.0\nfile part.ts\n";
    for (name, content, expected) in [
        ("list.m3u8", &m3u8[..], "hls"),
        ("disguised.mp4", &m3u8[..], "hls"),
        ("script.ffconcat", &script[..], "concat"),
        ("session.sdp", &sdp[..], "sdp"),
        ("manifest.mpd", &dash[..], "dash"),
        ("titles.idx", &vobsub[..], "vobsub"),
        ("beats.sbg", &beats[..], "sbg"),
    ] {
        match refusal(&file(&folder, name, content)) {
            Error::Refused { format, .. } => assert!(format.contains(expected), "{name}: {format}"),
            error => panic!("{name}: {error}"),
        }
    }
}

/// FP-12, L-45. Real time: what is promised is how long a stop takes.
#[test]
fn a_fifo_nobody_writes_ends_at_the_trip() {
    let path = fifo(&folder("open-fifo"), "hang.ts");
    let interrupt = Interrupt::new();
    let opening = {
        let (path, interrupt) = (path.clone(), interrupt.clone());
        std::thread::spawn(move || Demuxer::open(&path, &interrupt).map(drop))
    };
    // Long enough to be inside the wait; the promise holds before that too.
    std::thread::sleep(Duration::from_millis(50));
    assert!(!opening.is_finished());
    let tripped = Instant::now();
    interrupt.trip();
    assert!(matches!(opening.join().unwrap(), Err(Error::Interrupted)));
    assert!(tripped.elapsed() < Duration::from_millis(250), "{:?}", tripped.elapsed());
    assert!(matches!(Demuxer::open(&path, &interrupt), Err(Error::Interrupted)));
}

/// L-10: a slow open does not delay another.
#[test]
fn a_hanging_file_does_not_hold_up_another_open() {
    let folder = folder("open-beside");
    let (hang, good) = (fifo(&folder, "hang.ts"), media(&folder, "good.ts", "-c:v mpeg2video -an"));
    let interrupt = Interrupt::new();
    let hanging = {
        let interrupt = interrupt.clone();
        std::thread::spawn(move || Demuxer::open(&hang, &interrupt).map(drop))
    };
    // As above.
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    assert!(open(&good).video().is_some());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(!hanging.is_finished());
    interrupt.trip();
    assert!(hanging.join().unwrap().is_err());
}

#[test]
fn a_fifo_somebody_writes_is_read_to_its_end() {
    let folder = folder("open-pipe");
    let bytes = std::fs::read(media(&folder, "source.ts", "-c:v mpeg2video -c:a mp2")).unwrap();
    let path = fifo(&folder, "pipe.ts");
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || std::fs::write(path, bytes).unwrap())
    };
    let mut demuxer = open(&path);
    let video = demuxer.video().unwrap().index();
    let mut count = 0;
    while let Some(packet) = demuxer.read().unwrap() {
        count += usize::from(packet.stream_index() == video);
    }
    writer.join().unwrap();
    assert_eq!(count, 50);
    assert!(demuxer.seek_before(video, 0).is_err(), "a pipe does not go back");
}

#[test]
fn streams_are_described() {
    let folder = folder("open-describe");
    let arguments = "-c:v libx264 -pix_fmt yuv420p -vf setsar=16/11 -c:a aac -ac 2 -ar 44100";
    let demuxer = open(&media(&folder, "film.mp4", arguments));
    let (video, audio) = (demuxer.video().unwrap(), demuxer.audio().unwrap());
    assert!(demuxer.container().contains("mp4"));
    assert!((1_900_000..2_100_000).contains(&demuxer.duration_us().unwrap()));
    assert_eq!((video.kind(), video.codec_name()), (MediaKind::Video, "h264"));
    assert_eq!((video.width(), video.height(), video.rotation_degrees()), (320, 180, 0));
    assert_eq!(video.sample_aspect_ratio(), Rational::new(16, 11));
    assert_eq!(video.container_aspect_ratio(), Some(Rational::new(16, 11)));
    assert_eq!(video.frame_rate(), Some(Rational::new(25, 1)));
    assert_eq!((audio.codec_name(), audio.sample_rate(), audio.channels()), ("aac", 44_100, 2));
}

#[test]
fn a_picture_held_upright_or_before_a_mirror_says_how_to_turn_it() {
    let folder = folder("open-turned");
    let path = media(&folder, "turned.mp4", "-c:v libx264 -pix_fmt yuv420p -an");
    let mut bytes = std::fs::read(&path).unwrap();
    // ISO/IEC 14496-12, 8.3.2: the matrix begins 40 bytes into a version 0 box, after its type.
    let matrix = bytes.windows(4).position(|name| name == b"tkhd").unwrap() + 4 + 40;
    let row = |a: i32, b: i32| [a.to_be_bytes(), b.to_be_bytes(), [0; 4]].concat();
    assert_eq!(bytes[matrix..matrix + 12], row(1 << 16, 0));
    for (rows, expected) in [
        ([row(1 << 16, 0), row(0, 1 << 16)], (0, false)),
        ([row(0, 1 << 16), row(-1 << 16, 0)], (90, false)),
        ([row(1 << 16, 0), row(0, -1 << 16)], (0, true)),
        ([row(-1 << 16, 0), row(0, 1 << 16)], (180, true)),
    ] {
        bytes[matrix..matrix + 24].copy_from_slice(&rows.concat());
        std::fs::write(&path, &bytes).unwrap();
        let demuxer = open(&path);
        let video = demuxer.video().unwrap();
        assert_eq!((video.rotation_degrees(), video.is_mirrored()), expected);
    }
}

#[test]
fn an_image_is_a_still_and_a_film_is_none() {
    let folder = folder("open-still");
    for name in ["still.png", "still.jpg", "still.webp"] {
        let demuxer = open(&media(&folder, name, "-an -frames:v 1 -update 1"));
        assert!(demuxer.is_still() && demuxer.video().is_some(), "{name}");
    }
    assert!(!open(&media(&folder, "film.mp4", "-c:v mpeg4 -an")).is_still());
}

#[test]
fn the_cover_of_an_album_is_no_video() {
    let folder = folder("open-cover");
    let arguments = "-map 1:a -map 0:v -vf trim=end_frame=1 -c:v png -disposition:v:0 attached_pic -c:a aac";
    let demuxer = open(&media(&folder, "album.m4a", arguments));
    assert!(demuxer.video().is_none() && demuxer.audio().is_some());
    let (stream, packet) = demuxer.attached_picture().unwrap();
    assert!(stream.codec_name() == "png" && packet.data().starts_with(b"\x89PNG"));
}
