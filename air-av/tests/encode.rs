//! What encoders are given comes back, and what they are asked for is what they do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::collections::VecDeque;
use std::path::Path;

use air_av::{
    AudioEncoder, AudioEncoderConfig, Error, Packet, Picture, PictureMut, PixelFormat, Rational,
    VideoEncoder, VideoEncoderConfig,
};
use support::{drawn, folder, pictures};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 176;

fn x264(options: &[(&str, &str)]) -> VideoEncoderConfig {
    VideoEncoderConfig {
        encoder: "libx264".into(),
        width: WIDTH,
        height: HEIGHT,
        frame_rate: Rational::new(30_000, 1001),
        bitrate: 2_000_000,
        max_bitrate: 2_000_000,
        vbv_buffer_bits: 600_000,
        gop: 30,
        threads: 1,
        options: options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    }
}

fn aac() -> AudioEncoderConfig {
    AudioEncoderConfig {
        encoder: "aac".into(),
        sample_rate: 48_000,
        channels: 2,
        bitrate: 192_000,
        options: Vec::new(),
    }
}

fn encoded(config: &VideoEncoderConfig, count: usize, forced: &[usize]) -> Vec<Packet> {
    let (mut encoder, mut out) = (VideoEncoder::open(config).unwrap(), VecDeque::new());
    for n in 0..count {
        encoder.encode(&drawn(WIDTH, HEIGHT, n), n as i64, forced.contains(&n), &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    out.into()
}

/// The nal_unit_type of every NAL unit of an access unit in Annex B form.
fn nal_unit_types(packet: &Packet) -> Vec<u8> {
    packet.data().windows(4).filter(|bytes| bytes[..3] == [0, 0, 1]).map(|bytes| bytes[3] & 0x1f).collect()
}

/// Peak signal-to-noise ratio in dB of the luma.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (a.plane(0), b.plane(0));
    let rows = a.data.chunks(a.stride).zip(b.data.chunks(b.stride));
    let pairs = rows.flat_map(|(a, b)| a[..WIDTH as usize].iter().zip(&b[..WIDTH as usize]));
    let squares: f64 = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * f64::from(WIDTH * HEIGHT) / squares.max(1e-9)).log10()
}

#[test]
fn pictures_come_back_as_they_were_drawn() {
    let folder = folder("encode-round-trip");
    let packets = encoded(&x264(&[("preset", "veryfast"), ("bf", "2")]), 60, &[]);
    let stream: Vec<u8> = packets.iter().flat_map(|packet| packet.data().to_vec()).collect();
    let path = folder.join("round-trip.h264");
    std::fs::write(&path, stream).unwrap();
    let (decoded, errors) = pictures(&path, 2);
    assert_eq!((decoded.len(), errors), (60, 0));
    for (n, picture) in decoded.iter().enumerate() {
        let quality = psnr(picture, &drawn(WIDTH, HEIGHT, n));
        assert!(quality > 34.0, "picture {n}: {quality:.1} dB");
    }
    let format = decoded[0].format();
    assert_eq!(
        (format.color, format.sample_aspect_ratio),
        (air_av::Color::BT709_LIMITED, Rational::new(1, 1))
    );
}

/// MX-8
#[test]
fn a_forced_idr_is_one_and_carries_its_parameter_sets() {
    let packets =
        encoded(&x264(&[("preset", "veryfast"), ("bf", "0"), ("tune", "zerolatency")]), 40, &[7, 23]);
    let (idr, sps, pps) = (5, 7, 8);
    for (n, packet) in packets.iter().enumerate() {
        let types = nal_unit_types(packet);
        let due = [0, 7, 23].contains(&n);
        assert_eq!(packet.pts(), Some(n as i64));
        assert_eq!(packet.is_key(), due, "picture {n}");
        for nal_unit_type in [idr, sps, pps] {
            assert_eq!(types.contains(&nal_unit_type), due, "picture {n}: {types:?}");
        }
    }
}

#[test]
fn the_same_pictures_give_the_same_bytes() {
    let bytes = |packets: Vec<Packet>| packets.iter().map(|p| p.data().to_vec()).collect::<Vec<_>>();
    let config = x264(&[("preset", "veryfast")]);
    assert_eq!(bytes(encoded(&config, 20, &[5])), bytes(encoded(&config, 20, &[5])));
}

