"""The fan-out from Python, over real sockets and in real time: the kernel and a native thread do the waiting."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import resource
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from fake_stream import GOP_PACKETS, PACKET, number_of, packets

from air_py import Fanout, SlowPolicy, StreamTransport, Viewer
from air_py.fanout import FanoutStats

PATIENCE_S = 20.0
"""Nobody waits for it unless something is broken."""


def test_one_viewer_gets_every_byte_sync_and_async() -> None:
    """FO-6: whole packets, whatever pieces the engine writes."""
    stream = packets(200)
    with Fanout() as fanout, engine_of(fanout) as engine:
        sync, later = fanout.viewer(), fanout.viewer()
        assert fanout.transport is StreamTransport.UNIX_DOMAIN_SOCKET
        assert not fanout.first_bytes(0)
        for at in range(0, len(stream), 1000):
            engine.sendall(stream[at : at + 1000])
        assert fanout.first_bytes(PATIENCE_S)
        assert collect(sync, len(stream)) == stream

        async def read() -> bytes:
            got = b""
            async for batch in later:
                assert len(batch) % PACKET == 0
                got += batch
                if len(got) == len(stream):
                    break
            return got

        assert asyncio.run(read()) == stream
        assert sync.bytes_sent == later.bytes_sent == len(stream)
        stats = fanout.stats()
        assert isinstance(stats, FanoutStats)
        assert (stats.viewers, stats.bytes_in, stats.bytes_out) == (2, len(stream), 2 * len(stream))


def test_ten_viewers_compare_equal_over_their_overlap() -> None:
    """FO-1, FO-6: all get the same bytes from their join on, which begins with a PAT."""
    stream = packets(2000)
    with Fanout() as fanout, engine_of(fanout) as engine:
        sockets, got = [], []
        for join in range(10):
            ours, theirs = connection()
            sockets.append(theirs)
            fanout.hand_over(ours.fileno())
            ours.close()
            wait_until(partial(has, fanout, viewers=join + 1))
            piece = stream[join * PACKET * 200 : (join + 1) * PACKET * 200]
            engine.sendall(piece)
            wait_until(partial(has, fanout, bytes_in=(join + 1) * PACKET * 200))
        # closing sends what is left, then the end
        fanout.close()
        for theirs in sockets:
            got.append(read_to_end(theirs))
    assert got[0] == stream
    for one in got:
        assert one[:1] == b"G" and stream.endswith(one)
        assert number_of(one[:PACKET]) % GOP_PACKETS == 0
    assert len({len(one) for one in got}) == 10


def test_a_slow_viewer_is_moved_and_the_others_see_no_gap() -> None:
    """FO-2, PAINS 23: one reads nothing, one at half the rate; bound 500 ms, an order above what is measured."""
    rate, seconds = 2_000_000, 3.0
    with Fanout(ring_bytes=400_000) as fanout, engine_of(fanout) as engine:
        prompt, stuck, half = connection(), connection(rcvbuf=8192), connection(rcvbuf=8192)
        viewers = [fanout.hand_over(ours.fileno()) for ours, _ in (prompt, stuck, half)]
        wait_until(lambda: fanout.stats().viewers == 3)
        stop = threading.Event()
        reader = threading.Thread(target=read_slowly, args=(half[1], rate / 2, stop))
        reader.start()
        gaps: list[float] = []
        watcher = threading.Thread(target=measure_gaps, args=(prompt[1], gaps))
        watcher.start()
        sent = pace(engine, rate, seconds)
        wait_until(lambda: viewers[0].bytes_sent == sent)
        stop.set()
        reader.join()
        fanout.close()
        watcher.join()
        assert max(gaps) < 0.5
        assert viewers[0].skips == 0
        assert viewers[1].bytes_sent < sent
        for pair in (prompt, stuck, half):
            close_all(pair)


def test_a_paused_player_that_resumes_is_at_the_live_edge_in_whole_packets() -> None:
    """FO-2: the packet begun is finished, then it goes on at an entry point, marked as a discontinuity."""
    with Fanout(ring_bytes=400_000) as fanout, engine_of(fanout) as engine:
        ours, player = connection(rcvbuf=8192)
        viewer = fanout.hand_over(ours.fileno())
        # more than the kernel holds for it
        stream = packets(40_000)
        engine.sendall(stream)
        wait_until(lambda: fanout.stats().bytes_in == len(stream))
        got = b""
        while not got or number_of(got[len(got) // PACKET * PACKET - PACKET :]) != 39_999:
            got += player.recv(1 << 20)
        numbers = [number_of(got[at : at + PACKET]) for at in range(0, len(got), PACKET)]
        cuts = [after for before, after in pairwise(numbers) if after != before + 1]
        assert len(got) % PACKET == 0
        assert len(cuts) == viewer.skips == fanout.stats().skips > 0
        assert all(cut % GOP_PACKETS == 0 for cut in cuts)
        at = numbers.index(cuts[0]) + 2
        assert got[at * PACKET + 5] & 0x80, "discontinuity_indicator of the first video packet"
        close_all((ours, player))


def test_with_close_a_slow_viewer_is_closed_alone() -> None:
    with Fanout(ring_bytes=400_000, slow=SlowPolicy.CLOSE) as fanout, engine_of(fanout) as engine:
        ours, player = connection(rcvbuf=8192)
        viewer, pulled = fanout.hand_over(ours.fileno()), fanout.viewer()
        engine.sendall(packets(40_000)[: PACKET * 100])
        assert next(iter(pulled))
        engine.sendall(packets(40_000)[PACKET * 100 :])
        wait_until(lambda: viewer.closed)
        assert ours.recv(1) == b"", "the host's own end of the socket sees it"
        assert list(pulled) == [] and pulled.closed
        assert fanout.stats().slow_closed == 2
        close_all((ours, player))


@pytest.mark.parametrize("how", ["GIL held 200 ms again and again", "a pause of one second"])
def test_a_python_that_stands_still_costs_a_handed_over_viewer_nothing(how: str) -> None:
    """L-40: 0 lost packets, no gap of half a second. Engine and player are child processes, with GILs of their own."""
    hold = ctypes.PyDLL(None).usleep
    with Fanout() as fanout:
        ours, player = connection()
        viewer = fanout.hand_over(ours.fileno())
        watching = in_child(lambda: watch(player))
        streaming = in_child(lambda: stream_to(fanout.endpoint))
        if how.startswith("GIL"):
            for _ in range(10):
                hold(200_000)
        else:
            hold(1_000_000)
        assert [os.waitpid(child, 0)[1] for child in (streaming, watching)] == [0, 0]
        assert viewer.skips == 0
        close_all((ours, player))


def test_an_engine_that_was_replaced_goes_on_in_the_same_connection() -> None:
    """L-41"""
    stream = packets(100)
    with Fanout() as fanout:
        viewer = fanout.viewer()
        with engine_of(fanout) as engine:
            engine.sendall(stream[:1000])
            assert collect(viewer, 940) == stream[:940]
        with engine_of(fanout) as engine:
            engine.sendall(stream)
            after = collect(viewer, len(stream))
            assert number_of(after) == 0 and after[2 * PACKET + 5] & 0x80


def test_an_async_viewer_is_cancelled_and_closed_at_any_time() -> None:
    async def run() -> None:
        with Fanout() as fanout:
            viewer = fanout.viewer()
            task = asyncio.ensure_future(anext(aiter(viewer)))
            await asyncio.sleep(0.01)  # until it waits
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            task = asyncio.ensure_future(anext(aiter(viewer)))
            await asyncio.sleep(0.01)
            viewer.close()
            with pytest.raises(StopAsyncIteration):
                await task
            assert fanout.stats().viewers == 0

    asyncio.run(run())


def test_a_plain_iteration_ends_when_another_thread_closes() -> None:
    for close_fanout in (True, False):
        with Fanout() as fanout:
            viewer = fanout.viewer()
            thread = threading.Thread(target=list, args=(viewer,))
            thread.start()
            (fanout if close_fanout else viewer).close()
            thread.join(PATIENCE_S)
            assert not thread.is_alive() and viewer.closed


def test_a_player_that_resets_or_leaves_is_gone_at_once() -> None:
    """RST, FIN, EPIPE."""
    with Fanout() as fanout, engine_of(fanout) as engine:
        for linger in (struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)):
            ours, player = connection()
            viewer = fanout.hand_over(ours.fileno(), b"head")
            assert player.recv(4, socket.MSG_WAITALL) == b"head"
            player.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            player.close()
            engine.sendall(packets(50))
            wait_until(partial(is_closed, viewer))
            ours.close()
        assert fanout.stats().viewers == 0


def test_nothing_is_left_of_200_fanouts_closed_in_any_state() -> None:
    """FO-3, TD-6: descriptors, threads, path. Bound 50 ms, with a margin for a busy machine."""
    Fanout().close()
    before = (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))
    chance = random.Random(8)
    for _ in range(200):
        fanout = Fanout(name="air-ch1")
        ours, player = connection()
        engine = socket.socket(socket.AF_UNIX)
        if chance.random() < 0.8:
            engine.connect(fanout.endpoint)
            engine.sendall(packets(chance.randrange(1, 60))[: chance.randrange(1, 11_000)])
        viewers = [fanout.viewer() for _ in range(chance.randrange(3))]
        if chance.random() < 0.8:
            viewers.append(fanout.hand_over(ours.fileno(), b"head"))
        began = time.monotonic()
        fanout.close()
        fanout.close()
        assert time.monotonic() - began < 0.5
        assert all(viewer.closed for viewer in viewers) and fanout.closed
        assert not Path(fanout.endpoint).parent.exists()
        close_all((ours, player, engine))
        del viewers, fanout
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) == before


def test_a_fan_out_that_cannot_be_made_leaves_nothing() -> None:
    """FO-3: whichever of its descriptors is the first that there is not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    folders = f"air-fanout-{os.getpid()}-*"
    taken = [os.open(os.devnull, os.O_RDONLY)]
    refused = 0
    try:
        # the numbers below the last one are taken, so that the limit is what decides
        while taken[-1] < taken[0] + 50:
            taken.append(os.open(os.devnull, os.O_RDONLY))
        for free in range(6):
            resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1] + 1 + free, hard))
            with contextlib.suppress(OSError):
                Fanout().close()
                continue
            refused += 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
    assert refused > 1
    assert list(Path(tempfile.gettempdir()).glob(folders)) == []


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="ring_ms"):
        Fanout(ring_ms=0)
    with pytest.raises(ValueError, match="SlowPolicy"):
        Fanout(slow="never")  # type: ignore[arg-type]
    with Fanout() as fanout:
        with pytest.raises(ValueError, match="descriptor"):
            fanout.hand_over(-1)
        with pytest.raises(OSError), open(os.devnull, "rb") as file:
            fanout.hand_over(file.fileno())
        ours, player = connection()
        handed = fanout.hand_over(ours.fileno())
        with pytest.raises(TypeError):
            next(iter(handed))
    with pytest.raises(BrokenPipeError):
        fanout.viewer()
    with pytest.raises(BrokenPipeError):
        fanout.hand_over(ours.fileno())
    assert not fanout.first_bytes(PATIENCE_S), "closed: nothing to wait for"
    close_all((ours, player))


