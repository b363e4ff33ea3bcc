//! The pattern producer: numbered bars with a flash and a beep every second, or black. No file, no decoder.
//!
//! The top eighth of `pattern:bars` is a bar code of the frame number, so that a machine can say which
//! frame it sees: 24 equal cells, white for 1: `1 0`, twenty bits of the number, even parity, `1`.
//! The first frame due in each second is white below the strip, for 40 ms, and a 1 kHz beep starts with it.

use std::ops::Range;

use air_av::{Picture, PictureMut, PixelFormat};

use super::{Cue, Length, Producer, ProducerError};
use crate::format::ProgramFormat;
use crate::frame::{HouseFrame, SourcePicture};

/// What patterns there are.
pub const NAMES: [&str; 2] = ["bars", "black"];

/// Luma and chroma of 75 % colour bars, BT.709: white, yellow, cyan, green, magenta, red, blue.
const BARS: [[u8; 3]; 7] = [
    [180, 128, 128],
    [168, 44, 136],
    [145, 147, 44],
    [133, 63, 52],
    [63, 193, 204],
    [51, 109, 212],
    [28, 212, 120],
];
const WHITE: u8 = 235;
const BLACK: u8 = 16;
const NEUTRAL: u8 = 128;
const CELLS: usize = 24;
/// Length of flash and beep, in milliseconds.
const MARK_MS: u64 = 40;

/// Makes the frames of a pattern, for ever.
#[derive(Debug)]
pub struct PatternProducer {
    format: ProgramFormat,
    picture: PatternPicture,
    /// Number of the first frame, from the start offset.
    first: u64,
    next: u64,
}

#[derive(Debug)]
enum PatternPicture {
    Black(Picture),
    Bars { plain: Picture, flash: Picture },
}

impl PatternProducer {
    /// Opens the pattern called `name`.
    pub fn open(name: &str, cue: &Cue) -> Result<PatternProducer, ProducerError> {
        let media = |source| ProducerError::Media { asset: format!("pattern:{name}"), source };
        let (width, height) = (cue.format.video.width, cue.format.video.height);
        let picture = match name {
            "black" => PatternPicture::Black(black(width, height).map_err(media)?),
            "bars" => PatternPicture::Bars {
                plain: bars(width, height).map_err(media)?,
                flash: flat(width, height, WHITE).map_err(media)?,
            },
            _ => return Err(ProducerError::UnknownPattern(format!("pattern:{name}"))),
        };
        let first = cue.format.video.frame_rate.units_to_frames_ceil(cue.start_offset_ms, 1000);
        Ok(PatternProducer { format: cue.format, picture, first, next: 0 })
    }

    fn picture_of(&self, number: u64) -> Result<Picture, air_av::Error> {
        match &self.picture {
            PatternPicture::Black(black) => Ok(black.clone()),
            PatternPicture::Bars { plain, flash } => {
                numbered(if self.is_flash(number) { flash } else { plain }, number)
            }
        }
    }

    /// Whether frame `number` starts within the mark of its second.
    fn is_flash(&self, number: u64) -> bool {
        let since = number - self.marked_frame(number);
        self.format.video.frame_rate.frames_to_units(since, 1000) < MARK_MS
    }

    /// The latest frame at or before `number` that is the first due in its second.
    fn marked_frame(&self, number: u64) -> u64 {
        let rate = self.format.video.frame_rate;
        rate.units_to_frames_ceil(rate.frames_to_units(number, 1), 1)
    }

    fn audio_of(&self, index: u64) -> Vec<i16> {
        let (rate, hz) = (self.format.video.frame_rate, u64::from(self.format.audio.sample_rate));
        let channels = usize::from(self.format.audio.channels);
        let Range { start: from, end: to } = self.format.samples_of_house_frame(index);
        let mut audio = vec![0; (to - from) as usize * channels];
        if matches!(self.picture, PatternPicture::Bars { .. }) {
            // The first sample of a flash, rounded down, may still belong to the frame before it.
            for number in [self.first + index, self.first + index + 1] {
                let start = rate.frames_to_units(self.marked_frame(number), hz);
                add_beep(&mut audio, channels, rate.frames_to_units(self.first, hz) + from, start, hz);
            }
        }
        audio
    }
}

