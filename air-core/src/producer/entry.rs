//! Entry: where in a file to begin, so that play from an in-point is what play from the start comes to.
//!
//! A container is asked for a place before the in-point, and not believed: from there packets are read up to the
//! in-point, at next to no cost, and decoding begins with the last key picture on the way. Where there is none, or
//! its pictures come too late, the next try begins earlier. The last resort is the start of the file, which is
//! always right and may take long.

use std::path::Path;

use air_av::{Demuxer, Error, StreamInfo};

use super::Cue;
use super::reader::Reader;
use super::video::VideoTrack;
use crate::conform::cadence::{MediaNanos, NANOS, SAME_INSTANT};
use crate::conform::joints::Joints;

const SECOND: MediaNanos = 1_000_000_000;

/// Sound that is decoded before the in-point, because a decoder that begins says nothing right at first: Opus
/// wants 80 ms (RFC 7845, 4.6), MP3 its bit reservoir, and SBR a header that comes twice a second.
const SOUND_PREROLL: MediaNanos = SECOND / 2;

/// How much further back each try begins.
const STEPS_BACK: [MediaNanos; 8] =
    [0, SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 32 * SECOND, 64 * SECOND];

/// Sound that begins too late this far back is taken to have a hole there: no multiplexer lays the streams of a
/// file further apart.
const STREAMS_APART: MediaNanos = 4 * SECOND;

/// A key picture further than this before an in-point that nothing follows was not the last one on the way to it.
const LONGEST_GAP: MediaNanos = 30 * SECOND;

/// Threads one decoder may use: more than this only adds delay to the first picture.
const MOST_DECODER_THREADS: u32 = 4;

/// An open file and where in it we are.
pub struct Source {
    /// Name of the file.
    pub asset: String,
    /// Its packets.
    pub reader: Reader,
    /// The jumps of its clock met so far.
    pub joints: Joints,
    /// Its pictures, if it has any.
    pub video: Option<VideoTrack>,
    cue: Cue,
}

/// What came of one try.
enum Try {
    /// In place: the first picture wanted begins here, or there is none.
    Entered(Option<MediaNanos>),
    /// The key picture to begin with has to be at or before this instant, which is earlier than thought.
    TooLate(MediaNanos),
    /// The file cannot be sought in.
    Refused,
}

impl Source {
    /// The tracks of `demuxer`, which reads `asset`, at their start, as `cue` wants them.
    pub fn new(demuxer: Demuxer, asset: &str, cue: &Cue) -> Result<Source, Error> {
        let video = open_video(&demuxer, asset, cue)?;
        let (reader, cue) = (Reader::new(demuxer, asset), cue.clone());
        Ok(Source { asset: asset.to_owned(), reader, joints: Joints::default(), video, cue })
    }

    /// From the start of the file, goes to the first picture at or after `target` and to the sound there. Answers
    /// when that picture begins, `None` when there is no such picture. Without a video stream that is `target`.
    pub fn enter(&mut self, target: MediaNanos) -> Result<Option<MediaNanos>, Error> {
        let demuxer = self.reader.demuxer();
        let Some(lead) = demuxer.video().or(demuxer.audio()).cloned() else { return Ok(None) };
        let preroll = self.video.as_ref().map_or(0, VideoTrack::preroll);
        let mut latest = target.saturating_sub(preroll);
        let mut has_moved = false;
        for back in STEPS_BACK {
            let from = latest.saturating_sub(SOUND_PREROLL).saturating_sub(back);
            if from <= start_of(&lead) || !self.reader.demuxer().is_seekable() {
                break;
            }
            has_moved = true;
            match self.try_from(&lead, from, latest, target)? {
                Try::Entered(found) => return Ok(found),
                Try::TooLate(known) => latest = known,
                Try::Refused => break,
            }
        }
        if has_moved {
            let demuxer = Demuxer::open(Path::new(&self.asset), &self.cue.interrupt)?;
            *self = Source::new(demuxer, &self.asset, &self.cue)?;
        }
        self.find(target)
    }

    /// Seeks to `from` and goes on to `target`, by way of a key picture at or before `latest`.
    fn try_from(
        &mut self,
        lead: &StreamInfo,
        from: MediaNanos,
        latest: MediaNanos,
        target: MediaNanos,
    ) -> Result<Try, Error> {
        let timestamp = air_av::rescale_floor(from, NANOS, lead.time_base());
        match self.reader.seek_before(lead.index(), timestamp) {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(_) => return Ok(Try::Refused),
            Ok(()) => {}
        }
        let sound_from = target.saturating_sub(SOUND_PREROLL);
        let run_up = self.reader.run_up(latest, sound_from)?;
        let is_sound_late = run_up.sound.is_some_and(|begins| begins > sound_from);
        let Some(key) = run_up.key else { return Ok(Try::TooLate(latest)) };
        if is_sound_late && latest.saturating_sub(from) < STREAMS_APART {
            return Ok(Try::TooLate(latest));
        }
        let found = self.find(target)?;
        if found.is_none() && target.saturating_sub(key) > LONGEST_GAP {
            // Stamps that do not lead to the in-point: a joint lies between, or the container lies.
            return Ok(Try::Refused);
        }
        let begun = self.video.as_ref().map_or(Some(key), VideoTrack::decoded_from);
        if begun.is_some_and(|begun| begun <= latest.saturating_add(SAME_INSTANT)) {
            return Ok(Try::Entered(found));
        }
        // A recovery point, say, whose pictures are whole only some time after it.
        self.joints = Joints::default();
        self.video = open_video(self.reader.demuxer(), &self.asset, &self.cue)?;
        Ok(Try::TooLate(key.saturating_sub(1)))
    }

    fn find(&mut self, target: MediaNanos) -> Result<Option<MediaNanos>, Error> {
        match &mut self.video {
            Some(video) => video.cue(&mut self.reader, &mut self.joints, target),
            None => Ok(Some(target)),
        }
    }
}

/// Media time of the first picture or sample of `stream`.
pub fn start_of(stream: &StreamInfo) -> MediaNanos {
    air_av::rescale_nearest(stream.start_time().unwrap_or(0), stream.time_base(), NANOS)
}

fn open_video(demuxer: &Demuxer, asset: &str, cue: &Cue) -> Result<Option<VideoTrack>, Error> {
    let Some(stream) = demuxer.video() else { return Ok(None) };
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    // A container that counts decoding times counts them in pictures.
    let late = if demuxer.stamps_decoding_only() { i64::from(stream.reorder_delay()) } else { 0 };
    let house = cue.format.video.frame_rate;
    let mut video = VideoTrack::open(stream, asset, cores.min(MOST_DECODER_THREADS), late, house)?;
    if !demuxer.clock_may_jump() {
        video.believe_pauses();
    }
    Ok(Some(video))
}
