//! Every picture and sample of a file comes out, in order, whatever the codec and the number of threads.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::VecDeque;

use air_av::{Demuxer, Interrupt, Picture, VideoDecoder};
use support::{folder, media, open, pictures, probed_timestamps, samples};

const SAMPLES_OF_VIDEO: [(&str, &str); 6] = [
    ("b-frames.mp4", "-c:v libx264 -bf 3 -g 30 -pix_fmt yuv420p -c:a aac"),
    ("open-gop.ts", "-c:v libx264 -bf 3 -g 12 -x264-params open-gop=1:keyint=12 -pix_fmt yuv420p -c:a mp2"),
    ("mpeg2.ts", "-c:v mpeg2video -bf 2 -g 15 -c:a ac3"),
    (
        "vp9.webm",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 -c:a libopus",
    ),
    ("hevc.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3 -c:a libmp3lame"),
    ("mpeg4.avi", "-c:v mpeg4 -bf 2 -c:a mp3"),
];

/// L-34: frame count and order equal to what ffprobe decodes, with 1 to 16 threads.
#[test]
fn every_picture_comes_out_once_in_order_with_any_number_of_threads() {
    let folder = folder("decode-video");
    for (name, arguments) in SAMPLES_OF_VIDEO {
        let path = media(&folder, name, arguments);
        let expected = probed_timestamps(&path);
        assert!(expected.len() >= 49, "{name}: {} pictures in the sample", expected.len());
        for threads in [0, 1, 2, 3, 4, 7, 16] {
            let (pictures, errors) = pictures(&path, threads);
            let got: Vec<_> = pictures.iter().filter_map(Picture::pts).collect();
            assert_eq!((got, errors), (expected.clone(), 0), "{name} with {threads} threads");
        }
    }
}

/// FP-6
#[test]
fn all_sound_comes_out() {
    let folder = folder("decode-audio");
    for (name, arguments, channels) in [
        ("aac.mp4", "-vn -c:a aac", 1),
        ("ac3.ts", "-vn -ac 6 -c:a ac3", 6),
        ("flac.mkv", "-vn -ac 2 -c:a flac", 2),
        ("pcm.wav", "-vn -ac 2 -c:a pcm_s16le", 2),
    ] {
        let samples = samples(&media(&folder, name, arguments));
        let frames: usize = samples.iter().map(|samples| samples.frames()).sum();
        assert!((96_000..=96_000 + 2048).contains(&frames), "{name}: {frames}");
        assert!(samples.iter().all(|s| s.channels() == channels && s.rate() == 48_000), "{name}");
        if name == "pcm.wav" {
            assert_eq!(samples[0].format().layout, "stereo", "channels without places get the usual ones");
            assert_eq!(samples[0].interleaved_i16().unwrap().len(), 2 * samples[0].frames());
        } else {
            assert_eq!(
                samples[0].interleaved_i16().is_ok(),
                samples[0].format().sample_format.name() == "s16"
            );
        }
    }
}

/// FP-9: one byte in a hundred flipped.
#[test]
fn damage_costs_pictures_not_the_decoding() {
    let folder = folder("decode-damage");
    let mut bytes = std::fs::read(media(&folder, "whole.ts", "-c:v mpeg2video -g 5 -c:a mp2")).unwrap();
    flip(&mut bytes[20 * 188..], 1, 100);
    let damaged = folder.join("damaged.ts");
    std::fs::write(&damaged, bytes).unwrap();
    let (pictures, _) = pictures(&damaged, 2);
    assert!(pictures.len() > 20, "{} pictures of 50", pictures.len());
}

