//! The mux: access units in, packets out, each in its slot of a byte clock.
//!
//! The caller pushes units when it has them and says how far time has come; [`Mux::advance`] emits what departs
//! until then. Per slot the choice is: PSI, then a PCR that is due, then the streams, sound first; each only if the
//! decoder's buffers have room. The mux encodes nothing, paces nothing and drops nothing: a unit that cannot be in
//! time is sent late and counted. `discontinuity_indicator` is never set.

mod buffer;
mod carousel;
mod config;
mod error;
mod slots;
mod stream;

#[cfg(test)]
mod tests;

pub use buffer::BufferModel;
pub use config::{ElementaryStream, MuxConfig, MuxRate, StreamKind};
pub use error::MuxError;

use crate::packet::{PACKET_SIZE, write_null};
use crate::{Pcr, Pts};
use carousel::Carousel;
use slots::SlotClock;
use stream::Stream;

/// A PCR is due so many slots early, for PAT, PMT and SDT may go first.
const RESERVED_SLOTS: u64 = 4;

/// Packets since a PCR that make a burst: three of one stream in close order may be more than its buffer takes.
const BURST: u64 = 3;

/// One coded picture or audio frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// Index into [`MuxConfig::streams`].
    pub stream: usize,
    /// When it is shown; not before `dts`.
    pub pts: Pts,
    /// When it is decoded; later than that of the unit before in the stream. On the same clock as the mux: a unit
    /// is in time when its last byte departs before.
    pub dts: Pts,
    /// A decoder may start here: an IDR picture with its parameter sets.
    pub random_access: bool,
    /// The coded bytes: Annex B with an access unit delimiter, or one ADTS frame.
    pub data: Vec<u8>,
}

/// What a mux has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MuxCounters {
    /// Packets emitted, null packets included.
    pub packets: u64,
    /// Null packets emitted.
    pub null_packets: u64,
    /// Access units sent to the end.
    pub units: u64,
    /// Those of them whose last byte departed after their DTS.
    pub late_units: u64,
}

/// What the next slot is for.
enum Turn {
    Psi,
    Clock,
    Unit(usize),
    /// Nothing to send before this moment.
    Idle(Pcr),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Mux {
    rate: MuxRate,
    slots: SlotClock,
    /// The next slot to fill.
    slot: u64,
    carousel: Carousel,
    streams: Vec<Stream>,
    pcr_stream: usize,
    pcr_interval: Pcr,
    /// When the next PCR must go out; moments before count as now.
    pcr_due: Pcr,
    pcr_sent: Option<Pcr>,
    packets_since_pcr: u64,
    /// Slots were left out right before this one.
    after_hole: bool,
    counters: MuxCounters,
}

impl Mux {
    /// A mux whose first slot departs at `start`.
    ///
    /// # Errors
    /// Whatever the configuration asks that the standards or the rate forbid.
    pub fn new(config: MuxConfig, start: Pcr) -> Result<Self, MuxError> {
        config.validate()?;
        let grace = match config.rate {
            MuxRate::Cbr(_) => Pcr(0),
            // where slots are left out, a packet's time is known to a PCR interval only
            MuxRate::CappedVbr(_) => config.pcr_interval,
        };
        Ok(Self {
            rate: config.rate,
            slots: SlotClock::new(start, config.rate.bits_per_second()),
            slot: 0,
            carousel: Carousel::new(&config)?,
            streams: config.streams.iter().map(|stream| Stream::new(stream, grace)).collect(),
            pcr_stream: config.pcr_stream,
            pcr_interval: config.pcr_interval,
            pcr_due: start,
            pcr_sent: None,
            packets_since_pcr: 0,
            after_hole: false,
            counters: MuxCounters::default(),
        })
    }

    /// Queues a unit, which may be sent from now on.
    ///
    /// # Errors
    /// The unit is refused and nothing changes: no such stream, empty, too large for its PES packet, or its stamps
    /// are out of order.
    pub fn push(&mut self, unit: AccessUnit) -> Result<(), MuxError> {
        let streams = self.streams.len();
        let stream = unit.stream;
        self.streams.get_mut(stream).ok_or(MuxError::NoSuchStream { stream, streams })?.push(unit)
    }

    /// Emits every packet that departs before `until`, each with its departure.
    pub fn advance(&mut self, until: Pcr, emit: &mut dyn FnMut(Pcr, &[u8; PACKET_SIZE])) {
        let mut packet = [0; PACKET_SIZE];
        while self.now() < until {
            let now = self.now();
            match self.choose(now) {
                Turn::Psi => self.write_psi(now, &mut packet),
                Turn::Clock => self.write_clock(now, &mut packet),
                Turn::Unit(stream) => self.write_unit(stream, now, &mut packet),
                Turn::Idle(wake) => {
                    self.idle(wake.min(until), &mut packet, emit);
                    continue;
                }
            }
            self.after_hole = false;
            self.packets_since_pcr += 1;
            self.counters.packets += 1;
            self.slot += 1;
            emit(now, &packet);
        }
    }

    /// No unit or part of one is queued.
    pub fn is_idle(&self) -> bool {
        self.streams.iter().all(Stream::is_idle)
    }

