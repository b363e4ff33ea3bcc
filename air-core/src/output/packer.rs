//! The packer: program frames in, transport-stream packets out, each with its departure on the master clock.
//!
//! One encoder and one mux for the life of a sink. Takes, underruns and black pass through it as frames like
//! any other, which is why no counter, PID or clock can notice them.

use air_av::Picture;
use air_ts::mux::{AccessUnit, Mux, MuxConfig, MuxError, MuxRate};
use air_ts::{Pcr, Pts};

use crate::config::{ConfigError, SinkConfig};
use crate::encode::{EncodeError, Encoder, VIDEO};
use crate::format::ProgramFormat;
use crate::frame::ProgramFrame;
use crate::time::{Nanos, Stamp};

/// Above the rate at which the decoder's buffer takes video: room for sound and tables beside a picture that
/// is sent as fast as it may be.
const ROOM_BESIDE_VIDEO_BPS: u64 = 4_000_000;

/// Where packets go: the departure, and the packet.
pub type Emit<'a> = &'a mut dyn FnMut(Nanos, &[u8; 188]);

/// Why packets cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The configuration contradicts itself or the format.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The encoder said no.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The mux said no.
    #[error(transparent)]
    Mux(#[from] MuxError),
}

/// Encodes and wraps for one sink.
pub struct Packer {
    encoder: Encoder,
    mux: Mux,
    mux_delay: Pts,
    units: Vec<AccessUnit>,
    state: PackerState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PackerState {
    /// No packet yet, or none for a while: the next ones begin with tables and an IDR.
    Silent,
    /// Sound, tables and clock go out, and no picture: the next one is an IDR.
    WithoutPicture,
    Packing,
}

impl Packer {
    /// Opens encoder and mux.
    pub fn open(config: &SinkConfig, format: &ProgramFormat) -> Result<Packer, PackError> {
        config.validate(format)?;
        let encoder = Encoder::open(config, format)?;
        let streams = encoder.streams();
        let rate = match config.mux_rate {
            Some(rate) => MuxRate::Cbr(rate),
            None => MuxRate::CappedVbr(streams[VIDEO].buffer.leak_bps + ROOM_BESIDE_VIDEO_BPS),
        };
        let mux = MuxConfig {
            streams: streams.to_vec(),
            pcr_stream: VIDEO,
            rate,
            service_name: config.service_name.clone(),
            provider_name: config.provider_name.clone(),
            ..MuxConfig::default()
        };
        Ok(Packer {
            encoder,
            mux: Mux::new(mux, Pcr(0))?,
            mux_delay: Pts(config.mux_delay_ms(format) * 90),
            units: Vec::new(),
            state: PackerState::Silent,
        })
    }

    /// Makes the packets that depart during the tick of `frame`, which shows `picture`, if any.
    pub fn pack(
        &mut self,
        frame: &ProgramFrame,
        picture: Option<&Picture>,
        emit: Emit<'_>,
    ) -> Result<(), PackError> {
        if self.state == PackerState::Silent {
            self.mux.skip_to(self.clock_at(frame.stamp.pts));
        }
        let random_access = frame.random_access || self.state != PackerState::Packing;
        self.encoder.encode(frame, picture, random_access, &mut self.units)?;
        for unit in self.units.drain(..) {
            self.mux.push(unit)?;
        }
        self.state = if picture.is_some() { PackerState::Packing } else { PackerState::WithoutPicture };
        self.advance(frame.stamp, emit);
        Ok(())
    }

    /// Leaves one tick out: its sound is encoded, so that samples go on being counted, and nothing of it is sent.
    /// What was begun before is finished, so that no access unit is ever cut.
    pub fn leave_out(&mut self, frame: &ProgramFrame, emit: Emit<'_>) -> Result<(), PackError> {
        self.state = PackerState::Silent;
        self.encoder.encode(frame, None, false, &mut self.units)?;
        self.units.clear();
        if !self.mux.is_idle() {
            self.advance(frame.stamp, emit);
        }
        Ok(())
    }

    /// Ends the stream after `last`: what the encoders hold back is sent, as far as it can be within a second.
    pub fn finish(&mut self, last: Stamp, emit: Emit<'_>) -> Result<(), PackError> {
        self.encoder.finish(&mut self.units)?;
        for unit in self.units.drain(..) {
            self.mux.push(unit)?;
        }
        let end = self.clock_at(last.next_pts);
        for step in (1..=100).map(|step| Pcr::from_ms(10 * step)) {
            if self.mux.is_idle() {
                break;
            }
            self.mux.advance(end.saturating_add(step), &mut |_, packet| emit(last.due, packet));
        }
        Ok(())
    }

    /// Emits what departs until the next tick. A packet leaves one tick later than its slot on the system
    /// clock says, so that encoding has that long; then none leaves late, and arrival follows the PCR.
    fn advance(&mut self, stamp: Stamp, emit: Emit<'_>) {
        let (from, until) = (self.clock_at(stamp.pts), self.clock_at(stamp.next_pts));
        let span = until.0.saturating_sub(from.0);
        self.mux.advance(until, &mut |departure, packet| {
            let ticks = (departure.0 + span).saturating_sub(from.0);
            emit(Nanos(stamp.due.0 + ticks * 1000 / 27), packet);
        });
    }

    /// The system clock when the picture of `pts` arrives at the mux.
    fn clock_at(&self, pts: Pts) -> Pcr {
        pts.saturating_sub(self.mux_delay).to_pcr()
    }
}
