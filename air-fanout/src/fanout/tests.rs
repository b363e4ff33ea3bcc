//! The whole fan-out over real sockets. Real time: the kernel and the thread do the waiting, and every wait ends
//! with what it waits for.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::*;
use crate::Taken;
use crate::testing::{Shape, number, numbered_stream, stream};

/// More than any machine needs; nobody waits for it unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

const NULL_PACKET: [u8; 188] = {
    let mut packet = [0xFF; 188];
    (packet[0], packet[1], packet[3]) = (0x47, 0x1F, 0x10);
    packet
};

fn fanout(slow: SlowPolicy, ring_bytes: usize) -> Fanout {
    Fanout::new(Config { name: "test".into(), slow, ring_bytes, ..Config::default() }).unwrap()
}

fn engine(fanout: &Fanout) -> UnixStream {
    UnixStream::connect(fanout.endpoint()).unwrap()
}

/// A viewer's two ends: the host's, and the player's.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let player = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    player.set_read_timeout(Some(PATIENCE)).unwrap();
    (listener.accept().unwrap().0, player)
}

fn wait_until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < PATIENCE, "waited in vain");
        std::thread::yield_now();
    }
}

fn read(player: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    player.read_exact(&mut bytes).unwrap();
    bytes
}

/// FO-1: the first viewer gets every byte, a later one whole packets from an entry point on, after its head.
#[test]
fn viewers_get_the_stream_from_an_entry_point_on_after_their_head() {
    let (fanout, shape) = (fanout(SlowPolicy::Skip, 1 << 20), Shape::tables_first());
    let (mut first, mut later) = (connection(), connection());
    let packets = stream(shape, 3);
    fanout.hand_over(&first.0, b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).unwrap();
    assert_eq!(read(&mut first.1, 19), b"HTTP/1.1 200 OK\r\n\r\n", "before there is a stream");
    engine(&fanout).write_all(&packets).unwrap();
    assert_eq!(read(&mut first.1, packets.len()), packets);
    let viewer = fanout.hand_over(&later.0, Vec::new()).unwrap();
    let from = 2 * shape.gop_bytes() as usize;
    assert_eq!(read(&mut later.1, packets.len() - from), packets[from..]);
    wait_until(|| viewer.bytes_sent() == (packets.len() - from) as u64);
    let stats = fanout.stats();
    assert_eq!((stats.viewers, stats.bytes_in, stats.skips), (2, packets.len() as u64, 0));
}

#[test]
fn a_pulled_viewer_gets_the_same_and_its_end() {
    let fanout = fanout(SlowPolicy::Skip, 1 << 20);
    let viewer = fanout.viewer().unwrap();
    assert_eq!(viewer.take(), Taken::Nothing);
    let packets = stream(Shape::tables_first(), 3);
    engine(&fanout).write_all(&packets).unwrap();
    let mut got = Vec::new();
    while got.len() < packets.len() {
        match viewer.take() {
            Taken::Batch(batch) => got.extend(batch),
            Taken::Nothing => viewer.wait(PATIENCE),
            Taken::End => panic!("too early"),
        }
    }
    assert_eq!(got, packets);
    std::thread::scope(|scope| {
        scope.spawn(|| fanout.close());
        while viewer.take() != Taken::End {
            viewer.wait(PATIENCE);
        }
    });
}

