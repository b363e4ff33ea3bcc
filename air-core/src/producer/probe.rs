//! Probing: what a file holds and how long it plays, found without decoding more than opening it takes.
//!
//! Lengths come from the packets at the end of the file, since what containers tell of it is rounded, or that of
//! another stream, or nothing. Play may still end elsewhere where stamps jump in mid-file.

use std::path::Path;

use air_av::{Demuxer, Error, Interrupt, Packet, Rational, StreamInfo};

use super::entry::start_of;
use super::{ProducerError, pattern};
use crate::conform::cadence::{MediaNanos, NANOS, SourceTimes};

/// How long before the end the last packets are looked for: further than multiplexers lay streams apart.
const TAIL_US: i64 = 2_000_000;

/// Damaged reads in a row after which the file is taken to have ended.
const MAX_READ_ERRORS: u32 = 64;

/// What an asset is. What the file does not tell, or has not got, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaInfo {
    /// From the first picture to the end of the last one, or of the sound that goes on after it, in nanoseconds.
    /// `None`: it has no end of its own, or none that shows.
    pub duration_ns: Option<u64>,
    /// Size of the pictures as stored, in pixels.
    pub size: Option<(u32, u32)>,
    /// Pictures per second.
    pub frame_rate: Option<Rational>,
    /// libav's name of the picture's codec.
    pub video_codec: Option<&'static str>,
    /// libav's name of the sound's codec.
    pub audio_codec: Option<&'static str>,
    /// Sound channels.
    pub channels: Option<u32>,
    /// Sound samples per second.
    pub sample_rate: Option<u32>,
    /// Whether it is one image, which is shown until something else is.
    pub is_still: bool,
}

/// What `asset` is, refused for the reasons for which [`open`](super::open) refuses it. Blocks while the file does,
/// until `interrupt` is tripped.
pub fn probe(asset: &str, interrupt: &Interrupt) -> Result<MediaInfo, ProducerError> {
    if let Some(name) = asset.strip_prefix("pattern:") {
        return match pattern::NAMES.contains(&name) {
            true => Ok(MediaInfo::default()),
            false => Err(ProducerError::UnknownPattern(asset.to_owned())),
        };
    }
    probe_file(asset, interrupt).map_err(|source| ProducerError::Media { asset: asset.to_owned(), source })
}

fn probe_file(asset: &str, interrupt: &Interrupt) -> Result<MediaInfo, Error> {
    let mut demuxer = Demuxer::open(Path::new(asset), interrupt)?;
    let mut info = describe(&demuxer);
    if !info.is_still && demuxer.is_seekable() {
        info.duration_ns = match tail(&mut demuxer)? {
            Some(duration_ns) => Some(duration_ns),
            // What seeking spoilt is read from the start again.
            None => Ends::of(&demuxer).read(&mut Demuxer::open(Path::new(asset), interrupt)?)?,
        };
    }
    Ok(info)
}

fn describe(demuxer: &Demuxer) -> MediaInfo {
    let (video, audio, is_still) = (demuxer.video(), demuxer.audio(), demuxer.is_still());
    let rate = |video: &StreamInfo| video.frame_rate().or(video.declared_frame_rate());
    MediaInfo {
        duration_ns: None,
        size: video.map(|video| (video.width(), video.height())),
        frame_rate: video.filter(|_| !is_still).and_then(rate),
        video_codec: video.map(StreamInfo::codec_name),
        audio_codec: audio.map(StreamInfo::codec_name),
        channels: audio.map(StreamInfo::channels),
        sample_rate: audio.map(StreamInfo::sample_rate),
        is_still,
    }
}

/// The duration by the last packets; `None` when the file cannot be sought in, or its length is not known.
fn tail(demuxer: &mut Demuxer) -> Result<Option<u64>, Error> {
    let Some(duration_us) = demuxer.duration_us() else { return Ok(None) };
    let Some(lead) = demuxer.video().or(demuxer.audio()).cloned() else { return Ok(None) };
    let (ends, from_us) = (Ends::of(demuxer), duration_us - TAIL_US);
    if from_us > 0 {
        let from = start_of(&lead).saturating_add(from_us.saturating_mul(1000));
        match demuxer.seek_before(lead.index(), air_av::rescale_floor(from, NANOS, lead.time_base())) {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(_) => return Ok(None),
            Ok(()) => {}
        }
    }
    let told_ns = duration_us.unsigned_abs().saturating_mul(1000);
    // Half of what the container says and less was found by a seek that led nowhere.
    Ok(ends.read(demuxer)?.filter(|found_ns| *found_ns > told_ns / 2))
}

/// The ends of picture and sound.
struct Ends {
    video: Option<(usize, SourceTimes)>,
    audio: Option<(usize, Rational)>,
    start: MediaNanos,
    video_end: Option<MediaNanos>,
    audio_end: Option<MediaNanos>,
    /// Pictures without a time of their own, which follow each other.
    unstamped: i64,
}

impl Ends {
    fn of(demuxer: &Demuxer) -> Ends {
        let (video, audio) = (demuxer.video(), demuxer.audio());
        Ends {
            video: video.map(|stream| (stream.index(), SourceTimes::new(stream, 0))),
            audio: audio.map(|stream| (stream.index(), stream.time_base())),
            start: video.or(audio).map_or(0, start_of),
            video_end: None,
            audio_end: None,
            unstamped: 0,
        }
    }

    /// Reads to the end of the file, and answers how long it plays.
    fn read(mut self, demuxer: &mut Demuxer) -> Result<Option<u64>, Error> {
        let mut errors = 0;
        while errors < MAX_READ_ERRORS {
            match demuxer.read() {
                Ok(Some(packet)) => {
                    self.pass(&packet);
                    errors = 0;
                }
                Ok(None) => break,
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(_) => errors += 1,
            }
        }
        Ok(self.duration())
    }

    fn pass(&mut self, packet: &Packet) {
        let (index, stamp) = (packet.stream_index(), packet.pts().or(packet.dts()));
        if let Some((_, times)) = self.video.as_mut().filter(|(video, _)| *video == index) {
            let Some(stamp) = stamp else {
                self.unstamped += 1;
                return;
            };
            let end = match packet.duration() {
                duration if duration > 0 => times.at(stamp.saturating_add(duration)),
                _ => times.at(stamp).saturating_add(times.duration(0)),
            };
            self.video_end = self.video_end.max(Some(end));
        } else if let (Some((_, time_base)), Some(stamp)) = (self.audio, stamp) {
            let end = air_av::rescale_nearest(stamp.saturating_add(packet.duration()), time_base, NANOS);
            self.audio_end = self.audio_end.max(Some(end));
        }
    }

    fn duration(&self) -> Option<u64> {
        let period = self.video.as_ref().map_or(0, |(_, times)| times.duration(0));
        let unstamped = Some(self.start.saturating_add(period.saturating_mul(self.unstamped)));
        let video_end = self.video_end.or(unstamped.filter(|_| self.unstamped > 0));
        // Sound shorter than a picture after the last one is what its coder padded, and is not aired.
        let sound_after = self
            .audio_end
            .filter(|audio| video_end.is_none_or(|video| audio.saturating_sub(video) >= period));
        let duration = sound_after.or(video_end)?.saturating_sub(self.start);
        u64::try_from(duration).ok().filter(|&duration| duration > 0)
    }
}