/// A hold: the very same picture again, whatever type it was coded as in its source.
#[test]
fn a_decoded_picture_can_be_encoded_again_and_again_without_touching_it() {
    let folder = folder("encode-hold");
    let path = support::media(&folder, "source.mp4", "-c:v libx264 -s 320x176 -pix_fmt yuv420p -g 1 -an");
    let intra = pictures(&path, 1).0.remove(5);
    let before = intra.plane(0).data.to_vec();
    let (mut encoder, mut out) = (VideoEncoder::open(&x264(&[("bf", "0")])).unwrap(), VecDeque::new());
    for tick in 0..20 {
        encoder.encode(&intra, tick, false, &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    assert_eq!(out.iter().filter(|packet| packet.is_key()).count(), 1, "only the first is a key picture");
    assert_eq!((intra.plane(0).data, intra.is_key()), (&before[..], true));
}

#[test]
fn what_an_encoder_does_not_know_is_an_error_by_name() {
    let refusal = |config: &VideoEncoderConfig| VideoEncoder::open(config).err().unwrap().to_string();
    assert_eq!(refusal(&x264(&[("prezet", "fast")])), "encoder libx264 has no option prezet");
    assert!(refusal(&x264(&[("bf", "many")])).starts_with("bf=many is not valid"));
    assert!(matches!(VideoEncoder::open(&x264(&[("preset", "warp")])), Err(Error::Av { .. })));
    let unknown = VideoEncoderConfig { encoder: "x266".into(), ..x264(&[]) };
    assert_eq!(refusal(&unknown), "unknown encoder x266");
    let sound = VideoEncoderConfig { encoder: "aac".into(), ..x264(&[]) };
    assert_eq!(refusal(&sound), "unknown encoder aac");
    let still = VideoEncoderConfig { frame_rate: Rational::new(0, 1), ..x264(&[]) };
    assert!(matches!(VideoEncoder::open(&still), Err(Error::InvalidOption { .. })));
    let vast = VideoEncoderConfig { vbv_buffer_bits: u64::MAX, ..x264(&[]) };
    assert!(matches!(VideoEncoder::open(&vast), Err(Error::InvalidOption { .. })));
    let options = vec![("aac_codr".into(), "fast".into())];
    let audio = AudioEncoder::open(&AudioEncoderConfig { options, ..aac() });
    assert!(matches!(audio, Err(Error::UnknownOption { .. })));
}

/// Encoders read frames by their context, into which every option reaches: as soon as the two differ, they read
/// past the end.
#[test]
fn no_option_parts_the_encoder_from_the_frames_it_is_given() {
    for (name, value) in [
        ("ch_layout", "5.1"),
        ("ch_layout", "mono"),
        ("ar", "44100"),
        ("time_base", "1/44100"),
        ("flags", "-global_header"),
    ] {
        let config = AudioEncoderConfig { options: vec![(name.into(), value.into())], ..aac() };
        let refused = AudioEncoder::open(&config);
        assert!(matches!(refused, Err(Error::InvalidOption { .. })), "{name}={value}: {refused:?}");
    }
    for (name, value) in [
        ("video_size", "640x352"),
        ("pixel_format", "yuv444p"),
        ("time_base", "1/50"),
        ("aspect", "16/11"),
        ("color_range", "pc"),
        ("color_primaries", "bt2020"),
    ] {
        let refused = VideoEncoder::open(&x264(&[(name, value)]));
        assert!(matches!(refused, Err(Error::InvalidOption { .. })), "{name}={value}: {refused:?}");
    }
}

#[test]
fn no_option_takes_the_parameter_sets_out_of_the_stream() {
    for (name, value) in [
        ("flags", "+global_header"),
        ("intra-refresh", "1"),
        ("x264-params", "repeat-headers=0"),
        ("x264-params", "bframes=0:repeat_headers=0"),
        ("x264-params", "global-header"),
        ("x264opts", "annexb=0"),
        ("x264opts", "no-annexb"),
        ("x264-params", "colormatrix=bt2020nc"),
        ("x265-params", "annexb=0"),
    ] {
        let refused = VideoEncoder::open(&x264(&[(name, value)]));
        assert!(matches!(refused, Err(Error::InvalidOption { .. })), "{name}={value}: {refused:?}");
    }
    let beside = VideoEncoderConfig { encoder: "ffvhuff".into(), ..x264(&[]) };
    assert!(matches!(VideoEncoder::open(&beside), Err(Error::Unsupported { .. })));
}

#[test]
fn no_option_makes_the_encoder_write_a_file() {
    let folder = folder("encode-files");
    let file = folder.join("written").display().to_string();
    for (name, value) in [
        ("x264-params", format!("dump-yuv={file}")),
        ("x264-params", format!("dump_yuv={file}")),
        ("x264-params", format!("pass=1:stats={file}")),
        ("stats", file.clone()),
        ("passlogfile", file.clone()),
        ("flags", "+pass1".into()),
    ] {
        let refused = VideoEncoder::open(&x264(&[(name, &value)]));
        assert!(matches!(refused, Err(Error::InvalidOption { .. })), "{name}={value}: {refused:?}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    assert!(!Path::new("x264_2pass.log").exists(), "what the first pass writes if not told a name");
}

#[test]
fn x264_takes_what_it_knows_in_its_own_words_and_nothing_else() {
    let reordered = |params: &str| {
        let packets = encoded(&x264(&[("x264-params", params)]), 10, &[]);
        packets.iter().any(|packet| packet.pts() != packet.dts())
    };
    assert!(reordered("bframes=2:b-adapt=0") && !reordered("bframes=0"));
    for params in ["nosuch=1", "bframes=many", "bframes=2:nosuch"] {
        assert!(VideoEncoder::open(&x264(&[("x264-params", params)])).is_err(), "{params}");
    }
    let twice = VideoEncoder::open(&x264(&[("x264-params", "bframes=2"), ("x264opts", "ref=1")]));
    assert!(matches!(twice, Err(Error::InvalidOption { .. })));
}

#[test]
fn a_picture_of_another_size_never_reaches_the_encoder() {
    let mut encoder = VideoEncoder::open(&x264(&[])).unwrap();
    let mut out = VecDeque::new();
    for picture in [
        drawn(WIDTH, HEIGHT - 2, 0),
        PictureMut::new(WIDTH, HEIGHT, PixelFormat::Gray8).unwrap().freeze(),
        PictureMut::new(WIDTH, HEIGHT, PixelFormat::Yuv422p).unwrap().freeze(),
    ] {
        let refused = encoder.encode(&picture, 0, false, &mut out);
        assert!(matches!(refused, Err(Error::FormatChanged { .. })));
    }
    assert!(PictureMut::new(u32::MAX, 1, PixelFormat::Yuv420p).is_err());
    assert!(PictureMut::new(16, 16, PixelFormat::Other(9999)).is_err());
    assert!(PictureMut::new(0, 16, PixelFormat::Yuv420p).is_err());
}

/// Sound is timed by counting, and every sample goes in.
#[test]
fn sound_is_counted_from_zero_less_the_padding() {
    for encoder in ["aac", "mp2", "ac3", "flac"] {
        let config = AudioEncoderConfig { encoder: encoder.into(), ..aac() };
        let (mut encoder, mut out) = (AudioEncoder::open(&config).unwrap(), VecDeque::new());
        let frame_size = encoder.frame_size();
        let tone: Vec<i16> = (0..2 * frame_size).map(|n| (n % 200) as i16 * 100).collect();
        for _ in 0..20 {
            encoder.encode(&tone, &mut out).unwrap();
        }
        assert!(matches!(encoder.encode(&tone[2..], &mut out), Err(Error::FormatChanged { .. })));
        encoder.finish(&mut out).unwrap();
        let first = -i64::from(encoder.initial_padding());
        assert!(out.len() >= 20, "{}: {} frames", config.encoder, out.len());
        for (packet, n) in out.iter().zip(0i64..) {
            assert_eq!(packet.pts(), Some(first + n * frame_size as i64), "{}", config.encoder);
        }
    }
}

#[test]
fn aac_tells_its_audio_specific_config() {
    let encoder = AudioEncoder::open(&aac()).unwrap();
    // ISO/IEC 14496-3, 1.6.2.1: five bits of audioObjectType, four of samplingFrequencyIndex, four of
    // channelConfiguration.
    let (lc, at_48_khz, stereo) = (2, 3, 2);
    let config: u16 = lc << 11 | at_48_khz << 7 | stereo << 3;
    assert_eq!(encoder.extradata()[..2], config.to_be_bytes());
    assert_eq!((encoder.frame_size(), encoder.initial_padding()), (1024, 1024));
}