/// Hostile files are input: whatever happens to the bytes, headers included, ends in pictures or in errors.
#[test]
fn no_damage_brings_the_process_down() {
    let folder = folder("decode-hostile");
    let path = folder.join("hostile");
    let (mut opened, mut refused) = (0, 0);
    for (name, arguments) in SAMPLES_OF_VIDEO {
        let whole = std::fs::read(media(&folder, name, &format!("-t 0.4 {arguments}"))).unwrap();
        for seed in 0..12 {
            let mut bytes = whole.clone();
            flip(&mut bytes, seed, [20, 100, 1000, 5000][seed as usize % 4]);
            bytes.truncate(whole.len() * (seed as usize + 1) / 12);
            std::fs::write(&path, bytes).unwrap();
            match Demuxer::open(&path, &Interrupt::new()) {
                Ok(demuxer) if demuxer.video().is_some() => {
                    opened += 1;
                    support::drained(demuxer, 2);
                }
                Ok(_) => opened += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(opened > 10 && refused > 10, "{opened} opened, {refused} refused: both paths are to be walked");
}

/// A few kilobytes may not cost the memory of a vast picture, neither in describing the stream nor in decoding it.
#[test]
fn pictures_are_decoded_up_to_8k_and_no_larger() {
    let folder = folder("decode-vast");
    for (name, size, expected) in [("8k.png", (8192, 4352), 1), ("vast.png", (8256, 4352), 0)] {
        let (width, height) = size;
        let arguments =
            format!("-an -frames:v 1 -s {width}x{height} -pix_fmt monob -sws_flags neighbor -c:v png");
        let demuxer = open(&media(&folder, name, &arguments));
        let video = demuxer.video().unwrap();
        let described = if expected > 0 { size } else { (0, 0) };
        assert_eq!((video.width(), video.height()), described, "{name}");
        assert_eq!(support::drained(demuxer, 1).0.len(), expected, "{name}");
    }
}

/// Flips one bit in every `step` bytes, the same ones for the same seed.
fn flip(bytes: &mut [u8], seed: u32, step: usize) {
    let mut state = seed;
    for chunk in bytes.chunks_mut(step) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let place = (state >> 8) as usize % chunk.len();
        chunk[place] ^= 1 << (state >> 29);
    }
}

/// A drained decoder serves again after a flush, from a key picture on, which is what a seek needs.
#[test]
fn seeking_back_and_flushing_gives_the_same_pictures_again() {
    let folder = folder("decode-seek");
    let path = media(&folder, "seek.mp4", "-c:v libx264 -bf 2 -g 10 -pix_fmt yuv420p -an");
    let expected = probed_timestamps(&path);
    let mut demuxer = open(&path);
    let stream = demuxer.video().unwrap().clone();
    let mut decoder = VideoDecoder::new(&stream, 3).unwrap();
    for target in [expected[25], expected[0], expected[49]] {
        demuxer.seek_before(stream.index(), target).unwrap();
        decoder.flush();
        let mut out = VecDeque::new();
        while let Some(packet) = demuxer.read().unwrap() {
            decoder.decode(Some(&packet), &mut out).unwrap();
        }
        decoder.decode(None, &mut out).unwrap();
        let got: Vec<_> = out.iter().filter_map(Picture::pts).collect();
        assert!(got[0] <= target, "from {} for {target}", got[0]);
        let from = expected.iter().position(|&pts| pts == got[0]).unwrap();
        assert_eq!(got, expected[from..]);
    }
    assert!(demuxer.seek_before(99, 0).is_err());
}

#[test]
fn a_clone_shares_the_samples_and_may_end_on_another_thread() {
    let folder = folder("decode-clone");
    let path = media(&folder, "clone.mp4", "-c:v libx264 -pix_fmt yuv420p -an");
    let picture = pictures(&path, 1).0.remove(0);
    let clone = picture.clone().with_pts(7);
    assert_eq!(picture.plane(0).data.as_ptr(), clone.plane(0).data.as_ptr());
    assert_eq!((clone.pts(), picture.pts()), (Some(7), Some(0)));
    let sum = |picture: &Picture| picture.plane(0).data.iter().map(|&sample| u64::from(sample)).sum::<u64>();
    let before = sum(&picture);
    std::thread::spawn(move || drop(picture)).join().unwrap();
    assert_eq!(sum(&clone), before);
    assert_eq!((clone.plane(3).rows, clone.plane(0).rows, clone.plane(1).rows), (0, 180, 90));
}
