//! A sink without threads: packs and writes on the caller's thread. For the virtual clock.

use std::time::Duration;

use super::config::SinkConfig;
use super::pace::SinkState;
use super::packer::{PackError, Packer};
use super::sink::{Sink, SinkTotals};
use crate::format::ProgramFormat;
use crate::frame::ProgramFrame;
use crate::transport::Transport;

/// Every offered frame has been written when `offer` returns.
pub struct InlineSink {
    packer: Packer,
    transport: Box<dyn Transport>,
    packets: Vec<u8>,
    state: SinkState,
    totals: SinkTotals,
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
            on_lost: Some(Box::new(on_lost)),
        })
    }

    fn write(&mut self, frame: &ProgramFrame) -> Result<(), String> {
        let packets = &mut self.packets;
        packets.clear();
        self.packer
            .pack(frame, Some(&frame.picture), &mut |_, packet| packets.extend_from_slice(packet))
            .map_err(|error| error.to_string())?;
        self.transport.write_all(&self.packets).map_err(|error| error.to_string())?;
        self.totals.bytes_written += self.packets.len() as u64;
        self.totals.writes += 1;
        Ok(())
    }
}

impl Sink for InlineSink {
    fn offer(&mut self, frame: ProgramFrame) {
        if self.state == SinkState::Error {
            return;
        }
        self.state = SinkState::Running;
        if let Err(reason) = self.write(&frame) {
            self.state = SinkState::Error;
            if let Some(on_lost) = self.on_lost.take() {
                on_lost(reason);
            }
        }
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

    fn close(self: Box<Self>, _force: bool) {}
}
