//! Stills: an image file, shown until something else is, and the cover of an album.

use std::collections::VecDeque;

use air_av::{Demuxer, Error, Packet, Picture, StreamInfo, VideoDecoder};

use super::{Cue, Length, Producer, ProducerError};
use crate::conform::geometry::Presentation;
use crate::conform::picture::PictureConform;
use crate::format::VideoFormat;
use crate::frame::{HouseFrame, SourcePicture};

/// Shows one image, in silence and for ever, from wherever it is started.
pub struct StillProducer {
    asset: String,
    cue: Cue,
    demuxer: Demuxer,
    picture: Option<Picture>,
    next: u64,
}

impl StillProducer {
    /// Shows what `demuxer` finds in `asset`; decodes nothing yet.
    pub fn new(demuxer: Demuxer, asset: &str, cue: &Cue) -> StillProducer {
        StillProducer { asset: asset.to_owned(), cue: cue.clone(), demuxer, picture: None, next: 0 }
    }

    fn load(&mut self) -> Result<Picture, Error> {
        let stream = self.demuxer.video().cloned();
        let (Some(stream), Some(packet)) = (stream, self.demuxer.read()?) else { return Err(no_picture()) };
        house_picture(&stream, &packet, self.cue.format.video)
    }
}

impl Producer for StillProducer {
    fn next_frame(&mut self) -> Result<Option<HouseFrame>, ProducerError> {
        let picture = match self.picture.take() {
            Some(picture) => picture,
            None => {
                self.load().map_err(|source| ProducerError::Media { asset: self.asset.clone(), source })?
            }
        };
        self.picture = Some(picture.clone());
        let (index, format) = (self.next, self.cue.format);
        self.next += 1;
        let samples = format.samples_of_house_frame(index).count();
        let audio = vec![0; samples * usize::from(format.audio.channels)];
        let source = Some(SourcePicture { number: 0, media_ms: 0 });
        Ok(Some(HouseFrame { index, picture, source, audio }))
    }

    fn length(&self) -> Length {
        Length::Endless
    }
}

/// The only picture of `stream`, which is in `packet`, conformed.
pub fn house_picture(stream: &StreamInfo, packet: &Packet, house: VideoFormat) -> Result<Picture, Error> {
    let (mut decoder, mut decoded) = (VideoDecoder::new(stream, 1)?, VecDeque::new());
    decoder.decode(Some(packet), &mut decoded).and_then(|()| decoder.decode(None, &mut decoded))?;
    let picture = decoded.pop_front().ok_or_else(no_picture)?;
    PictureConform::new(house, Presentation::of(stream)).conform(&picture)?.ok_or_else(no_picture)
}

fn no_picture() -> Error {
    Error::Unsupported { what: "an image without a picture".into() }
}
