//! Filter graphs give what their description says, for the format they were built for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use air_av::{AudioGraph, Error, PixelFormat, Rational, Samples, VideoGraph};
use support::{drawn, folder, media, samples};

const MILLISECONDS: Rational = Rational::new(1, 1000);

#[test]
fn pictures_are_scaled_and_keep_their_time() {
    let input = drawn(320, 180, 0).format();
    let mut graph = VideoGraph::new(&input, MILLISECONDS, "scale=640:360,format=gray", 2).unwrap();
    let mut times = Vec::new();
    for n in 0..5 {
        graph.push(Some(&drawn(320, 180, n).with_pts(40 * n as i64))).unwrap();
        while let Some(picture) = graph.pull().unwrap() {
            assert_eq!((picture.width(), picture.height()), (640, 360));
            assert_eq!(picture.pixel_format(), PixelFormat::Gray8);
            times.push(picture.pts().unwrap());
        }
    }
    graph.push(None).unwrap();
    assert!(graph.pull().unwrap().is_none());
    assert_eq!((times, graph.time_base()), (vec![0, 40, 80, 120, 160], MILLISECONDS));
}

/// The estimate a decoder made must not outlive a filter that moves time.
#[test]
fn a_filter_that_moves_time_is_believed() {
    let folder = folder("graph-time");
    let path = media(&folder, "time.mp4", "-c:v libx264 -pix_fmt yuv420p -an");
    let pictures = support::pictures(&path, 1).0;
    let mut graph =
        VideoGraph::new(&pictures[0].format(), Rational::new(1, 25), "settb=1/100,setpts=N+7", 1).unwrap();
    for picture in &pictures[..3] {
        graph.push(Some(picture)).unwrap();
    }
    let times: Vec<_> =
        std::iter::from_fn(|| graph.pull().unwrap()).map(|picture| picture.pts().unwrap()).collect();
    assert_eq!((times, graph.time_base()), (vec![7, 8, 9], Rational::new(1, 100)));
}

#[test]
fn five_channels_become_two_packed_ones_with_no_sample_lost() {
    let folder = folder("graph-sound");
    let sound = samples(&media(&folder, "surround.mkv", "-vn -ac 6 -ar 44100 -c:a flac"));
    let filters = "aresample=48000,aformat=sample_fmts=s16:channel_layouts=stereo";
    let mut graph = AudioGraph::new(&sound[0].format(), MILLISECONDS, filters).unwrap();
    let mut out: Vec<Samples> = Vec::new();
    for samples in sound.iter().map(Some).chain([None]) {
        graph.push(samples).unwrap();
        out.extend(std::iter::from_fn(|| graph.pull().unwrap()));
    }
    let frames: usize = out.iter().map(Samples::frames).sum();
    assert!(frames.abs_diff(96_000) <= 1, "{frames}");
    assert!(out.iter().all(|samples| (samples.rate(), samples.channels()) == (48_000, 2)));
    let loudest = out.iter().flat_map(|samples| samples.interleaved_i16().unwrap()).max().unwrap();
    assert!(*loudest > 1000, "{loudest}");
}

#[test]
fn another_format_is_an_error_and_not_a_surprise() {
    let mut graph = VideoGraph::new(&drawn(320, 180, 0).format(), MILLISECONDS, "null", 1).unwrap();
    let refused = graph.push(Some(&drawn(160, 90, 0)));
    assert!(matches!(refused, Err(Error::FormatChanged { .. })));
    graph.push(Some(&drawn(320, 180, 1))).unwrap();
    assert!(graph.pull().unwrap().is_some());
}

#[test]
fn a_bad_description_is_an_error_that_shows_it() {
    let input = drawn(320, 180, 0).format();
    for filters in ["scale=640:360,nosuchfilter", "scale=wide", "split", "anull", "nul\0l", ""] {
        match VideoGraph::new(&input, MILLISECONDS, filters, 1) {
            Err(Error::InvalidOption { name, value, .. }) => {
                assert_eq!((&*name, &*value), ("filters", filters))
            }
            Err(error) => panic!("{filters:?}: {error}"),
            Ok(_) => panic!("{filters:?} is a graph"),
        }
    }
}