CHILD_PACKETS = 8000


def in_child(work: Callable[[], bool]) -> int:
    """Does it in a child process, which ends with 0 if it was good."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return child


def stream_to(endpoint: str) -> bool:
    """Sends for about two seconds."""
    with socket.socket(socket.AF_UNIX) as engine:
        engine.connect(endpoint)
        stream = packets(CHILD_PACKETS)
        for at in range(0, len(stream), 40 * PACKET):
            engine.sendall(stream[at : at + 40 * PACKET])
            time.sleep(0.01)  # the pace of the stream
    return True


def watch(player: socket.socket) -> bool:
    """Whether every packet came, and no gap was as long as half a second."""
    got, gaps, last = player.recv(1 << 20), [0.0], time.monotonic()
    while len(got) < CHILD_PACKETS * PACKET:
        got += player.recv(1 << 20)
        now = time.monotonic()
        gaps.append(now - last)
        last = now
    return got == packets(CHILD_PACKETS) and max(gaps) < 0.5


@contextmanager
def engine_of(fanout: Fanout) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.connect(fanout.endpoint)
        yield engine


def connection(rcvbuf: int | None = None) -> tuple[socket.socket, socket.socket]:
    """The host's end, and the player's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        player = socket.socket()
        if rcvbuf:
            player.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        player.settimeout(PATIENCE_S)
        player.connect(listener.getsockname())
        return listener.accept()[0], player


