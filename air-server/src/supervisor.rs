//! What a supervisor such as systemd is told, by the protocol of `sd_notify(3)`: that the server listens, that it ends,
//! and, for as long as that is true, that it answers. Without a supervisor nothing happens.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// The supervisor's ear.
#[derive(Debug)]
pub struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that the server answers.
    pub watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names; one that cannot be told is as none, and said in the log.
    pub fn from_environment() -> Supervisor {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()).and_then(|path| {
            let reached = reach(&path);
            reached.inspect_err(|error| tracing::warn!("NOTIFY_SOCKET={}: {error}", path.display())).ok()
        });
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let watchdog = number("WATCHDOG_USEC").filter(|us| *us > 0).map(Duration::from_micros);
        let is_ours = env::var_os("WATCHDOG_PID").is_none_or(|pid| pid == process::id().to_string().as_str());
        Supervisor { socket, watchdog: watchdog.filter(|_| is_ours) }
    }

    /// The server listens.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The server ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Tells at half the watchdog's interval that the server answers, which it does if the runtime turns, has a thread
    /// for a call, and `look` comes back. Never ends.
    pub async fn reassure(self: Arc<Self>, look: impl Fn() + Send + Sync + 'static) {
        let Some(period) = self.watchdog.filter(|_| self.socket.is_some()) else { return };
        let look = Arc::new(look);
        let mut beat = interval(period / 2);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let look = Arc::clone(&look);
            if spawn_blocking(move || look()).await.is_ok() {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, what: &str) {
        let Some((socket, supervisor)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(what.as_bytes(), supervisor) {
            tracing::warn!("{what} did not reach the supervisor: {error}");
        }
    }
}

/// A socket to tell through, and where to: a path, or after `@` a name in the abstract namespace.
fn reach(path: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?; // A supervisor that does not listen holds up nothing.
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A supervisor that hears by a name nobody else has.
    fn listening(name: &str) -> (UnixDatagram, Supervisor) {
        let name = format!("@air-supervisor-{}-{name}", process::id());
        let address = SocketAddr::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let ear = UnixDatagram::bind_addr(&address).unwrap();
        let told = Supervisor { socket: Some(reach(OsStr::new(&name)).unwrap()), watchdog: None };
        (ear, told)
    }

    fn heard(ear: &UnixDatagram) -> String {
        let mut message = [0; 64];
        let length = ear.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    #[test]
    fn it_is_told_of_the_beginning_and_the_end() {
        let (ear, told) = listening("ends");
        told.ready();
        told.stopping();
        assert_eq!([heard(&ear), heard(&ear)], ["READY=1", "STOPPING=1"]);
    }

    /// In real time, of some milliseconds.
    #[tokio::test]
    async fn it_is_reassured_only_while_the_look_comes_back() {
        let (ear, told) = listening("watchdog");
        let told = Arc::new(Supervisor { watchdog: Some(Duration::from_millis(4)), ..told });
        let (looked, mut looks) = tokio::sync::mpsc::unbounded_channel();
        let count = AtomicU32::new(0);
        let look = move || {
            let so_far = count.fetch_add(1, Ordering::Relaxed);
            let _ = looked.send(so_far);
            assert!(so_far < 3, "the engine is broken");
        };
        let reassuring = tokio::spawn(told.reassure(look));
        while looks.recv().await.is_some_and(|so_far| so_far < 5) {}
        reassuring.abort();
        ear.set_nonblocking(true).unwrap();
        let mut message = [0; 64];
        assert_eq!(std::iter::from_fn(|| ear.recv(&mut message).ok()).count(), 3);
    }

    #[test]
    fn nobody_there_is_no_error() {
        let (ear, told) = listening("gone");
        drop(ear);
        told.ready();
        Supervisor { socket: None, watchdog: None }.ready();
    }
}
