//! Deinterlacing: interlaced pictures become whole ones, in the order their fields were taken, before the
//! cadence chooses among them.
//!
//! The work is libavfilter's (`bwdif`), and so is telling combed pictures that nobody labelled (`idet`); when
//! which picture or field is due is kept here, because a filter's clock knows nothing of holes and joints.
//! Material that never is interlaced passes untouched and at once; what is filtered comes out later, by the
//! pictures that the filters look ahead.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use air_av::{FieldOrder, Picture, PictureFormat, PixelFormat, Rational, Result, StreamInfo, VideoGraph};

use super::cadence::{MediaNanos, TimedPicture};
use crate::time::FrameRate;

/// Heights of interlaced systems: 525 lines (with and without those of DV and of captions), 625 lines, 1125.
const INTERLACED_HEIGHTS: [u32; 7] = [480, 486, 512, 576, 608, 1080, 1088];

/// Layouts in which combing is looked for: those of video, on which the analysis needs no conversion.
const ANALYSED: [PixelFormat; 4] =
    [PixelFormat::Yuv420p, PixelFormat::Yuv422p, PixelFormat::Yuv420p10, PixelFormat::Yuv422p10];

/// The longest interlaced picture, that of 25 per second. A longer span is a hole, not two long fields.
const LONGEST_PICTURE: MediaNanos = 40_000_000;

/// Smaller than this the filter takes none; nor were there ever fields in it.
const SMALLEST_SIDE: u32 = 4;

/// Pictures that are looked at before the first of them is shown: a flash, or black, tells nothing of combing, and
/// the analysis changes its mind only when several pictures agree.
const LOOKED_AT_FIRST: usize = 12;

/// Makes the pictures of one source progressive.
#[derive(Debug)]
pub struct Deinterlace {
    material: Material,
    /// Whether the container says so.
    is_declared: bool,
    /// Whether a picture for each field is wanted, rather than one for both.
    each_field: bool,
    graph: Option<Filters>,
    /// Pictures that wait for the graph to be ready for them.
    waiting: Option<Vec<TimedPicture>>,
    /// What the graph holds, oldest first.
    held: VecDeque<Held>,
    /// Number of the next picture for the graph, from 0.
    next: i64,
}

/// What is known of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Material {
    /// Not interlaced until a picture says so.
    Whole,
    /// Of a kind that may be interlaced without saying so.
    Doubtful,
    /// Some pictures say they are interlaced; each is believed.
    Labelled,
}

#[derive(Debug)]
struct Filters {
    input: PictureFormat,
    material: Material,
    graph: VideoGraph,
}

#[derive(Debug)]
struct Held {
    number: i64,
    start: MediaNanos,
    end: MediaNanos,
    /// Whether the first of its fields came out.
    begun: bool,
}

impl Deinterlace {
    /// For the pictures of `stream`, to be aired at `house` pictures per second: when those are more than the
    /// stream has, each field becomes a picture.
    pub fn new(stream: &StreamInfo, house: FrameRate) -> Deinterlace {
        let rate = stream.frame_rate().unwrap_or(Rational::new(25, 1));
        let is_declared = matches!(stream.field_order(), FieldOrder::TopFirst | FieldOrder::BottomFirst);
        let doubtful =
            is_declared || (INTERLACED_HEIGHTS.contains(&stream.height()) && is_interlaced_rate(rate));
        let material = if doubtful { Material::Doubtful } else { Material::Whole };
        Deinterlace { is_declared, ..Deinterlace::of(material, is_above(house, rate)) }
    }

    fn of(material: Material, each_field: bool) -> Deinterlace {
        let held = VecDeque::new();
        Deinterlace { material, is_declared: false, each_field, graph: None, waiting: None, held, next: 0 }
    }

    /// How long before the first picture wanted others have to go through, so that it comes out as if all had:
    /// fields are filled in from the pictures around them. Only for a stream whose container says it is
    /// interlaced: going back further costs time, and most others are progressive.
    pub fn preroll(&self) -> MediaNanos {
        if self.is_declared { 2 * LONGEST_PICTURE } else { 0 }
    }

