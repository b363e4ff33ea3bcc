//! Black that costs next to nothing: a channel may wait for its next programme for hours.
//!
//! When a whole GOP of black has been encoded, its bytes are repeated for as long as black lasts, and the encoder
//! rests. A GOP begins with an IDR, which resets all that a decoder keeps, so it follows upon itself; stamps are
//! not within it. The first other picture is an IDR: the encoder's references are not what the decoder saw last.
//!
//! Short black is encoded like anything else, and so is black from an encoder that gives pictures later than it
//! takes them, or whose GOPs are shorter than agreed.

use air_av::Picture;

use super::EncodeError;
use super::video::{CodedPicture, VideoEncode};

const BLACK: u8 = 16;
const NEUTRAL: u8 = 128;

/// Repeats the coded black of the encoder within.
pub struct BlackLoop {
    encoder: Box<dyn VideoEncode>,
    /// Pictures from one IDR to the next.
    gop: usize,
    state: State,
    /// The latest black picture, which the next one usually is.
    black: Option<Picture>,
}

enum State {
    /// Anything else than black, or black before an IDR.
    Encoding,
    /// Black since the IDR that is the first of these.
    Collecting(Vec<Vec<u8>>),
    /// A whole GOP of black, and which of it comes next.
    Repeating(Vec<Vec<u8>>, usize),
}

impl BlackLoop {
    /// Around an `encoder` that makes an IDR every `gop` pictures.
    pub fn new(encoder: Box<dyn VideoEncode>, gop: u32) -> BlackLoop {
        BlackLoop { encoder, gop: gop as usize, state: State::Encoding, black: None }
    }

    fn is_black(&mut self, picture: &Picture) -> bool {
        let luma = |picture: &Picture| picture.plane(0).data.as_ptr();
        if self.black.as_ref().is_some_and(|black| luma(black) == luma(picture)) {
            return true;
        }
        let black = is_black(picture);
        self.black = black.then(|| picture.clone());
        black
    }

    /// Remembers what the encoder made of a black picture.
    fn collect(&mut self, coded: &[CodedPicture]) {
        let [coded] = coded else { return self.state = State::Encoding };
        let mut units = match std::mem::replace(&mut self.state, State::Encoding) {
            _ if coded.random_access => Vec::new(),
            State::Collecting(units) => units,
            _ => return,
        };
        units.push(coded.data.clone());
        // A GOP of one would have two equal IDR pictures next to each other, which H.264 (7.4.3) forbids.
        self.state = match units.len() == self.gop && self.gop > 1 {
            true => State::Repeating(units, 0),
            false => State::Collecting(units),
        };
    }
}

impl VideoEncode for BlackLoop {
    fn encode(
        &mut self,
        picture: &Picture,
        number: i64,
        random_access: bool,
        out: &mut Vec<CodedPicture>,
    ) -> Result<(), EncodeError> {
        let is_black = self.is_black(picture);
        let repeating = matches!(self.state, State::Repeating(..));
        if let State::Repeating(units, next) = &mut self.state
            && is_black
            // The encoder's next IDR differs from the one just repeated.
            && !(random_access && *next == 1)
        {
            let at = if random_access { 0 } else { *next };
            *next = (at + 1) % units.len();
            let data = units[at].clone();
            out.push(CodedPicture { number, decode_number: number, random_access: at == 0, data });
            return Ok(());
        }
        let before = out.len();
        self.encoder.encode(picture, number, random_access || repeating, out)?;
        match is_black {
            true => self.collect(&out[before..]),
            false => self.state = State::Encoding,
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<CodedPicture>) -> Result<(), EncodeError> {
        self.encoder.finish(out)
    }
}

/// Whether every pixel is black. Of other pictures, little is looked at.
fn is_black(picture: &Picture) -> bool {
    [BLACK, NEUTRAL, NEUTRAL].into_iter().enumerate().all(|(index, level)| {
        let plane = picture.plane(index);
        let width = picture.width() as usize / if index == 0 { 1 } else { 2 };
        let black = vec![level; width];
        let mut rows = plane.data.chunks(plane.stride.max(1));
        plane.rows > 0 && rows.all(|row| row.starts_with(&black))
    })
}

#[cfg(test)]
mod tests {
    use air_av::{PictureMut, PixelFormat};

    use super::*;
    use crate::producer::black;