def collect(viewer: Viewer, length: int) -> bytes:
    got = b""
    for batch in viewer:
        assert len(batch) % PACKET == 0
        got += batch
        if len(got) >= length:
            break
    return got


def read_to_end(player: socket.socket) -> bytes:
    got = b""
    while piece := player.recv(1 << 20):
        got += piece
    player.close()
    return got


def measure_gaps(player: socket.socket, gaps: list[float]) -> None:
    last: float | None = None
    while player.recv(1 << 20):
        now = time.monotonic()
        if last is not None:
            gaps.append(now - last)
        last = now


def read_slowly(player: socket.socket, rate: float, stop: threading.Event) -> None:
    while not stop.wait(0.01):  # the pace of a slow network
        player.recv(int(rate / 100))


def pace(engine: socket.socket, rate: int, seconds: float) -> int:
    stream = packets(int(rate * seconds) // PACKET)
    began = time.monotonic()
    sent = 0
    while sent < len(stream):
        due = int((time.monotonic() - began) * rate)
        if due > sent:
            engine.sendall(stream[sent:due])
            sent = min(due, len(stream))
        time.sleep(0.005)  # the pace of the stream
    return sent


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.001)  # there is nothing to wait on: a count is what is looked at


def has(fanout: Fanout, **counts: int) -> bool:
    stats = fanout.stats()
    return all(getattr(stats, name) == count for name, count in counts.items())


def is_closed(viewer: Viewer) -> bool:
    return viewer.closed


def close_all(sockets: tuple[socket.socket, ...]) -> None:
    for one in sockets:
        one.close()
