//! The tick loop: the one thread of a channel, which waits for nothing but the master clock.

use std::sync::Arc;

use super::Channel;
use super::request::{Request, Response};
use crate::control::Port;
use crate::time::{Bell, Clock, Wake};

/// Turns `channel` until `bell` is stopped, then tears it down.
///
/// Requests are answered as they come, between ticks; a tick that is due goes first.
pub(super) fn run(mut channel: Channel, port: &Port<Request, Response>, clock: &Arc<dyn Clock>, bell: &Bell) {
    loop {
        match clock.wait_until(channel.next_deadline(), bell) {
            Wake::Stopped => break,
            Wake::Deadline => channel.tick(),
            Wake::Rung => {
                while clock.now() < channel.next_deadline()
                    && let Some((request, reply)) = port.next()
                {
                    reply.send(channel.handle(request));
                }
                channel.observe();
                // What is left in the port is looked at again after the tick that is due.
                if clock.now() >= channel.next_deadline() {
                    bell.ring();
                    channel.tick();
                }
            }
        }
    }
    channel.teardown();
}