/// Writes what of the beep that begins at sample `start` falls into `audio`, which begins at `from`.
fn add_beep(audio: &mut [i16], channels: usize, from: u64, start: u64, hz: u64) {
    let (end, length) = (start + MARK_MS * hz / 1000, (audio.len() / channels) as u64);
    for sample in start.max(from)..end.min(from + length) {
        let phase = ((sample - start) * 1000 % hz) as f64 / hz as f64 * std::f64::consts::TAU;
        let at = (sample - from) as usize * channels;
        audio[at..at + channels].fill((phase.sin() * 16_384.0) as i16);
    }
}

impl Producer for PatternProducer {
    fn next_frame(&mut self) -> Result<Option<HouseFrame>, ProducerError> {
        let index = self.next;
        let picture = self
            .picture_of(self.first + index)
            .map_err(|source| ProducerError::Media { asset: "pattern".into(), source })?;
        self.next += 1;
        let number = self.first + index;
        let media_ms = self.format.video.frame_rate.frames_to_units(number, 1000);
        let source = Some(SourcePicture { number, media_ms });
        Ok(Some(HouseFrame { index, picture, source, audio: self.audio_of(index) }))
    }

    fn length(&self) -> Length {
        Length::Endless
    }
}

/// A black picture: Y = 16, U = V = 128 (BF-2).
pub fn black(width: u32, height: u32) -> Result<Picture, air_av::Error> {
    flat(width, height, BLACK)
}

fn flat(width: u32, height: u32, luma: u8) -> Result<Picture, air_av::Error> {
    let mut picture = PictureMut::new(width, height, PixelFormat::Yuv420p)?;
    for (plane, value) in [luma, NEUTRAL, NEUTRAL].into_iter().enumerate() {
        picture.plane_mut(plane).data.fill(value);
    }
    Ok(picture.freeze())
}

fn bars(width: u32, height: u32) -> Result<Picture, air_av::Error> {
    let mut picture = PictureMut::new(width, height, PixelFormat::Yuv420p)?;
    for (plane, columns) in [width, width / 2, width / 2].into_iter().enumerate() {
        let columns = columns as usize;
        let line: Vec<u8> = (0..columns).map(|x| BARS[x * BARS.len() / columns][plane]).collect();
        let plane = picture.plane_mut(plane);
        for row in plane.data.chunks_mut(plane.stride) {
            row[..columns].copy_from_slice(&line);
        }
    }
    Ok(picture.freeze())
}

/// `base` with the bar code of `number` in its top eighth.
fn numbered(base: &Picture, number: u64) -> Result<Picture, air_av::Error> {
    let (width, height) = (base.width() as usize, base.height() as usize);
    let mut picture = PictureMut::new(base.width(), base.height(), PixelFormat::Yuv420p)?;
    let code = bar_code(number);
    for plane in 0..3 {
        let (columns, strip) = if plane == 0 { (width, height / 8) } else { (width / 2, height / 16) };
        let from = base.plane(plane);
        let line: Vec<u8> = match plane {
            0 => (0..columns).map(|x| if code[x * CELLS / columns] { WHITE } else { BLACK }).collect(),
            _ => vec![NEUTRAL; columns],
        };
        let to = picture.plane_mut(plane);
        let rows = to.data.chunks_mut(to.stride).zip(from.data.chunks(from.stride)).enumerate();
        for (y, (to, from)) in rows {
            to[..columns].copy_from_slice(if y < strip { &line } else { &from[..columns] });
        }
    }
    Ok(picture.freeze())
}

fn bar_code(number: u64) -> [bool; CELLS] {
    let bits = number & 0xF_FFFF;
    let mut cells = [true; CELLS];
    cells[1] = false;
    for (bit, cell) in cells[2..22].iter_mut().enumerate() {
        *cell = bits >> (19 - bit) & 1 == 1;
    }
    cells[22] = bits.count_ones() % 2 == 1;
    cells
}