    /// Numbers what it is given, with an IDR every four pictures or when asked.
    #[derive(Default)]
    struct Numbering {
        encoded: u8,
        since_idr: usize,
    }

    impl VideoEncode for Numbering {
        fn encode(
            &mut self,
            _picture: &Picture,
            number: i64,
            random_access: bool,
            out: &mut Vec<CodedPicture>,
        ) -> Result<(), EncodeError> {
            let random_access = random_access || self.since_idr == 4 || self.encoded == 0;
            self.since_idr = if random_access { 1 } else { self.since_idr + 1 };
            out.push(CodedPicture { number, decode_number: number, random_access, data: vec![self.encoded] });
            self.encoded += 1;
            Ok(())
        }

        fn finish(&mut self, _out: &mut Vec<CodedPicture>) -> Result<(), EncodeError> {
            Ok(())
        }
    }

    fn grey() -> Picture {
        let mut picture = PictureMut::new(16, 16, PixelFormat::Yuv420p).unwrap();
        (0..3).for_each(|plane| picture.plane_mut(plane).data.fill(NEUTRAL));
        picture.freeze()
    }

    /// The number of the unit that airs for each picture, and whether it is an IDR. `b` is black, `B` black that
    /// shall be an IDR, `.` anything else.
    fn units(gop: u32, pictures: &str) -> Vec<(u8, bool)> {
        let mut encoder = BlackLoop::new(Box::<Numbering>::default(), gop);
        let (black, grey, mut out) = (black(16, 16).unwrap(), grey(), Vec::new());
        for (number, picture) in (100..).zip(pictures.chars()) {
            let shown = if picture == '.' { &grey } else { &black };
            encoder.encode(shown, number, picture == 'B', &mut out).unwrap();
            let last = out.last().unwrap();
            assert_eq!((last.number, last.decode_number), (number, number), "stamps run on");
        }
        out.into_iter().map(|coded| (coded.data[0], coded.random_access)).collect()
    }

    fn numbers(gop: u32, pictures: &str) -> Vec<u8> {
        units(gop, pictures).into_iter().map(|(unit, _)| unit).collect()
    }

    /// PAINS 27: from the second GOP of black on, nothing is encoded; MX-8: each begins with its IDR, and so does
    /// what follows.
    #[test]
    fn a_gop_of_black_is_repeated_until_something_else_comes() {
        let units = units(4, "..bbbbbbbbbbbbb..");
        let (numbers, idrs): (Vec<u8>, Vec<bool>) = units.into_iter().unzip();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 8, 9]);
        let starts: Vec<usize> = (0..idrs.len()).filter(|&at| idrs[at]).collect();
        assert_eq!(starts, [0, 4, 8, 12, 15]);
    }

    #[test]
    fn short_black_is_encoded_as_it_comes() {
        assert_eq!(
            units(4, "bbb.bb.bbbb.").iter().map(|unit| unit.0).collect::<Vec<_>>(),
            Vec::from_iter(0..12)
        );
    }

    /// whoever joins in black gets the GOP from its IDR; two equal IDR pictures never meet.
    #[test]
    fn a_wish_for_an_idr_starts_the_gop_anew() {
        assert_eq!(numbers(4, "bbbbbbBbbbBB"), [0, 1, 2, 3, 0, 1, 0, 1, 2, 3, 0, 4]);
        assert_eq!(numbers(4, "bbbbbbBBbbbbb"), [0, 1, 2, 3, 0, 1, 0, 4, 5, 6, 7, 4, 5]);
    }

    /// An encoder whose GOPs are not those agreed, or of one picture, is left to itself.
    #[test]
    fn only_whole_gops_are_repeated() {
        assert_eq!(numbers(9, "bbbbbbbbbbbb"), Vec::from_iter(0..12));
        assert_eq!(numbers(1, "BBBBBB"), Vec::from_iter(0..6));
    }

    #[test]
    fn one_lit_pixel_is_not_black() {
        assert!(is_black(&black(16, 16).unwrap()));
        for (plane, at) in [(0, 15), (1, 7), (2, 0)] {
            let mut picture = PictureMut::new(16, 16, PixelFormat::Yuv420p).unwrap();
            for (index, level) in [BLACK, NEUTRAL, NEUTRAL].into_iter().enumerate() {
                picture.plane_mut(index).data.fill(level);
            }
            picture.plane_mut(plane).data[at] += 1;
            assert!(!is_black(&picture.freeze()));
        }
    }
}
