//! The fan-out's thread: waits for everything at once, and does one thing after the other.
//!
//! When a batch is due, what has come from the engine becomes a block of the ring and goes to every socket that takes
//! it; then pulled viewers are woken and the judge is fed. Until then the bytes wait in the kernel: only after a pause
//! is the engine's socket watched. It ends when the fan-out is closing.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::batching::Batching;
use crate::bell::Bell;
use crate::endpoint::Endpoint;
use crate::intake::Intake;
use crate::peer::Peers;
use crate::shared::{Shared, lock};
use crate::socket::{Connection, PATIENCE, Written};

const BELL: u64 = 0;
const ENDPOINT: u64 = 1;
const ENGINE: u64 = 2;
const FIRST_VIEWER: u64 = 3;
/// Read from the engine at most before the viewers' turn.
const READ_BYTES: usize = 128 * 1024;
const EVENTS: usize = 256;
/// Turns until the engine is looked at again. However many join at once, the others' stream goes on.
const TURNS: usize = 16;
/// Told once, and then not before it is asked for again.
const WATCH: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::ONESHOT);

/// What the thread owns.
pub(crate) struct EventLoop {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    joining: Receiver<Connection>,
    epoll: OwnedFd,
    endpoint: Endpoint,
    engine: Option<UnixStream>,
    /// The engine's next bytes are told; otherwise they are looked for when a batch is due.
    watched: bool,
    intake: Intake,
    batching: Batching,
    viewers: BTreeMap<u64, Connection>,
    next_viewer: u64,
    /// Viewers that get what there is in turns, the next one first.
    queue: VecDeque<u64>,
    next_look: Instant,
    buffer: Box<[u8]>,
}

impl EventLoop {
    pub fn new(
        shared: Arc<Shared>,
        bell: Arc<Bell>,
        joining: Receiver<Connection>,
        endpoint: Endpoint,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let read = epoll::EventFlags::IN;
        epoll::add(&epoll, &*bell, epoll::EventData::new_u64(BELL), read)?;
        epoll::add(&epoll, &endpoint, epoll::EventData::new_u64(ENDPOINT), read)?;
        Ok(Self {
            shared,
            bell,
            joining,
            epoll,
            endpoint,
            engine: None,
            watched: false,
            intake: Intake::default(),
            batching: Batching::new(),
            viewers: BTreeMap::new(),
            next_viewer: FIRST_VIEWER,
            queue: VecDeque::new(),
            next_look: Instant::now(),
            buffer: vec![0; READ_BYTES].into(),
        })
    }

