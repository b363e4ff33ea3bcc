//! The program's clock, and by it the time of every packet (TR 101 290, 5.2.2, 2.3 and 2.4).
//!
//! A packet's time is known when the PCR after it has come: on the straight line between its two neighbours.

use super::config::JudgeConfig;
use super::report::{Check, Log};
use crate::Pcr;
use crate::packet::PACKET_SIZE;
use crate::pcr::{PCR_WRAP, wrapped_distance};
use std::collections::VecDeque;

/// PCRs over which accuracy is measured.
const WINDOW: usize = 65;
/// PCRs that must follow before they are: only the next packet of its PID tells that one was lost, and that the
/// positions since are wrong.
const HELD: usize = 8;
/// Intervals before a rate may be called constant.
const MIN_INTERVALS: u64 = 20;
/// A clock does not run straight on over more than this.
const LONGEST_STEP: i64 = 30 * 27_000_000;

/// When a packet came, in 27 MHz ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Since the first PCR. Runs on over jumps of the clock.
    pub(super) elapsed: i64,
    /// The decoder's clock, unless it jumped here.
    pub(super) stc: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Reference {
    packet: u64,
    elapsed: i64,
    stc: i64,
}

/// The packets between two PCRs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    from: Reference,
    packets: i64,
    duration: i64,
    /// How far beyond its end it may be drawn out: where packets are left out, not further than to a PCR.
    reach: i64,
    is_sound: bool,
}

impl Segment {
    /// When a packet came: inside the segment, soon after it, or before the first PCR, which counts as at it.
    pub(super) fn at(&self, packet: u64) -> Moment {
        let packets = packet as i64 - self.from.packet as i64;
        let ticks = (i128::from(self.duration) * i128::from(packets) / i128::from(self.packets)) as i64;
        let ticks = ticks.clamp(0, self.duration + self.reach);
        Moment { elapsed: self.from.elapsed + ticks, stc: self.is_sound.then_some(self.from.stc + ticks) }
    }
}

