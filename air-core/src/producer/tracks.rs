//! The two tracks of a file: pictures by media time, samples by count.

use std::collections::VecDeque;

use air_av::{AudioDecoder, Picture, StreamInfo, VideoDecoder};

use super::reader::{Read, Reader, Track};
use crate::conform::audio::AudioConform;
use crate::conform::cadence::{MediaNanos, SAME_INSTANT, SourceTimes};

/// A decoded picture and the span of media time it is shown for.
#[derive(Clone, Debug)]
pub struct TimedPicture {
    /// First instant at which it is due.
    pub start: MediaNanos,
    /// First instant at which it is over, unless nothing follows.
    pub end: MediaNanos,
    /// The picture as decoded.
    pub picture: Picture,
}

/// Pictures of the video stream.
#[derive(Debug)]
pub struct VideoTrack {
    decoder: VideoDecoder,
    times: SourceTimes,
    decoded: VecDeque<Picture>,
    current: Option<TimedPicture>,
    upcoming: VecDeque<TimedPicture>,
    /// Start of the first picture decoded.
    decoded_from: Option<MediaNanos>,
    /// End of the latest picture decoded.
    decoded_to: Option<MediaNanos>,
    ended: bool,
    errors: u64,
}

impl VideoTrack {
    /// Opens a decoder for `stream`, with up to `threads` threads.
    pub fn open(stream: &StreamInfo, threads: u32) -> Result<VideoTrack, air_av::Error> {
        Ok(VideoTrack {
            decoder: VideoDecoder::new(stream, threads)?,
            times: SourceTimes::new(stream),
            decoded: VecDeque::new(),
            current: None,
            upcoming: VecDeque::new(),
            decoded_from: None,
            decoded_to: None,
            ended: false,
            errors: 0,
        })
    }

    /// Finds the first picture that starts at or after `target`, throwing away those before it.
    /// Answers its start; `None` when the stream has none.
    pub fn cue(
        &mut self,
        reader: &mut Reader,
        target: MediaNanos,
    ) -> Result<Option<MediaNanos>, air_av::Error> {
        loop {
            while let Some(picture) = self.upcoming.pop_front() {
                if picture.start + SAME_INSTANT >= target {
                    let start = picture.start;
                    self.upcoming.push_front(picture);
                    return Ok(Some(start));
                }
            }
            if !self.decode_more(reader)? {
                return Ok(None);
            }
        }
    }

    /// Where decoding began.
    pub fn decoded_from(&self) -> Option<MediaNanos> {
        self.decoded_from
    }

    /// The picture due at `due`: the latest that starts at or before it. `None` once the last one is over.
    pub fn due(
        &mut self,
        reader: &mut Reader,
        due: MediaNanos,
    ) -> Result<Option<&TimedPicture>, air_av::Error> {
        loop {
            while let Some(next) = self.upcoming.pop_front_if(|next| next.start <= due + SAME_INSTANT) {
                self.current = Some(next);
            }
            if !self.upcoming.is_empty() || !self.decode_more(reader)? {
                break;
            }
        }
        let over = self.upcoming.is_empty();
        let current = self.current.as_ref().or(self.upcoming.front());
        Ok(current.filter(|picture| !over || due + SAME_INSTANT < picture.end))
    }

    /// Damaged packets and pictures so far.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Decodes until at least one more picture is there; `false` when there is none.
    fn decode_more(&mut self, reader: &mut Reader) -> Result<bool, air_av::Error> {
        let had = self.upcoming.len();
        while self.upcoming.len() == had && !self.ended {
            let packet = match reader.next(Track::Video)? {
                Read::Packet(packet) => Some(packet),
                Read::End | Read::TooFar => None,
            };
            self.ended = packet.is_none();
            match self.decoder.decode(packet.as_ref(), &mut self.decoded) {
                Ok(()) => {}
                Err(air_av::Error::Interrupted) => return Err(air_av::Error::Interrupted),
                Err(_) => self.errors += 1,
            }
            while let Some(picture) = self.decoded.pop_front() {
                self.keep(picture);
            }
        }
        Ok(self.upcoming.len() > had)
    }

    fn keep(&mut self, picture: Picture) {
        let stamped = picture.pts().map(|pts| self.times.at(pts));
        // A picture without a time, or with one that runs backwards, follows the one before it.
        let start = match (stamped, self.decoded_to) {
            (Some(start), Some(end)) if start <= self.latest_start() => end,
            (Some(start), _) => start,
            (None, end) => end.unwrap_or(0),
        };
        let end = match picture.pts().filter(|_| stamped == Some(start) && picture.duration() > 0) {
            Some(pts) => self.times.at(pts.saturating_add(picture.duration())),
            None => start + self.times.duration(0),
        };
        self.decoded_from.get_or_insert(start);
        self.decoded_to = Some(end);
        self.upcoming.push_back(TimedPicture { start, end, picture });
    }

    fn latest_start(&self) -> MediaNanos {
        self.upcoming.back().or(self.current.as_ref()).map_or(MediaNanos::MIN, |picture| picture.start)
    }
}

/// Samples of the audio stream.
#[derive(Debug)]
pub struct AudioTrack {
    decoder: AudioDecoder,
    conform: AudioConform,
    decoded: VecDeque<air_av::Samples>,
    ended: bool,
    errors: u64,
}

impl AudioTrack {
    /// Opens a decoder for `stream`, whose samples go to `conform`.
    pub fn open(stream: &StreamInfo, conform: AudioConform) -> Result<AudioTrack, air_av::Error> {
        let decoder = AudioDecoder::new(stream, 1)?;
        Ok(AudioTrack { decoder, conform, decoded: VecDeque::new(), ended: false, errors: 0 })
    }

    /// Decodes until `count` samples per channel are there, or no more come within the look-ahead.
    pub fn fill(&mut self, reader: &mut Reader, count: u64) -> Result<(), air_av::Error> {
        while self.conform.available() < count && !self.ended {
            let packet = match reader.next(Track::Audio)? {
                Read::Packet(packet) => Some(packet),
                Read::TooFar => return Ok(()),
                Read::End => None,
            };
            self.ended = packet.is_none();
            match self.decoder.decode(packet.as_ref(), &mut self.decoded) {
                Ok(()) => {}
                Err(air_av::Error::Interrupted) => return Err(air_av::Error::Interrupted),
                Err(_) => self.errors += 1,
            }
            while let Some(samples) = self.decoded.pop_front() {
                self.errors += u64::from(self.conform.push(Some(&samples)).is_err());
            }
            if self.ended {
                self.errors += u64::from(self.conform.push(None).is_err());
            }
        }
        Ok(())
    }

    /// Samples per channel decoded and not yet taken.
    pub fn available(&self) -> u64 {
        self.conform.available()
    }

    /// Takes `count` samples per channel, silence where there are none.
    pub fn take(&mut self, count: u64, out: &mut Vec<i16>) {
        self.conform.take(count, out);
    }

    /// Damaged packets so far.
    pub fn errors(&self) -> u64 {
        self.errors
    }
}
