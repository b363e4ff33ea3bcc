//! Deinterlacing: interlaced pictures become whole ones, in the order their fields were taken, before the
//! cadence chooses among them.
//!
//! The work is libavfilter's (`bwdif`), and so is telling combed pictures that nobody labelled (`idet`); when
//! which picture or field is due is kept here, because a filter's clock knows nothing of holes and joints.
//! Material that never is interlaced passes untouched and at once; what is filtered comes out later, by the
//! pictures that the filters look ahead.

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

#[cfg(test)]
mod tests {
    use air_av::PictureMut;

    use super::*;

    const WIDTH: usize = 320;
    const HEIGHT: usize = 96;
    const PERIOD: MediaNanos = 40_000_000;
    /// Columns that the bar moves from field to field, and its width.
    const STEP: usize = 4;
    const BAR: usize = 40;

    fn is_lit(field: usize, x: usize) -> bool {
        (20 + field * STEP..20 + field * STEP + BAR).contains(&x)
    }

    /// Picture `n` of a bar that moves to the right: fields 2n and 2n + 1, the earlier in the lines of `order`.
    fn woven(n: usize, order: FieldOrder, label: FieldOrder) -> TimedPicture {
        let mut picture = PictureMut::new(WIDTH as u32, HEIGHT as u32, PixelFormat::Yuv420p).unwrap();
        picture.set_field_order(label);
        let plane = picture.plane_mut(0);
        for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
            let field = match order {
                FieldOrder::TopFirst => 2 * n + y % 2,
                FieldOrder::BottomFirst => 2 * n + (y + 1) % 2,
                FieldOrder::Progressive | FieldOrder::Unknown => 2 * n,
            };
            for (x, sample) in row.iter_mut().take(WIDTH).enumerate() {
                // A little texture, as of any camera: analysis rests on it.
                let grain = (x * 7 + y * 13 + x * y) % 11;
                *sample = if is_lit(field, x) { 200 } else { 40 } + grain as u8;
            }
        }
        for plane in [1, 2] {
            picture.plane_mut(plane).data.fill(128);
        }
        let start = n as MediaNanos * PERIOD;
        TimedPicture { start, end: start + PERIOD, picture: picture.freeze() }
    }

    fn deinterlaced(
        mut by: Deinterlace,
        count: usize,
        order: FieldOrder,
        label: FieldOrder,
    ) -> Vec<TimedPicture> {
        let mut out = VecDeque::new();
        for n in 0..count {
            by.push(woven(n, order, label), &mut out).unwrap();
        }
        by.finish(&mut out).unwrap();
        out.into()
    }

    /// Where the bar is: the mean column of what is lit, in hundredths.
    fn place(picture: &Picture) -> i64 {
        let plane = picture.plane(0);
        let rows = plane.data.chunks(plane.stride).take(HEIGHT);
        let lit = rows.flat_map(|row| (0..WIDTH as i64).zip(row)).filter(|(_, sample)| **sample > 120);
        let (sum, count) = lit.fold((0, 0), |(sum, count), (x, _)| (sum + x, count + 1));
        100 * sum / count
    }

    /// How far the lines of a picture lie apart from those above and below: the mean, in hundredths of a level.
    fn combing(picture: &Picture) -> u64 {
        let plane = picture.plane(0);
        let rows: Vec<&[u8]> = plane.data.chunks(plane.stride).collect();
        let apart = rows.windows(3).flat_map(|rows| {
            (0..WIDTH)
                .map(|x| (i64::from(rows[0][x]) + i64::from(rows[2][x])).abs_diff(2 * i64::from(rows[1][x])))
        });
        100 * apart.sum::<u64>() / (WIDTH * (HEIGHT - 2)) as u64
    }

    /// PAINS 31: labelled or not, top or bottom first, each field becomes a picture, in its order and at its
    /// half of the period. Without the label's order the bar would go back with every second picture.
    #[test]
    fn fields_become_pictures_in_the_order_they_were_taken() {
        for order in [FieldOrder::TopFirst, FieldOrder::BottomFirst] {
            for (material, label) in [(Material::Whole, order), (Material::Doubtful, FieldOrder::Progressive)]
            {
                let out = deinterlaced(Deinterlace::of(material, true), 20, order, label);
                let starts: Vec<_> = out.iter().map(|timed| timed.start).collect();
                let expected: Vec<_> = (0..40).map(|field| field * PERIOD / 2).collect();
                assert_eq!(starts, expected, "{order:?} labelled {label:?}");
                let places: Vec<_> = out.iter().map(|timed| place(&timed.picture)).collect();
                let steps: Vec<_> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
                // The very first and last fields have nothing before or behind to be filled from.
                assert!(steps[1..38].iter().all(|step| (300..=500).contains(step)), "{order:?}: {steps:?}");
            }
        }
    }

    /// PAINS 31: fields that nobody labelled are told from the first picture on, though pictures that tell nothing lie
    /// among them.
    #[test]
    fn fields_are_found_before_the_first_of_them_is_shown() {
        let white = |timed: TimedPicture| {
            let mut flat = PictureMut::new(WIDTH as u32, HEIGHT as u32, PixelFormat::Yuv420p).unwrap();
            for (plane, level) in [(0, 235), (1, 128), (2, 128)] {
                flat.plane_mut(plane).data.fill(level);
            }
            TimedPicture { picture: flat.freeze(), ..timed }
        };
        for count in [20, LOOKED_AT_FIRST, 7] {
            let (mut by, mut out) = (Deinterlace::of(Material::Doubtful, true), VecDeque::new());
            for n in 0..count {
                let timed = woven(n, FieldOrder::TopFirst, FieldOrder::Progressive);
                by.push(if n % 5 == 0 { white(timed) } else { timed }, &mut out).unwrap();
            }
            by.finish(&mut out).unwrap();
            let halves: Vec<_> = out.iter().map(|timed| timed.start * 2 / PERIOD).collect();
            assert_eq!(halves, (0..2 * count as i64).collect::<Vec<_>>(), "of {count}");
        }
    }

    /// The test of their order would see a wrong one.
    #[test]
    fn fields_in_the_wrong_order_go_back_and_forth() {
        let by = Deinterlace::of(Material::Whole, true);
        let out = deinterlaced(by, 20, FieldOrder::TopFirst, FieldOrder::BottomFirst);
        let places: Vec<_> = out.iter().map(|timed| place(&timed.picture)).collect();
        assert!(places.windows(2).filter(|pair| pair[1] < pair[0]).count() > 10, "{places:?}");
    }

    /// PAINS 31: at most a tenth of the combing is left.
    #[test]
    fn one_picture_for_both_fields_keeps_times_and_has_no_comb() {
        let comb = combing(&woven(5, FieldOrder::TopFirst, FieldOrder::Unknown).picture);
        let whole = combing(&woven(5, FieldOrder::Progressive, FieldOrder::Unknown).picture);
        for (material, label) in
            [(Material::Whole, FieldOrder::TopFirst), (Material::Doubtful, FieldOrder::Progressive)]
        {
            let out = deinterlaced(Deinterlace::of(material, false), 20, FieldOrder::TopFirst, label);
            let starts: Vec<_> = out.iter().map(|timed| timed.start).collect();
            assert_eq!(starts, (0..20).map(|n| n * PERIOD).collect::<Vec<_>>());
            for timed in &out[1..19] {
                let left = combing(&timed.picture).saturating_sub(whole);
                assert!(left * 10 <= comb - whole, "{left} of {comb} - {whole} at {}", timed.start);
            }
        }
    }

    #[test]
    fn whole_pictures_pass_bit_by_bit_also_where_combing_is_looked_for() {
        for material in [Material::Whole, Material::Doubtful, Material::Labelled] {
            let (order, label) = (FieldOrder::Progressive, FieldOrder::Progressive);
            let out = deinterlaced(Deinterlace::of(material, true), 20, order, label);
            assert_eq!(out.len(), 20);
            for (n, timed) in out.iter().enumerate() {
                let source = woven(n, order, label);
                assert_eq!((timed.start, timed.end), (source.start, source.end));
                assert_eq!(timed.picture.plane(0).data, source.picture.plane(0).data, "picture {n}");
            }
        }
    }

    #[test]
    fn a_change_of_size_loses_no_picture_and_a_hole_no_field() {
        let mut by = Deinterlace::of(Material::Whole, true);
        let mut out = VecDeque::new();
        for n in [0, 1, 50, 51] {
            by.push(woven(n, FieldOrder::TopFirst, FieldOrder::TopFirst), &mut out).unwrap();
        }
        let mut small = PictureMut::new(64, 64, PixelFormat::Yuv420p).unwrap();
        small.set_field_order(FieldOrder::TopFirst);
        let start = 52 * PERIOD;
        by.push(TimedPicture { start, end: start + PERIOD, picture: small.freeze() }, &mut out).unwrap();
        by.finish(&mut out).unwrap();
        let halves: Vec<_> = out.iter().map(|timed| timed.start * 2 / PERIOD).collect();
        assert_eq!(halves, [0, 1, 2, 3, 100, 101, 102, 103, 104, 105]);
    }

    #[test]
    fn only_material_that_may_have_fields_is_looked_at() {
        let doubtful = |num, den| is_interlaced_rate(Rational::new(num, den));
        assert!(doubtful(25, 1) && doubtful(30_000, 1001) && doubtful(30, 1));
        assert!(!doubtful(24, 1) && !doubtful(50, 1) && !doubtful(60_000, 1001));
        let above = |house, rate| is_above(FrameRate::new(house, 1).unwrap(), rate);
        assert!(above(50, Rational::new(25, 1)) && above(30, Rational::new(25, 1)));
        assert!(!above(25, Rational::new(25, 1)) && !above(30, Rational::new(30_000, 1001)));
    }
}
