//! The mailbox between callers, on any thread, and the one tick loop that answers them.
//!
//! A call is seen at the loop's next look, which the bell brings forward. Nobody waits for a loop that
//! has gone: whoever is waiting then, or calls later, gets [`Closed`].

use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use crate::time::Bell;

/// The tick loop has ended and will answer nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the channel has stopped")]
pub struct Closed;

/// A mailbox whose every delivery rings `bell`.
pub fn port<C, R>(bell: Bell) -> (Caller<C, R>, Port<C, R>) {
    let (sender, receiver) = mpsc::channel();
    (Caller { sender, bell }, Port { receiver })
}

/// The callers' end.
#[derive(Debug)]
pub struct Caller<C, R> {
    sender: Sender<(C, ReplyTo<R>)>,
    bell: Bell,
}

/// The tick loop's end.
#[derive(Debug)]
pub struct Port<C, R> {
    receiver: Receiver<(C, ReplyTo<R>)>,
}

/// Where the answer to one call goes; dropping it unanswered tells the caller [`Closed`].
#[derive(Debug)]
pub struct ReplyTo<R>(Option<SyncSender<R>>);

impl<C, R> Caller<C, R> {
    /// Delivers `command` and blocks until it has been answered.
    pub fn call(&self, command: C) -> Result<R, Closed> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.deliver(command, ReplyTo(Some(reply)))?;
        answer.recv().map_err(|_| Closed)
    }

    /// Delivers `event` and waits for nothing.
    pub fn notify(&self, event: C) -> Result<(), Closed> {
        self.deliver(event, ReplyTo(None))
    }

    fn deliver(&self, item: C, reply: ReplyTo<R>) -> Result<(), Closed> {
        self.sender.send((item, reply)).map_err(|_| Closed)?;
        self.bell.ring();
        Ok(())
    }
}

impl<C, R> Clone for Caller<C, R> {
    fn clone(&self) -> Self {
        Caller { sender: self.sender.clone(), bell: self.bell.clone() }
    }
}

impl<C, R> Port<C, R> {
    /// The oldest delivery not yet taken, if any; never waits.
    pub fn next(&self) -> Option<(C, ReplyTo<R>)> {
        self.receiver.try_recv().ok()
    }
}

impl<R> ReplyTo<R> {
    /// Answers the call; a caller that has gone, or never waited, is no error.
    pub fn send(self, reply: R) {
        if let Some(caller) = self.0 {
            // The caller took its end of the channel with it: nobody is left to tell.
            let _ = caller.send(reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::time::{Clock, Nanos, SystemClock, Wake};

    /// Waits on the bell as a tick loop does, then answers one delivery with its double.
    fn answer_one(bell: &Bell, port: &Port<u32, u32>) {
        assert_eq!(SystemClock::new().wait_until(Nanos::NEVER, bell), Wake::Rung);
        let (number, reply) = port.next().expect("the bell rings after the delivery");
        reply.send(number * 2);
    }

    #[test]
    fn a_call_rings_the_bell_and_returns_the_answer() {
        let bell = Bell::new();
        let (caller, port) = port(bell.clone());
        let waiting = thread::spawn(move || caller.clone().call(21));
        answer_one(&bell, &port);
        assert_eq!(waiting.join().unwrap(), Ok(42));
    }

    #[test]
    fn deliveries_arrive_in_order_and_events_need_no_answer() {
        let (caller, port) = port::<u32, u32>(Bell::new());
        caller.notify(1).unwrap();
        caller.clone().notify(2).unwrap();
        let (first, reply) = port.next().unwrap();
        reply.send(0);
        assert_eq!((first, port.next().unwrap().0), (1, 2));
        assert!(port.next().is_none());
    }

    #[test]
    fn a_loop_that_dies_releases_whoever_waits_for_it() {
        let bell = Bell::new();
        let (caller, port) = port::<u32, u32>(bell.clone());
        let waiting = thread::spawn({
            let caller = caller.clone();
            move || caller.call(1)
        });
        SystemClock::new().wait_until(Nanos::NEVER, &bell);
        drop(port);
        assert_eq!(waiting.join().unwrap(), Err(Closed));
        assert_eq!((caller.call(2), caller.notify(3)), (Err(Closed), Err(Closed)));
    }

    #[test]
    fn a_call_dropped_unanswered_is_closed() {
        let bell = Bell::new();
        let (caller, port) = port::<u32, u32>(bell.clone());
        let waiting = thread::spawn(move || caller.call(1));
        SystemClock::new().wait_until(Nanos::NEVER, &bell);
        drop(port.next());
        assert_eq!(waiting.join().unwrap(), Err(Closed));
    }
}
