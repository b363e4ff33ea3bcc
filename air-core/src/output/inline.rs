//! A sink without threads: packs and writes on the caller's thread. For the virtual clock.

use std::time::Duration;

use super::packer::{Emit, PackError, Packer};
use super::sink::{Sink, SinkState, SinkTotals};
use crate::config::SinkConfig;
use crate::format::ProgramFormat;
use crate::frame::ProgramFrame;
use crate::time::Stamp;
use crate::transport::Transport;

/// Every offered frame has been written when `offer` returns.
pub struct InlineSink {
    packer: Packer,
    transport: Box<dyn Transport>,
    packets: Vec<u8>,
    state: SinkState,
    totals: SinkTotals,
    last: Option<Stamp>,
    on_lost: Option<Box<dyn FnOnce(String) + Send>>,
}

impl InlineSink {
    /// Opens the sink; `on_lost` is called once if it cannot go on.
    pub fn open(
        config: &SinkConfig,
        format: &ProgramFormat,
        transport: Box<dyn Transport>,
        on_lost: impl FnOnce(String) + Send + 'static,
    ) -> Result<InlineSink, PackError> {
        Ok(InlineSink {
            packer: Packer::open(config, format)?,
            transport,
            packets: Vec::new(),
            state: SinkState::Starting,
            totals: SinkTotals::default(),
            last: None,
            on_lost: Some(Box::new(on_lost)),
        })
    }

    /// Writes the packets that `pack` makes; the first failure is the last thing the sink does.
    fn write(&mut self, pack: impl FnOnce(&mut Packer, Emit<'_>) -> Result<(), PackError>) {
        if self.state == SinkState::Error {
            return;
        }
        let packets = &mut self.packets;
        packets.clear();
        let packed = pack(&mut self.packer, &mut |_, packet| packets.extend_from_slice(packet));
        let written = packed
            .map_err(|error| error.to_string())
            .and_then(|()| self.transport.write_all(&self.packets).map_err(|error| error.to_string()));
        self.totals.bytes_written += self.packets.len() as u64;
        self.totals.writes += 1;
        self.state = SinkState::Running;
        if let Err(reason) = written {
            self.state = SinkState::Error;
            if let Some(on_lost) = self.on_lost.take() {
                on_lost(reason);
            }
        }
    }
}

impl Sink for InlineSink {
    fn offer(&mut self, frame: ProgramFrame) {
        self.last = Some(frame.stamp);
        self.write(|packer, emit| packer.pack(&frame, Some(&frame.picture), emit));
    }

    fn state(&self) -> SinkState {
        self.state
    }

    fn totals(&self) -> SinkTotals {
        self.totals
    }

    fn leave(&mut self) {}

    fn wait_left(&mut self, _at_most: Duration) -> bool {
        true
    }

    /// Without `force`, what the encoders hold back is written first: a file ends whole.
    fn close(mut self: Box<Self>, force: bool) -> SinkTotals {
        if let Some(last) = self.last.filter(|_| !force) {
            self.write(|packer, emit| packer.finish(last, emit));
        }
        self.totals
    }
}