    /// Takes the next picture and appends what is ready.
    ///
    /// # Errors
    /// A filter's failure. The picture is then not among what comes out, or is there as it was.
    pub fn push(&mut self, timed: TimedPicture, out: &mut VecDeque<TimedPicture>) -> Result<()> {
        let format = timed.picture.format();
        if timed.picture.is_interlaced() {
            self.material = Material::Labelled;
        }
        if !self.is_filtered(&format) {
            let finished = self.finish(out);
            out.push_back(timed);
            return finished;
        }
        let fits = |filters: &Filters| filters.input == format && filters.material == self.material;
        if !self.graph.as_ref().is_some_and(fits) {
            self.finish(out)?;
            match VideoGraph::new(&format, Rational::new(1, 1), self.filters(), 1) {
                Ok(graph) => {
                    self.graph = Some(Filters { input: format, material: self.material, graph });
                    self.waiting = (self.material == Material::Doubtful).then(Vec::new);
                }
                Err(error) => {
                    out.push_back(timed);
                    return Err(error);
                }
            }
        }
        let Some(waiting) = &mut self.waiting else { return self.enter(timed, out) };
        waiting.push(timed);
        if waiting.len() < LOOKED_AT_FIRST { Ok(()) } else { self.look(out) }
    }

    /// Appends what is still held, as at the end of the stream.
    ///
    /// # Errors
    /// A filter's failure.
    pub fn finish(&mut self, out: &mut VecDeque<TimedPicture>) -> Result<()> {
        let finished = self.look(out).and_then(|()| self.filter(None, out));
        self.graph = None;
        self.held.clear();
        self.next = 0;
        finished
    }

    /// Lets the pictures that wait enter. What the analysis makes of them is true of them too, so it has seen them
    /// before: what came of that first time is thrown away.
    fn look(&mut self, out: &mut VecDeque<TimedPicture>) -> Result<()> {
        let waiting = self.waiting.take().unwrap_or_default();
        for (timed, number) in waiting.iter().zip(-(waiting.len() as i64)..) {
            self.filter(Some(&timed.picture.clone().with_pts(number)), out)?;
        }
        waiting.into_iter().try_for_each(|timed| self.enter(timed, out))
    }

    fn enter(&mut self, timed: TimedPicture, out: &mut VecDeque<TimedPicture>) -> Result<()> {
        let number = self.next;
        self.next += 1;
        self.held.push_back(Held { number, start: timed.start, end: timed.end, begun: false });
        self.filter(Some(&timed.picture.with_pts(number)), out)
    }

    fn is_filtered(&self, format: &PictureFormat) -> bool {
        let has_fields = format.width.min(format.height) >= SMALLEST_SIDE;
        match self.material {
            Material::Whole => false,
            Material::Doubtful => has_fields && ANALYSED.contains(&format.pixel_format),
            Material::Labelled => has_fields,
        }
    }

    /// Of labelled material each picture's own word counts; the analysis would put its own in its place.
    fn filters(&self) -> &'static str {
        match (self.material, self.each_field) {
            (Material::Labelled, true) => "bwdif=mode=send_field:deint=interlaced",
            (Material::Labelled, false) => "bwdif=mode=send_frame:deint=interlaced",
            (_, true) => "idet,bwdif=mode=send_field:deint=interlaced",
            (_, false) => "idet,bwdif=mode=send_frame:deint=interlaced",
        }
    }

    fn filter(&mut self, picture: Option<&Picture>, out: &mut VecDeque<TimedPicture>) -> Result<()> {
        let Some(mut filters) = self.graph.take() else { return Ok(()) };
        filters.graph.push(picture)?;
        while let Some(picture) = filters.graph.pull()? {
            out.extend(self.timed(picture));
        }
        self.graph = Some(filters);
        Ok(())
    }

    /// `picture` with the time of the one it was made of. The filter counts in halves: picture n comes out as
    /// 2n, and its second field as 2n + 1, or once more as 2n if no other follows. One below 0 was only looked at.
    fn timed(&mut self, picture: Picture) -> Option<TimedPicture> {
        let number = picture.pts().map(|pts| pts.div_euclid(2)).filter(|number| *number >= 0)?;
        while self.held.pop_front_if(|held| held.number < number).is_some() {}
        let next = self.held.get(1).map(|next| next.start);
        let held = self.held.front_mut()?;
        let length = next.unwrap_or(held.end).saturating_sub(held.start);
        let half = if held.begun { length.clamp(0, LONGEST_PICTURE) / 2 } else { 0 };
        held.begun = true;
        Some(TimedPicture { start: held.start.saturating_add(half), end: held.end, picture })
    }
}

/// From a hair below 25 to a hair above 30 pictures per second.
fn is_interlaced_rate(rate: Rational) -> bool {
    let (num, den) = (i64::from(rate.num), i64::from(rate.den));
    (249 * den..=301 * den).contains(&(10 * num))
}

/// Whether `house` is more than `rate`, by more than 30 is above 29.97.
fn is_above(house: FrameRate, rate: Rational) -> bool {
    let (num, den) = (i128::from(rate.num), i128::from(rate.den));
    i128::from(house.num()) * den * 100 > i128::from(house.den()) * num * 101
}