/// FO-2: one that reads nothing is moved alone, and once it reads goes on with whole packets at an entry point.
#[test]
fn a_viewer_that_reads_nothing_is_moved_alone_and_gets_no_broken_packet() {
    let (fanout, shape) = (fanout(SlowPolicy::Skip, 1 << 20), Shape::tables_first());
    let (mut prompt, mut stuck) = (connection(), connection());
    fanout.hand_over(&prompt.0, Vec::new()).unwrap();
    let moved = fanout.hand_over(&stuck.0, Vec::new()).unwrap();
    wait_until(|| fanout.stats().viewers == 2);
    // more than kernel and ring hold together
    let packets = numbered_stream(shape, 8000);
    let sent = packets.clone();
    let mut engine = engine(&fanout);
    let sender = std::thread::spawn(move || engine.write_all(&sent).map(|()| engine));
    assert!(read(&mut prompt.1, packets.len()) == packets, "every byte");
    let mut got = Vec::new();
    let last = number(&packets[packets.len() - 188..]);
    let mut buffer = vec![0; 1 << 16];
    while got.len() < 188 || number(&got[got.len() / 188 * 188 - 188..]) != last {
        let length = stuck.1.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "it is not closed");
        got.extend_from_slice(&buffer[..length]);
    }
    let numbers: Vec<u32> = got.chunks(188).map(number).collect();
    let cuts: Vec<u32> =
        numbers.windows(2).filter(|pair| pair[0] + 1 != pair[1]).map(|pair| pair[1]).collect();
    assert_eq!((cuts.len() as u64, fanout.stats().skips), (moved.skips(), moved.skips()));
    assert!(!cuts.is_empty());
    let gop = shape.gop_bytes() as u32 / 188;
    assert!(cuts.iter().all(|cut| cut % gop == 0), "each goes on at the tables of a GOP: {cuts:?}");
    drop(sender.join().unwrap().unwrap());
}

/// FO-2: a hundred viewers get seconds of stream each, and the one before them its next packet among the first.
#[test]
fn many_who_join_at_once_do_not_keep_the_others_waiting() {
    let fanout = fanout(SlowPolicy::Skip, 1 << 20);
    let prompt = connection();
    let viewer = fanout.hand_over(&prompt.0, Vec::new()).unwrap();
    // one GOP, so that everybody begins with it
    let packets = [stream(Shape::tables_first(), 1), [NULL_PACKET; 1500].concat()].concat();
    let mut engine = engine(&fanout);
    engine.write_all(&packets).unwrap();
    let mut player = prompt.1;
    read(&mut player, packets.len());

    let other = connection();
    fanout.hand_over(&other.0, Vec::new()).unwrap();
    wait_until(|| fanout.stats().viewers == 2);

    // The thread is done with all that. Now it gets as far as the judge, and then finds at once what came meanwhile.
    let held = lock(&fanout.shared.inspection);
    engine.write_all(&NULL_PACKET).unwrap();
    read(&mut player, 188);
    let joining: Vec<_> = std::iter::repeat_with(connection).take(100).collect();
    let viewers = joining.iter().map(|(host, _)| fanout.hand_over(host, Vec::new()).unwrap());
    let viewers: Vec<SocketViewer> = viewers.collect();
    engine.write_all(&NULL_PACKET).unwrap();
    drop(held);
    wait_until(|| viewer.bytes_sent() == packets.len() as u64 + 2 * 188);
    assert!(viewers.iter().any(|viewer| viewer.bytes_sent() == 0));
    wait_until(|| viewers.iter().all(|viewer| viewer.bytes_sent() > 200_000));
}

#[test]
fn with_the_other_policy_it_is_closed_alone() {
    let fanout = fanout(SlowPolicy::Close, 1 << 20);
    let (mut prompt, stuck) = (connection(), connection());
    fanout.hand_over(&prompt.0, Vec::new()).unwrap();
    let viewer = fanout.hand_over(&stuck.0, Vec::new()).unwrap();
    wait_until(|| fanout.stats().viewers == 2);
    let packets = stream(Shape::tables_first(), 8000);
    let sent = packets.clone();
    let mut engine = engine(&fanout);
    let sender = std::thread::spawn(move || engine.write_all(&sent).map(|()| engine));
    assert!(read(&mut prompt.1, packets.len()) == packets, "every byte");
    wait_until(|| viewer.is_closed());
    assert_eq!((fanout.stats().slow_closed, fanout.stats().viewers), (1, 1));
    drop(sender.join().unwrap().unwrap());
}

