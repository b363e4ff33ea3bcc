//! Stamps in stream order: do they go on as they should (TR 101 290, 5.2.2, 2.5, and the promise of a constant rate)?

use super::report::{Check, Log, StreamFacts};
use crate::pcr::{PTS_WRAP, Unwrapper, nearest};
use crate::pes;

/// Steps of DTS from which the picture rate is learnt.
const LEARNED_STEPS: usize = 9;
/// Tolerated for sound where exactness was not promised: half a millisecond.
const LOOSE_TICKS: u64 = 45;
/// Picture rates in use.
const RATES: [(u64, u64); 9] =
    [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), (60, 1)];

/// Ticks as a ratio, from one unit to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    numerator: u64,
    denominator: u64,
}

impl Period {
    /// The standard picture rate nearest to a step, if it is within a tick.
    fn of_pictures(step: u64) -> Option<Self> {
        let periods = RATES.map(|(rate, per)| Self { numerator: 90_000 * per, denominator: rate });
        let distance = |period: &Self| {
            let off = u128::from((step * period.denominator).abs_diff(period.numerator));
            off * 1_000_000 / u128::from(period.denominator)
        };
        periods.into_iter().min_by_key(distance).filter(|best| distance(best) <= 1_000_000)
    }
}

/// The stamps of one stream.
#[derive(Debug)]
pub(super) struct Stamps {
    dts: Unwrapper,
    last_dts: Option<u64>,
    steps: Vec<u64>,
    /// Of pictures; learnt.
    period: Option<Period>,
    /// A stamp from which others are counted, and the unit it belongs to.
    anchor: Option<(u64, u64)>,
    exact: bool,
}

impl Stamps {
    pub(super) fn new(exact: bool) -> Self {
        Self {
            dts: Unwrapper::new(PTS_WRAP),
            last_dts: None,
            steps: Vec::with_capacity(LEARNED_STEPS),
            period: None,
            anchor: None,
            exact,
        }
    }

    /// Units are missing: what comes next is counted afresh.
    pub(super) fn lose(&mut self) {
        self.anchor = None;
    }

    /// Checks order; gives PTS and DTS unwrapped, and the step from the DTS before.
    pub(super) fn take(
        &mut self,
        packet: u64,
        header: &pes::Header,
        facts: &mut StreamFacts,
        log: &mut Log,
    ) -> Option<(u64, u64, Option<u64>)> {
        let pid = Some(facts.pid);
        let (wire_pts, wire_dts) = (header.pts?, header.dts?);
        let dts = self.dts.unwrap(wire_dts.0);
        let pts = nearest(dts, wire_pts.0, PTS_WRAP);
        facts.first_pts.get_or_insert(wire_pts);
        let before = self.last_dts.replace(dts);
        if let Some(before) = before.filter(|&before| dts <= before) {
            log.add(Check::DtsOrder, packet, pid, dts as i64 - before as i64, 1);
        }
        if pts < dts {
            log.add(Check::PtsBeforeDts, packet, pid, pts as i64 - dts as i64, 0);
        }
        let step = before.and_then(|before| dts.checked_sub(before)).filter(|&step| step > 0);
        Some((pts, dts, step))
    }

    /// A picture is due one period after the one before.
    pub(super) fn check_picture(
        &mut self,
        packet: u64,
        pts: u64,
        step: Option<u64>,
        facts: &mut StreamFacts,
        log: &mut Log,
    ) {
        let Some(step) = step else { return };
        facts.steps += 1;
        let Some(period) = self.period else {
            self.learn(step, facts);
            return;
        };
        let Period { numerator, denominator } = period;
        if step * denominator * 2 > numerator * 3 {
            facts.irregular_steps += 1;
            let limit = numerator * 3 / (denominator * 2);
            log.add(Check::PtsRegularity, packet, Some(facts.pid), step as i64, limit as i64);
            self.anchor = None;
        }
        let (origin, _) = *self.anchor.get_or_insert((pts, 0));
        let ahead = i128::from(pts) - i128::from(origin);
        let (n, d) = (i128::from(numerator), i128::from(denominator));
        let units = (2 * ahead * d + n).div_euclid(2 * n);
        self.check_grid(packet, pts, ahead * d - units * n, d, facts, log);
    }

    /// The `unit`-th audio frame has as many samples of its rate before it as that says.
    pub(super) fn check_sound(
        &mut self,
        packet: u64,
        pts: u64,
        unit: u64,
        (samples, rate): (u64, u64),
        facts: &mut StreamFacts,
        log: &mut Log,
    ) {
        facts.period = Some((samples * 90_000, rate));
        let Some((origin, first)) = self.anchor else {
            self.anchor = Some((pts, unit));
            return;
        };
        facts.steps += 1;
        let ahead = i128::from(pts) - i128::from(origin);
        let expected = i128::from(unit - first) * i128::from(samples) * 90_000;
        let off = ahead * i128::from(rate) - expected;
        let limit = if self.exact { 1 } else { LOOSE_TICKS };
        if off.unsigned_abs() >= u128::from(limit * rate) {
            facts.irregular_steps += 1;
            let ticks = (off / i128::from(rate)) as i64;
            log.add(Check::PtsRegularity, packet, Some(facts.pid), ticks, limit as i64);
            self.anchor = Some((pts, unit));
        } else {
            let ticks = (off.unsigned_abs() / u128::from(rate)) as u64;
            facts.worst_jitter_ticks = facts.worst_jitter_ticks.max(ticks);
        }
    }

    /// `off` ticks, times `scale`, from the grid: less than one is rounding.
    fn check_grid(
        &mut self,
        packet: u64,
        pts: u64,
        off: i128,
        scale: i128,
        facts: &mut StreamFacts,
        log: &mut Log,
    ) {
        let ticks = (off / scale) as i64;
        facts.worst_jitter_ticks = facts.worst_jitter_ticks.max(ticks.unsigned_abs());
        if self.exact && ticks != 0 {
            facts.irregular_steps += 1;
            log.add(Check::PtsGrid, packet, Some(facts.pid), ticks, 0);
            self.anchor = Some((pts, 0));
        }
    }

    fn learn(&mut self, step: u64, facts: &mut StreamFacts) {
        self.steps.push(step);
        if self.steps.len() < LEARNED_STEPS {
            return;
        }
        self.steps.sort_unstable();
        let median = self.steps[LEARNED_STEPS / 2];
        // a rate that is no standard one has its own grid
        let period = Period::of_pictures(median).unwrap_or(Period { numerator: median, denominator: 1 });
        self.period = Some(period);
        facts.period = Some((period.numerator, period.denominator));
    }
}