    /// Leaves out every slot before `at`. Counters, versions and the slot grid go on; PSI and a PCR are due at once.
    pub fn skip_to(&mut self, at: Pcr) {
        self.slot = self.slot.max(self.slots.first_at(at));
        self.carousel.restart();
        self.after_hole = false;
        self.pcr_due = Pcr(0);
    }

    /// When the next slot departs.
    pub fn now(&self) -> Pcr {
        self.slots.departure(self.slot)
    }

    /// What has been done so far.
    pub fn counters(&self) -> MuxCounters {
        self.counters
    }

    fn choose(&mut self, now: Pcr) -> Turn {
        if self.streams.iter().any(|s| s.starts_random_access() && s.ready_at().is_some_and(|at| at <= now)) {
            self.carousel.announce(now);
        }
        self.carousel.turn(now);
        let psi = self.carousel.ready_at();
        if psi <= now {
            // between two PCRs, tables have an exact time for whoever checks their intervals
            return if self.after_hole && self.clock_is_free(now) { Turn::Clock } else { Turn::Psi };
        }
        let clock = self.pcr_due.max(self.streams[self.pcr_stream].clock_ready_at());
        if clock <= now {
            return Turn::Clock;
        }
        let mut wake = psi.min(clock);
        let mut chosen = None;
        for (index, stream) in self.streams.iter().enumerate() {
            match self.unit_ready_at(stream) {
                Some(at) if at <= now => {
                    let candidate = (stream.precedence(), index);
                    chosen = Some(chosen.map_or(candidate, |best| candidate.min(best)));
                }
                Some(at) => wake = wake.min(at),
                None => {}
            }
        }
        match chosen {
            Some(_) if self.needs_mark(now) => Turn::Clock,
            Some((_, index)) => Turn::Unit(index),
            None => Turn::Idle(wake),
        }
    }

    /// Where slots are left out after a burst, whoever tells time by the PCRs takes what comes later for a part of
    /// the burst, unless a PCR comes first.
    fn needs_mark(&self, now: Pcr) -> bool {
        self.after_hole && self.packets_since_pcr >= BURST && self.clock_is_free(now)
    }

    fn clock_is_free(&self, now: Pcr) -> bool {
        self.streams[self.pcr_stream].clock_ready_at() <= now
    }

    /// A random access point waits for the PSI before it, which has its own time.
    fn unit_ready_at(&self, stream: &Stream) -> Option<Pcr> {
        stream.ready_at().filter(|_| !(stream.starts_random_access() && self.carousel.is_sending()))
    }

    fn write_psi(&mut self, now: Pcr, packet: &mut [u8; PACKET_SIZE]) {
        self.carousel.write(now, packet);
        if !self.carousel.is_sending() {
            self.pcr_due = now;
        }
    }

    fn write_clock(&mut self, now: Pcr, packet: &mut [u8; PACKET_SIZE]) {
        let ready = self.unit_ready_at(&self.streams[self.pcr_stream]).is_some_and(|at| at <= now);
        if ready {
            self.write_unit(self.pcr_stream, now, packet);
        } else {
            let pcr = self.take_pcr(now);
            self.streams[self.pcr_stream].write_clock(now, pcr, packet);
        }
    }

    fn write_unit(&mut self, index: usize, now: Pcr, packet: &mut [u8; PACKET_SIZE]) {
        let pcr = (index == self.pcr_stream && self.wants_pcr(now)).then(|| self.take_pcr(now));
        if let Some(dts) = self.streams[index].write(now, pcr, packet) {
            self.counters.units += 1;
            self.counters.late_units += u64::from(self.slots.departure(self.slot + 1) > dts.to_pcr());
        }
    }

    /// A PCR rides along when it is due, and at the start of a unit rather than alone a little later.
    fn wants_pcr(&self, now: Pcr) -> bool {
        let stream = &self.streams[self.pcr_stream];
        let old = self.pcr_sent.is_none_or(|sent| now.saturating_sub(sent).0 >= self.pcr_interval.0 / 2);
        self.pcr_due <= now || stream.starts_random_access() || stream.starts_unit() && old
    }

    fn take_pcr(&mut self, now: Pcr) -> Pcr {
        let reserve = Pcr(self.slots.slot_duration().0 * RESERVED_SLOTS);
        self.packets_since_pcr = 0;
        self.pcr_sent = Some(now);
        self.pcr_due = now.saturating_add(self.pcr_interval).saturating_sub(reserve);
        self.slots.pcr(self.slot)
    }

    /// Lets slots pass until `wake`: filled at a constant rate, left out otherwise.
    fn idle(
        &mut self,
        wake: Pcr,
        packet: &mut [u8; PACKET_SIZE],
        emit: &mut dyn FnMut(Pcr, &[u8; PACKET_SIZE]),
    ) {
        let end = self.slots.first_at(wake);
        match self.rate {
            MuxRate::CappedVbr(_) => {
                self.slot = end;
                self.after_hole = true;
            }
            MuxRate::Cbr(_) => {
                write_null(packet);
                while self.slot < end {
                    emit(self.now(), packet);
                    self.slot += 1;
                    self.counters.packets += 1;
                    self.counters.null_packets += 1;
                }
            }
        }
    }
}