/// Whether the player closes, resets, or the host closes: the viewer is gone, and the host sees its own end of it.
#[test]
fn a_connection_that_ends_is_seen_at_once() {
    let fanout = fanout(SlowPolicy::Skip, 1 << 20);
    let (mut host, player) = connection();
    let viewer = fanout.hand_over(&host, Vec::new()).unwrap();
    drop(player);
    wait_until(|| viewer.is_closed());
    assert_eq!(host.read(&mut [0]).unwrap(), 0);

    // unread bytes make the close a reset
    let (host, player) = connection();
    let viewer = fanout.hand_over(&host, b"never read".to_vec()).unwrap();
    wait_until(|| viewer.bytes_sent() == 10);
    player.peek(&mut [0]).unwrap();
    drop(player);
    wait_until(|| viewer.is_closed());

    let (host, mut player) = connection();
    let viewer = fanout.hand_over(&host, Vec::new()).unwrap();
    viewer.close();
    assert_eq!(player.read(&mut [0]).unwrap(), 0);
    wait_until(|| viewer.is_closed() && fanout.stats().viewers == 0);
}

/// L-41: another engine goes on where the one before broke off, and says so; a viewer that joins then sees only it.
#[test]
fn an_engine_that_was_replaced_is_one_cut_in_whole_packets() {
    let (fanout, packets) = (fanout(SlowPolicy::Skip, 1 << 20), numbered_stream(Shape::tables_first(), 3));
    let (mut all, mut late) = (connection(), connection());
    fanout.hand_over(&all.0, Vec::new()).unwrap();
    let mut first = engine(&fanout);
    first.write_all(&packets[..1000]).unwrap();
    assert_eq!(read(&mut all.1, 940), packets[..940]);
    let mut second = engine(&fanout);
    drop(first);
    second.write_all(&packets).unwrap();
    let after = read(&mut all.1, packets.len());
    assert_eq!(number(&after[..188]), 0, "the half packet is dropped");
    assert_eq!(after.iter().zip(&packets).filter(|(a, b)| a != b).count(), 2, "video and sound are marked");
    fanout.hand_over(&late.0, Vec::new()).unwrap();
    assert_eq!(number(&read(&mut late.1, 188)) % 18, 0);
}

/// FO-3, TD-6: closing leaves nothing, whatever was going on. 50 ms, with a margin for a busy machine.
#[test]
fn closing_leaves_nothing_and_is_quick() {
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    for round in 0..200 {
        let fanout = fanout(SlowPolicy::Skip, 1 << 20);
        let path = fanout.endpoint().to_owned();
        let mut engine = (round % 2 == 0).then(|| engine(&fanout));
        let (host, mut player) = connection();
        let viewer = (round % 3 > 0).then(|| fanout.hand_over(&host, Vec::new()).unwrap());
        let pulled = (round % 4 > 0).then(|| fanout.viewer().unwrap());
        if let Some(engine) = engine.as_mut().filter(|_| round % 5 > 0) {
            engine.write_all(&stream(Shape::tables_first(), 2)).unwrap();
        }
        let began = Instant::now();
        fanout.close();
        fanout.close();
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(!path.exists() && !path.parent().unwrap().exists());
        if let Some(viewer) = viewer {
            assert!(viewer.is_closed());
            player.read_to_end(&mut Vec::new()).unwrap();
        }
        assert!(pulled.is_none_or(|viewer| viewer.take() == Taken::End));
        assert!(fanout.hand_over(&host, Vec::new()).is_err() && fanout.viewer().is_err());
    }
    assert_eq!(descriptors(), before);
}

#[test]
fn what_is_no_stream_socket_is_refused() {
    let fanout = fanout(SlowPolicy::Skip, 1 << 20);
    assert!(fanout.hand_over(fs::File::open("/dev/null").unwrap(), Vec::new()).is_err());
    assert!(fanout.hand_over(std::net::UdpSocket::bind("127.0.0.1:0").unwrap(), Vec::new()).is_err());
}