#[cfg(test)]
mod tests {
    use air_av::Interrupt;

    use super::*;
    use crate::media_roots::MediaRoots;

    fn frames(rate: &str, offset_ms: u64, count: usize) -> Vec<HouseFrame> {
        let json = format!(
            r#"{{"video": {{"width": 96, "height": 64, "frame_rate": "{rate}"}},
                "audio": {{"sample_rate": 48000, "channels": 2}}}}"#
        );
        let format = ProgramFormat::from_json(&json).unwrap();
        let cue = Cue {
            format,
            start_offset_ms: offset_ms,
            media_roots: MediaRoots::default(),
            interrupt: Interrupt::new(),
        };
        let mut pattern = PatternProducer::open("bars", &cue).unwrap();
        (0..count).map(|_| pattern.next_frame().unwrap().unwrap()).collect()
    }

    /// Reads the bar code back, from the middle of each cell.
    fn number_in(picture: &Picture) -> u64 {
        let cells = |cell: usize| picture.plane(0).data[(cell * 2 + 1) * 96 / 48] > 128;
        assert!(cells(0) && !cells(1) && cells(23), "the code's frame");
        let number = (2..22).fold(0, |number, cell| number << 1 | u64::from(cells(cell)));
        assert_eq!(cells(22), number.count_ones() % 2 == 1, "parity of {number}");
        number
    }

    /// SL-8, SG-1: frames are numbered from the start offset, one by one.
    #[test]
    fn every_frame_carries_its_number() {
        for (number, frame) in (25..).zip(frames("25/1", 1_000, 30)) {
            assert_eq!(number_in(&frame.picture), number);
        }
    }

    /// docs/design.md: after frame k, ⌈(k+1)·r⌉ samples have been delivered.
    #[test]
    fn sound_is_delivered_to_the_sample() {
        let mut delivered = 0;
        for (k, frame) in (1..).zip(frames("30000/1001", 0, 100)) {
            delivered += frame.audio.len() as u64 / 2;
            assert_eq!(delivered, (k * 48_000 * 1001_u64).div_ceil(30_000));
        }
    }

    #[test]
    fn flash_and_beep_begin_together_every_second() {
        let frames = frames("30000/1001", 0, 95);
        let lit =
            |frame: &HouseFrame| frame.picture.plane(0).data[40 * frame.picture.plane(0).stride] == WHITE;
        let flashes: Vec<usize> = (0..frames.len()).filter(|&k| lit(&frames[k])).collect();
        assert_eq!(flashes, [0, 1, 30, 31, 60, 61, 90, 91]);
        let sound: Vec<i16> =
            frames.iter().flat_map(|frame| frame.audio.iter().step_by(2).copied()).collect();
        for flash in [0, 30, 60, 90] {
            let start = flash * 48_000 * 1001 / 30_000;
            let loud = |range: Range<usize>| sound[range].iter().any(|value| value.abs() > 8_000);
            assert!(start == 0 || !loud(start - 4_800..start), "silence before {flash}");
            assert!(loud(start..start + 48) && loud(start + 1_800..start + 1_920), "beep at {flash}");
            assert!(!loud(start + 1_920..start + 4_800), "silence after {flash}");
        }
    }

    #[test]
    fn an_unknown_pattern_is_named() {
        let format = r#"{"video":{"width":96,"height":64,"frame_rate":"25/1"},"audio":{"sample_rate":48000,"channels":1}}"#;
        let cue = Cue {
            format: ProgramFormat::from_json(format).unwrap(),
            start_offset_ms: 0,
            media_roots: MediaRoots::default(),
            interrupt: Interrupt::new(),
        };
        let error = PatternProducer::open("plaid", &cue).unwrap_err();
        assert!(error.to_string().starts_with("pattern:plaid: no such pattern"), "{error}");
    }
}
