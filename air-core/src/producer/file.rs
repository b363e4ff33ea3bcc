//! The file producer: any local media file, as house frames.
//!
//! Media time zero is the start of the video stream (of the sound, without one). The first house frame shows
//! the first picture at or after the start offset, and the sound begins at that picture's instant (SG-1, SG-3).
//! Sound without a video stream has its cover with it, or black.

use air_av::{Demuxer, Picture};

use super::audio::AudioTrack;
use super::entry::{Source, start_of};
use super::video::VideoTrack;
use super::{Cue, Length, Producer, ProducerError, pattern, still};
use crate::conform::audio::AudioConform;
use crate::conform::cadence::MediaNanos;
use crate::conform::geometry::Presentation;
use crate::conform::picture::PictureConform;
use crate::frame::{HouseFrame, SourcePicture};

/// Plays one file.
pub struct FileProducer {
    asset: String,
    cue: Cue,
    /// As the container has it.
    duration_us: Option<u64>,
    tracks: Option<Tracks>,
    next: u64,
}

/// The open file, from its first admissible picture on.
struct Tracks {
    source: Source,
    audio: Option<AudioTrack>,
    conform: PictureConform,
    /// Media time at which the file starts.
    file_start: MediaNanos,
    /// Media time of house frame 0.
    origin: MediaNanos,
    /// What was last made of which source picture.
    shown: Shown,
    conform_errors: u64,
}

/// The latest house picture and the start of the source picture it was made from.
struct Shown {
    picture: Picture,
    source: Option<MediaNanos>,
}

impl FileProducer {
    /// Plays what `demuxer` finds in `asset`; decodes nothing yet.
    pub fn new(demuxer: Demuxer, asset: &str, cue: &Cue) -> Result<FileProducer, ProducerError> {
        let media = |source| ProducerError::Media { asset: asset.to_owned(), source };
        let duration_us = demuxer.duration_us().map(i64::unsigned_abs);
        let (name, cue) = (asset.to_owned(), cue.clone());
        let mut producer = FileProducer { asset: name, cue, duration_us, tracks: None, next: 0 };
        let offset_us = producer.cue.start_offset_ms.saturating_mul(1000);
        if duration_us.is_some_and(|duration| offset_us >= duration) {
            return Err(producer.nothing_to_play());
        }
        producer.tracks = Some(Tracks::open(demuxer, asset, &producer.cue).map_err(media)?);
        Ok(producer)
    }

    fn nothing_to_play(&self) -> ProducerError {
        let start_offset_ms = self.cue.start_offset_ms;
        ProducerError::NothingToPlay { asset: self.asset.clone(), start_offset_ms }
    }

    fn media(&self, source: air_av::Error) -> ProducerError {
        ProducerError::Media { asset: self.asset.clone(), source }
    }
}

impl Producer for FileProducer {
    fn next_frame(&mut self) -> Result<Option<HouseFrame>, ProducerError> {
        let Some(mut tracks) = self.tracks.take() else { return Ok(None) };
        if self.next == 0 && !tracks.cue(&self.cue).map_err(|error| self.media(error))? {
            return Err(self.nothing_to_play());
        }
        let frame = tracks.frame(self.next, &self.cue).map_err(|error| self.media(error))?;
        self.next += 1;
        self.tracks = Some(tracks);
        Ok(frame)
    }

    fn length(&self) -> Length {
        let Some(duration_us) = self.duration_us else { return Length::Unknown };
        Length::AboutMillis((duration_us / 1000).saturating_sub(self.cue.start_offset_ms))
    }

    fn decode_errors(&self) -> u64 {
        self.tracks.as_ref().map_or(0, Tracks::errors)
    }
}

impl Tracks {
    fn open(demuxer: Demuxer, asset: &str, cue: &Cue) -> Result<Tracks, air_av::Error> {
        let presentation = demuxer.video().map(Presentation::of).unwrap_or_default();
        let house = cue.format.video;
        let black = pattern::black(house.width, house.height)?;
        Ok(Tracks {
            source: Source::new(demuxer, asset, cue)?,
            audio: None,
            conform: PictureConform::new(house, presentation),
            file_start: 0,
            origin: 0,
            shown: Shown { picture: black, source: None },
            conform_errors: 0,
        })
    }