#[derive(Debug)]
pub(super) struct Clock {
    last: Option<Reference>,
    segment: Option<Segment>,
    window: VecDeque<Reference>,
    /// Ticks and packets of all sound segments, for the mean rate.
    sound_ticks: i64,
    sound_packets: i64,
    intervals: u64,
    steady_intervals: u64,
    longest: i64,
    pcrs: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            segment: None,
            window: VecDeque::with_capacity(WINDOW + HELD),
            sound_ticks: 0,
            sound_packets: 0,
            intervals: 0,
            steady_intervals: 0,
            longest: 0,
            pcrs: 0,
        }
    }

    /// Takes a PCR; gives the packets whose times are now known.
    pub(super) fn take(
        &mut self,
        packet: u64,
        pid: u16,
        wire: Pcr,
        may_jump: bool,
        config: &JudgeConfig,
        log: &mut Log,
    ) -> Option<Segment> {
        self.pcrs += 1;
        let Some(last) = self.last else {
            self.last = Some(Reference { packet, elapsed: 0, stc: unwrapped(wire) });
            return None;
        };
        let step = wrapped_distance(last.stc as u64, wire.0, PCR_WRAP);
        let packets = (packet - last.packet) as i64;
        let estimate = self.estimate(packets);
        let jump = config.pcr_jump.0 as i64;
        let steps_on = (1..=jump).contains(&step);
        if !steps_on && !may_jump {
            log.add(Check::PcrDiscontinuity, packet, Some(pid), step / 27, jump / 27);
        }
        // a long step is time that passed if the bytes bear it out
        let is_sound = steps_on || (1..=LONGEST_STEP).contains(&step) && estimate >= step / 3 && !may_jump;
        let duration = if is_sound { step } else { estimate };
        self.check_gap(packet, pid, duration, config, log);
        let segment =
            Segment { from: last, packets, duration, reach: config.pcr_interval.0 as i64, is_sound };
        let stc = if is_sound { last.stc + step } else { unwrapped(wire) };
        let now = Reference { packet, elapsed: last.elapsed + duration, stc };
        self.account(&segment);
        self.last = Some(now);
        self.segment = Some(segment);
        self.measure(now, is_sound);
        Some(segment)
    }

    fn check_gap(&mut self, packet: u64, pid: u16, gap: i64, config: &JudgeConfig, log: &mut Log) {
        let limit = config.pcr_interval.0 as i64;
        self.longest = self.longest.max(gap);
        if gap > limit {
            log.add(Check::PcrRepetition, packet, Some(pid), gap / 27, limit / 27);
        }
    }

    /// How long so many packets last on average.
    fn estimate(&self, packets: i64) -> i64 {
        let ticks =
            i128::from(self.sound_ticks) * i128::from(packets) / i128::from(self.sound_packets.max(1));
        i64::try_from(ticks).unwrap_or(i64::MAX / 4)
    }

    fn account(&mut self, segment: &Segment) {
        if !segment.is_sound {
            return;
        }
        self.sound_ticks += segment.duration;
        self.sound_packets += segment.packets;
        if let Some(before) = self.segment.filter(|before| before.is_sound) {
            let here = i128::from(segment.duration) * i128::from(before.packets);
            let there = i128::from(before.duration) * i128::from(segment.packets);
            self.intervals += 1;
            self.steady_intervals += u64::from((here - there).abs() * 50 <= there);
        }
    }

    fn measure(&mut self, now: Reference, is_sound: bool) {
        if !is_sound {
            self.window.clear();
        }
        if self.window.len() == WINDOW + HELD {
            self.window.pop_front();
        }
        self.window.push_back(now);
    }

    /// At a constant rate, how far the PCR in the middle of the window is from the line through its ends.
    pub(super) fn check_accuracy(&self, pid: u16, config: &JudgeConfig, log: &mut Log) {
        if self.window.len() < WINDOW + HELD {
            return;
        }
        let [first, middle, last] = [0, WINDOW / 2, WINDOW - 1].map(|index| self.window[index]);
        let line = i128::from(last.stc - first.stc) * i128::from(middle.packet - first.packet)
            / i128::from(last.packet - first.packet);
        let error_ns = (i128::from(middle.stc - first.stc) - line) as i64 * 1000 / 27;
        if error_ns.unsigned_abs() > config.pcr_accuracy_ns {
            let limit = config.pcr_accuracy_ns as i64;
            log.add(Check::PcrAccuracy, middle.packet, Some(pid), error_ns, limit);
        }
    }

    /// Bytes or packets are missing, so packets no longer tell positions.
    pub(super) fn lose_position(&mut self) {
        self.window.clear();
    }

    /// Nine intervals in ten have the rate of their neighbour.
    pub(super) fn is_steady(&self) -> bool {
        self.intervals >= MIN_INTERVALS && self.steady_intervals * 10 >= self.intervals * 9
    }

    /// The stream ends with this packet, or nothing has been heard of the clock up to it: is that too long?
    pub(super) fn check_silence(&mut self, packet: u64, pid: u16, config: &JudgeConfig, log: &mut Log) {
        let Some(last) = self.last else {
            log.add(Check::PcrRepetition, packet, Some(pid), 0, config.pcr_interval.0 as i64 / 27);
            return;
        };
        let silence = self.estimate((packet - last.packet) as i64);
        // the mean rate is a guess for so short a time: only several intervals say that PCRs are missing
        if silence > 4 * config.pcr_interval.0 as i64 {
            self.check_gap(packet, pid, silence, config, log);
        }
    }

    pub(super) fn last_segment(&self) -> Option<Segment> {
        self.segment
    }

    pub(super) fn longest_gap(&self) -> u64 {
        self.longest as u64
    }

    pub(super) fn pcrs(&self) -> u64 {
        self.pcrs
    }

    /// Mean bits per second between the first PCR and the last.
    pub(super) fn bits_per_second(&self) -> u64 {
        let bits = self.sound_packets as u128 * PACKET_SIZE as u128 * 8;
        (bits * 27_000_000 / (self.sound_ticks.max(1) as u128)) as u64
    }
}

/// The start of a clock, one range above zero, so that what lies before stays positive.
fn unwrapped(wire: Pcr) -> i64 {
    (PCR_WRAP + wire.0) as i64
}
