//! Fields that move, woven together in both orders, labelled and not.

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
        for (material, label) in [(Material::Whole, order), (Material::Doubtful, FieldOrder::Progressive)] {
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