    /// Goes to the start offset; `false` when there is nothing to play from there.
    fn cue(&mut self, cue: &Cue) -> Result<bool, air_av::Error> {
        let offset = i64::try_from(cue.start_offset_ms).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let demuxer = self.source.reader.demuxer();
        let Some(lead) = demuxer.video().or(demuxer.audio()) else { return Ok(false) };
        let audio = demuxer.audio().cloned();
        self.file_start = start_of(lead);
        // The first picture is the first, whatever the file says of its time.
        let from_first_picture = offset == 0 && demuxer.video().is_some();
        let target =
            if from_first_picture { MediaNanos::MIN } else { self.file_start.saturating_add(offset) };
        self.show_cover(cue);
        match self.source.enter(target)? {
            Some(start) => self.origin = start,
            None => return Ok(false),
        }
        self.audio = match &audio {
            Some(stream) => {
                let house = cue.format.audio;
                let conform = AudioConform::new(house, stream.time_base(), self.origin, self.file_start);
                Some(AudioTrack::open(stream, &self.source.asset, conform)?)
            }
            None => None,
        };
        Ok(true)
    }

    /// Makes the cover of an album the picture shown, if there is one and it is sound.
    fn show_cover(&mut self, cue: &Cue) {
        let demuxer = self.source.reader.demuxer();
        let Some((stream, packet)) = demuxer.attached_picture() else { return };
        if demuxer.video().is_none() {
            match still::house_picture(stream, &packet, cue.format.video) {
                Ok(cover) => self.shown.picture = cover,
                Err(_) => self.conform_errors += 1,
            }
        }
    }

    /// House frame `index`, or `None` when picture and sound are both over.
    fn frame(&mut self, index: u64, cue: &Cue) -> Result<Option<HouseFrame>, air_av::Error> {
        let (rate, hz) = (cue.format.video.frame_rate, u64::from(cue.format.audio.sample_rate));
        let due = self.origin.saturating_add_unsigned(rate.frames_to_units(index, 1_000_000_000));
        let samples = cue.format.samples_of_house_frame(index).count() as u64;
        let has_picture = self.show(due)?;
        if let Some(audio) = &mut self.audio {
            audio.fill(&mut self.source.reader, &mut self.source.joints, samples)?;
        }
        if !has_picture && !self.has_sound(samples, hz)? {
            return Ok(None);
        }
        let values = samples as usize * usize::from(cue.format.audio.channels);
        let mut audio = Vec::with_capacity(values);
        match &mut self.audio {
            Some(track) => track.take(samples, &mut audio),
            None => audio.resize(values, 0),
        }
        let source = self.source_picture();
        Ok(Some(HouseFrame { index, picture: self.shown.picture.clone(), source, audio }))
    }

    /// Whether there is sound to air for a frame of `samples` without a picture of its own.
    fn has_sound(&mut self, samples: u64, hz: u64) -> Result<bool, air_av::Error> {
        let Some(audio) = &mut self.audio else { return Ok(false) };
        if self.source.video.is_none() {
            return Ok(audio.available() > 0);
        }
        // Less than one frame of sound after the last picture is what its coder padded, and is not aired.
        if audio.sounding(samples) == samples {
            return Ok(true);
        }
        // Silence is only what stamps claim, unless more comes after it than one block with a wrong stamp.
        let wanted = hz / 10;
        audio.fill_sounding(&mut self.source.reader, &mut self.source.joints, wanted)?;
        Ok(audio.sounding(u64::MAX) >= wanted)
    }

    /// Which picture of the file is the one shown.
    fn source_picture(&self) -> Option<SourcePicture> {
        let (video, start) = (self.source.video.as_ref()?, self.shown.source?);
        let media_ms = start.saturating_sub(self.file_start).max(0).unsigned_abs() / 1_000_000;
        Some(SourcePicture { number: video.number()?, media_ms })
    }

    /// Makes the picture due at `due` the one shown; `false` when the last picture is over.
    fn show(&mut self, due: MediaNanos) -> Result<bool, air_av::Error> {
        let Source { reader, joints, video, .. } = &mut self.source;
        let Some(video) = video else { return Ok(false) };
        let Some(picture) = video.due(reader, joints, due)? else { return Ok(false) };
        if self.shown.source != Some(picture.start) {
            self.shown.source = Some(picture.start);
            match self.conform.conform(&picture.picture) {
                Ok(Some(picture)) => self.shown.picture = picture,
                Ok(None) | Err(_) => self.conform_errors += 1,
            }
        }
        Ok(true)
    }

    fn errors(&self) -> u64 {
        let video = self.source.video.as_ref().map_or(0, VideoTrack::errors);
        let audio = self.audio.as_ref().map_or(0, AudioTrack::errors);
        self.source.reader.errors() + video + audio + self.conform_errors
    }
}
