//! What the kernel is to do about a viewer's connection: send at once, keep little, and find out who is gone.
//!
//! A peer that vanished with bytes on the way is given up after 25 s by `TCP_USER_TIMEOUT`. The kernel would do the
//! same to a paused player, which answers but takes nothing. The two differ in the timer that runs: a retransmission,
//! or a probe of a closed window, as `/proc/net/tcp` shows. So a blocked viewer is looked up, and while its window is
//! probed and the probes are answered, the limit is lifted.

use std::collections::HashMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt;

/// Silence, with bytes on the way, after which nobody is there.
const SILENCE: Duration = Duration::from_secs(25);
/// With keepalive after this much, three times five seconds apart, an idle one is found in 25 s too.
const IDLE: Duration = Duration::from_secs(10);
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;
/// What a paused viewer holds in the kernel, which doubles it; half a second of 8 Mb/s.
const SEND_BUFFER: usize = 512 * 1024;
/// Window probes that nobody answered: 13 s of them at first, but their distance doubles while a pause lasts, up to two
/// minutes.
const DEAF: u64 = 6;
/// `tr` of `/proc/net/tcp`: a closed window is being probed.
const PROBING: &str = "04";

/// Prepares a connection; on one that is not TCP there is nothing to do.
pub(crate) fn prepare(socket: &OwnedFd) {
    let _ = sockopt::set_socket_send_buffer_size(socket, SEND_BUFFER);
    let _ = sockopt::set_tcp_nodelay(socket, true);
    let _ = sockopt::set_socket_keepalive(socket, true);
    let _ = sockopt::set_tcp_keepidle(socket, IDLE);
    let _ = sockopt::set_tcp_keepintvl(socket, PROBE_INTERVAL);
    let _ = sockopt::set_tcp_keepcnt(socket, PROBES);
    limit_silence(socket, true);
}

/// Whether the kernel gives the peer up after [`SILENCE`].
pub(crate) fn limit_silence(socket: &OwnedFd, limited: bool) {
    let limit = if limited { SILENCE } else { Duration::ZERO };
    let _ = sockopt::set_tcp_user_timeout(socket, limit.as_millis() as u32);
}

/// What is known of a blocked viewer's peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// It answers, and takes nothing.
    Paused,
    /// Its answers to window probes have stopped.
    Deaf,
    /// Bytes are on the way, and the kernel watches them.
    Watched,
}

/// The connections whose closed window is probed, by inode: thousands of viewers are looked up in one reading.
pub(crate) struct Peers(HashMap<u64, Peer>);

impl Peers {
    pub fn look() -> Self {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        Self::read(&tables.map(|table| fs::read_to_string(table).unwrap_or_default()).concat())
    }

    fn read(tables: &str) -> Self {
        Self(tables.lines().filter_map(probed).collect())
    }

    pub fn find(&self, socket: &OwnedFd) -> Peer {
        rustix::fs::fstat(socket).map_or(Peer::Watched, |status| self.of_inode(status.st_ino))
    }

    fn of_inode(&self, inode: u64) -> Peer {
        self.0.get(&inode).copied().unwrap_or(Peer::Watched)
    }
}

/// The inode and the peer of a row that tells of a closed window.
fn probed(row: &str) -> Option<(u64, Peer)> {
    // sl local rem st tx:rx tr:when retrnsmt uid timeout inode
    let mut row = row.split_ascii_whitespace().skip(5);
    row.next().filter(|timer| timer.starts_with(PROBING))?;
    let unanswered: u64 = row.nth(2)?.parse().ok()?;
    let inode = row.next()?.parse().ok()?;
    Some((inode, if unanswered >= DEAF { Peer::Deaf } else { Peer::Paused }))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn row(timer: &str, probes: u32, inode: u64) -> String {
        format!(
            "  1: 0100007F:1F90 0100007F:C350 01 00040000:00000000 {timer}:00000014 00000000     0        {probes} \
             {inode} 2 0000000000000000 20 4 30 10 -1\n"
        )
    }

    #[test]
    fn a_closed_window_is_told_from_bytes_on_the_way() {
        let peers = Peers::read(&(row("04", 0, 11) + &row("04", 6, 12) + &row("01", 0, 13)));
        let found = [11, 12, 13, 14].map(|inode| peers.of_inode(inode));
        assert_eq!(found, [Peer::Paused, Peer::Deaf, Peer::Watched, Peer::Watched]);
    }

    /// FO-2: nobody is served meanwhile. Real time, with the contract's half second for what takes some milliseconds.
    #[test]
    fn thousands_of_paused_viewers_are_looked_up_in_no_time() {
        let rows: String = (0..5000).map(|inode| row("04", 0, inode)).collect();
        let began = Instant::now();
        let peers = Peers::read(&rows);
        assert!((0..5000).all(|inode| peers.of_inode(inode) == Peer::Paused));
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    }
}