    /// Runs until the fan-out is closing. An error is the system's, as no descriptors left for an engine, and
    /// ends it too.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        while !self.shared.is_closing() {
            events.clear();
            let timeout = self.timeout(Instant::now()).and_then(|timeout| Timespec::try_from(timeout).ok());
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            events.iter().try_for_each(|event| self.handle(*event))?;
            let now = Instant::now();
            self.take_turns(now);
            self.pass_on_if_due(now)?;
            self.look_at_blocked(now);
        }
        // what has come is theirs
        self.read()?;
        self.publish(Instant::now());
        Ok(())
    }

    /// Until something is to be done that no descriptor tells; `None`: nothing.
    fn timeout(&self, now: Instant) -> Option<Duration> {
        if !self.queue.is_empty() {
            return Some(Duration::ZERO);
        }
        let batch = (self.engine.is_some() && !self.watched).then(|| self.batching.wait(now));
        let look = (!self.viewers.is_empty()).then(|| self.next_look.saturating_duration_since(now));
        [batch, look].into_iter().flatten().min()
    }

    fn handle(&mut self, event: epoll::Event) -> io::Result<()> {
        match event.data.u64() {
            BELL => self.join(),
            ENDPOINT => self.accept()?,
            ENGINE => self.watched = false,
            viewer => {
                let gone = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
                // copied: the kernel's struct is packed
                let flags = event.flags;
                if flags.intersects(gone) {
                    self.viewers.remove(&viewer);
                    self.count_viewers();
                } else if let Some(connection) = self.viewers.get_mut(&viewer).filter(|it| it.is_blocked()) {
                    connection.unblock();
                    self.queue.push_back(viewer);
                }
            }
        }
        Ok(())
    }

    /// Takes in the sockets that were handed over, and gives each what there is.
    fn join(&mut self) {
        self.bell.silence();
        while let Ok(connection) = self.joining.try_recv() {
            let number = self.next_viewer;
            self.next_viewer += 1;
            // The edge of "takes bytes again" needs no change of what is asked for, write by write.
            let flags = epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(number);
            // What cannot be watched, as a file, is no viewer; dropped, it reads as closed.
            if epoll::add(&self.epoll, &*connection.socket, data, flags).is_ok() {
                self.viewers.insert(number, connection);
                self.queue.push_back(number);
            }
        }
        self.count_viewers();
    }

    /// One engine at a time: while it is there the others wait in the kernel.
    fn accept(&mut self) -> io::Result<()> {
        let Some(engine) = self.endpoint.accept()? else { return Ok(()) };
        epoll::add(&self.epoll, &engine, epoll::EventData::new_u64(ENGINE), WATCH)?;
        self.watched = true;
        epoll::delete(&self.epoll, &self.endpoint)?;
        self.engine = Some(engine);
        let mut ring = self.shared.ring_mut();
        self.intake.begin(&mut ring, Instant::now());
        lock(&self.shared.inspection).begin();
        Ok(())
    }

    fn pass_on_if_due(&mut self, now: Instant) -> io::Result<()> {
        if self.watched || !self.batching.wait(now).is_zero() {
            return Ok(());
        }
        if self.read()? {
            self.publish(now);
        } else if let Some(engine) = &self.engine {
            epoll::modify(&self.epoll, engine, epoll::EventData::new_u64(ENGINE), WATCH)?;
            self.watched = true;
        }
        Ok(())
    }

    /// Takes what the engine has sent, one buffer at most; whether there was any.
    fn read(&mut self) -> io::Result<bool> {
        let Some(engine) = &mut self.engine else { return Ok(false) };
        match engine.read(&mut self.buffer) {
            Ok(length) if length > 0 => {
                self.intake.take(&self.buffer[..length]);
                return Ok(true);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            _ => {
                // closing it takes it out of the epoll set
                self.engine = None;
                let data = epoll::EventData::new_u64(ENDPOINT);
                epoll::add(&self.epoll, &self.endpoint, data, epoll::EventFlags::IN)?;
            }
        }
        Ok(false)
    }

    /// Gives viewers what has come, but for those who have older bytes to get in turns.
    fn publish(&mut self, now: Instant) {
        let mut ring = self.shared.ring_mut();
        let block = self.intake.publish(&mut ring, now);
        drop(ring);
        let Some(block) = block else { return };
        let before = self.shared.counts.bytes_in.fetch_add(block.len() as u64, Relaxed);
        if before == 0 {
            self.shared.announce_begin();
        }
        self.write_all(now);
        let pulled = self.shared.pulled_viewers();
        pulled.iter().for_each(|viewer| viewer.wake());
        self.batching.set_viewers(self.viewers.len(), pulled.len());
        self.batching.sent(block.len(), now);
        lock(&self.shared.inspection).feed(&block);
    }

    fn write_all(&mut self, now: Instant) {
        let ring = self.shared.ring();
        let queue = &mut self.queue;
        self.viewers.retain(|number, connection| {
            if connection.is_queued() {
                return true;
            }
            let written = connection.write(&ring, &self.shared, now);
            if written == Written::Some {
                queue.push_back(*number);
            }
            written != Written::Ended
        });
        drop(ring);
        self.count_viewers();
    }

    /// Goes on with some of those who get what there is in turns.
    fn take_turns(&mut self, now: Instant) {
        if self.queue.is_empty() {
            return;
        }
        let ring = self.shared.ring();
        for _ in 0..TURNS.min(self.queue.len()) {
            let Some(number) = self.queue.pop_front() else { break };
            let Some(connection) = self.viewers.get_mut(&number) else { continue };
            match connection.write(&ring, &self.shared, now) {
                Written::Some => self.queue.push_back(number),
                Written::Ended => _ = self.viewers.remove(&number),
                Written::All | Written::Blocked => {}
            }
        }
        drop(ring);
        self.count_viewers();
    }

    /// Finds out which of those that have been blocked for long are still there.
    fn look_at_blocked(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + PATIENCE / 2;
        if self.viewers.values().any(|connection| connection.is_stuck(now)) {
            let peers = Peers::look();
            self.viewers.retain(|_, connection| !connection.is_stuck(now) || connection.is_there(&peers));
            self.count_viewers();
        }
    }

    fn count_viewers(&self) {
        self.shared.counts.sockets.store(self.viewers.len(), Relaxed);
    }
}
