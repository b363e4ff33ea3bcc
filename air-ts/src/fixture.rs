//! Made-up access units for tests: right in every header that is read here, noise elsewhere.

use crate::packet::PACKET_SIZE;
use crate::{AccessUnit, Mux, MuxConfig, MuxRate, Pcr, Pts};

/// DTS less PCR, 300 ms.
pub const DELAY: Pts = Pts(27_000);
/// Pictures a second.
pub const RATE: (u64, u64) = (30_000, 1001);
/// Pictures from one IDR to the next.
pub const GOP: u64 = 15;

/// A picture of `size` bytes in Annex B: AUD, for an IDR also SPS and PPS, one slice.
pub fn picture(is_idr: bool, size: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 1, 0x09, 0xF0];
    if is_idr {
        bytes.extend([0, 0, 0, 1, 0x67, 100, 0, 40, 0xAC]);
        bytes.extend([0, 0, 0, 1, 0x68, 0xEE, 0x3C, 0x80]);
    }
    bytes.extend([0, 0, 1, if is_idr { 0x65 } else { 0x41 }, 0x88]);
    let noise = (0..).map(|i: usize| (i * 31 % 251 + 4) as u8);
    bytes.extend(noise.take(size.saturating_sub(bytes.len())));
    bytes
}

/// An ADTS frame of `size` bytes: AAC-LC, 48 kHz, stereo.
pub fn sound(size: usize) -> Vec<u8> {
    let mut bytes =
        vec![0xFF, 0xF1, 0x4C, 0x80 | (size >> 11) as u8, (size >> 3) as u8, (size << 5) as u8 | 0x1F, 0xFC];
    bytes.resize(size, 0x21);
    bytes
}

/// Sizes of pictures and frames as they come from an encoder at some 3 Mb/s.
fn picture_size(n: u64) -> usize {
    if n.is_multiple_of(GOP) { 45_000 } else { 6_000 + (n * 7919 % 9000) as usize }
}

/// When a tick is, from `origin` on.
pub fn tick(origin: Pts, n: u64) -> Pts {
    Pts(origin.0 + n * 90_000 * RATE.1 / RATE.0)
}

/// The units of tick n: its picture and the sound finished by then.
pub fn units(origin: Pts, n: u64) -> Vec<AccessUnit> {
    let zero = origin.0 + DELAY.0;
    let dts = tick(Pts(zero), n);
    let random_access = n.is_multiple_of(GOP);
    let video =
        AccessUnit { stream: 0, pts: dts, dts, random_access, data: picture(random_access, picture_size(n)) };
    let frames_by = |n: u64| (n * RATE.1 * 48_000).div_ceil(RATE.0 * 1024);
    let audio = (frames_by(n)..frames_by(n + 1)).map(|m| {
        let dts = Pts(zero + m * 1920);
        AccessUnit {
            stream: 1,
            pts: dts,
            dts,
            random_access: false,
            data: sound(400 + (m * 37 % 240) as usize),
        }
    });
    std::iter::once(video).chain(audio).collect()
}

/// What a mux emitted.
#[derive(Default)]
pub struct Capture {
    pub bytes: Vec<u8>,
    pub departures: Vec<Pcr>,
}

impl Capture {
    pub fn packets(&self) -> Vec<[u8; PACKET_SIZE]> {
        self.bytes.as_chunks().0.to_vec()
    }

    pub fn advance(&mut self, mux: &mut Mux, until: Pcr) {
        mux.advance(until, &mut |departure, packet| {
            self.departures.push(departure);
            self.bytes.extend_from_slice(packet);
        });
    }
}

/// So many ticks through a mux that starts at `origin`, each pushed when it comes.
pub fn run(rate: MuxRate, origin: Pts, ticks: u64) -> (Mux, Capture) {
    run_edited(MuxConfig { rate, ..MuxConfig::default() }, origin, ticks, |_, unit| Some(unit))
}

/// The same with any configuration, and units of tick n changed or left out by `edit`.
pub fn run_edited(
    config: MuxConfig,
    origin: Pts,
    ticks: u64,
    edit: impl Fn(u64, AccessUnit) -> Option<AccessUnit>,
) -> (Mux, Capture) {
    let mut mux = Mux::new(config, origin.to_pcr()).expect("a valid mux");
    let mut capture = Capture::default();
    for n in 0..ticks {
        for unit in units(origin, n).into_iter().filter_map(|unit| edit(n, unit)) {
            mux.push(unit).expect("units in order");
        }
        capture.advance(&mut mux, tick(origin, n + 1).to_pcr());
    }
    (mux, capture)
}
