"""Attach, detach and readers of every manner: late, stalled, killed. Real sockets in real time, so a few tests wait."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from air_py import Counters, Engine, EventKind, ResultCode, SinkConfig, StreamTransport
from tests.e2e.host import (
    ENGINES,
    FORMAT,
    QUICK,
    Holdings,
    Listener,
    channel,
    drained,
    expect,
    on_air,
    resident_bytes,
    take,
    unreachable,
    wait_until,
)
from tests.e2e.packets import PACKET, Stream, nal_types
from tests.e2e.watch import watch
from tests.media import Clip, make

BARS = "pattern:bars"
UDS, TCP = StreamTransport.UNIX_DOMAIN_SOCKET, StreamTransport.TCP_LOOPBACK


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("attach_first", [True, False])
def test_no_byte_comes_before_both_attach_and_switch(attach_first: bool) -> None:
    """MX-1, MX-9, MX-19, L-13: nothing until both hold, then a stream at once."""
    with Listener() as listener, channel() as engine:
        attach = partial(engine.attach_stream, 1, endpoint=listener.endpoint)
        switch = partial(engine.switch_to_live, 1)
        expect(engine.load_preview(1, asset_path=BARS))
        first, second = (attach, switch) if attach_first else (switch, attach)
        expect(first())
        if attach_first:
            assert listener.read_for(0.5) == b""
        expect(second())
        assert_starts_clean(listener.read_for(0.5))


@pytest.mark.parametrize("sink", [QUICK, SinkConfig(preset="ultrafast", mux_rate=8_000_000)], ids=["vbr", "8 Mb/s"])
def test_a_reader_two_seconds_late_misses_nothing(sink: SinkConfig, tmp_path: Path) -> None:
    """L-02, TR-11: the start is kept for it; picture and sound are whole from the first frame."""
    with Listener() as listener, on_air(BARS, listener, sink):
        time.sleep(2)  # the lateness itself
        data = listener.read_for(3)
    stream = assert_starts_clean(data)
    base = stream.video[0].pts
    assert [p.pts - base for p in stream.video] == [n * 90000 * 1001 // 30000 for n in range(len(stream.video))]
    assert len(stream.video) > 4.5 * 30
    numbers = [p.number for p in watch(saved(data, tmp_path)).pictures]
    assert numbers == list(range(len(numbers)))


def test_a_reader_that_stops_for_ten_seconds_slows_nothing_and_is_served_again(tmp_path: Path) -> None:
    """L-03, L-43, TL-10, MX-16: time goes on, memory stays bounded, the stream stays legal."""
    busy = make(Clip(seconds=20, noise=60, rate=Fraction(30000, 1001)))
    with (
        Listener() as listener,
        on_air(busy, listener, SinkConfig(preset="ultrafast", video_bitrate=8_000_000)) as engine,
    ):
        data = listener.read_for(2)
        before, memory, began = engine.status(), resident_bytes(), time.monotonic()
        assert before is not None and before.tick is not None
        time.sleep(10)  # the stall itself
        after, stalled_for = engine.status(), time.monotonic() - began
        assert after is not None and after.tick is not None
        assert after.tick - before.tick == pytest.approx(stalled_for * 30000 / 1001, abs=6)
        assert after.counters.underruns == after.counters.failsafe_entries == 0
        assert after.sink == "backpressure" and after.counters.stalls == 1, after
        assert resident_bytes() - memory < 64 << 20
        data += listener.read_for(4)
        recovered = engine.status()
        assert recovered is not None and recovered.sink == "running"
    stream = Stream(data)
    assert stream.continuity_faults() == []
    for stamps in ([p.pts for p in stream.video], [p.pts for p in stream.audio]):
        assert stamps == sorted(set(stamps))
    shown = [p.number for p in watch(saved(data, tmp_path)).numbered]
    assert shown[-1] is not None and shown[-1] > 14 * 30


@pytest.mark.usefixtures("both_ways")
def test_a_killed_reader_ends_its_session_and_not_the_channel() -> None:
    """L-38, TR-10, MX-18: one report, no further write, and the next reader starts with tables and a key picture."""
    with Listener() as listener, Listener() as second, on_air(BARS, listener) as engine:
        listener.read_for(0.5)
        listener.hang_up()
        assert wait_until(lambda: sink_state(engine) == "idle")
        lost = [event for event in iter(lambda: engine.next_event(0.3), None) if event.kind is EventKind.SINK_LOST]
        assert len(lost) == 1
        writes = counters(engine).writes
        time.sleep(0.3)  # long enough for nine more writes
        assert counters(engine).writes == writes
        expect(engine.attach_stream(1, endpoint=second.endpoint))
        assert_starts_clean(second.read_for(1))


@pytest.mark.usefixtures("both_ways")
def test_detach_ends_the_stream_and_a_new_attach_goes_on_in_time() -> None:
    """TR-8, MX-18, CK-2, OB-1."""
    with Listener() as listener, Listener() as second, on_air(BARS, listener) as engine:
        first = Stream(listener.read_for(1))
        expect(engine.detach_stream(1))
        listener.read_to_end()
        expect(engine.detach_stream(1))
        time.sleep(0.5)  # programme that nobody sees
        expect(engine.attach_stream(1, endpoint=second.endpoint))
        again = assert_starts_clean(second.read_for(1))
        assert again.video[0].pts > first.video[-1].pts + 0.4 * 90000


@pytest.mark.usefixtures("both_ways")
def test_a_second_attach_needs_leave_to_replace_the_first() -> None:
    """OB-3, TR-6."""
    with Listener() as listener, Listener() as second, on_air(BARS, listener) as engine:
        refused = engine.attach_stream(1, endpoint=second.endpoint)
        assert not refused.success and refused.message
        data = listener.read_for(1)
        assert Stream(data).continuity_faults() == []
        expect(engine.attach_stream(1, endpoint=second.endpoint, replace_existing=True))
        listener.read_to_end()
        assert_starts_clean(second.read_for(1))


@pytest.mark.usefixtures("both_ways")
def test_attach_needs_a_channel() -> None:
    """TR-1."""
    with ENGINES[-1]() as engine, Listener() as listener:
        reply = engine.attach_stream(1, endpoint=listener.endpoint)
        assert not reply.success and reply.message


@pytest.mark.usefixtures("both_ways")
def test_a_failed_attach_says_why_and_leaves_nothing_open(tmp_path: Path) -> None:
    """TR-3, TR-4, TR-5."""
    with channel() as engine:
        before = Holdings.now()
        for transport, endpoint in [(StreamTransport.UNSPECIFIED, str(tmp_path / "ts")), *unreachable(tmp_path)]:
            began = time.monotonic()
            reply = engine.attach_stream(1, transport=transport, endpoint=endpoint)
            assert not reply.success and reply.message, endpoint
            assert time.monotonic() - began < 3
        assert wait_until(lambda: Holdings.now() == before)
        with Listener() as listener:
            expect(engine.attach_stream(1, endpoint=listener.endpoint))
            take(engine, BARS)
            assert_starts_clean(listener.read_for(0.5))


@pytest.mark.usefixtures("both_ways")
def test_tcp_on_the_loopback_carries_the_same_stream() -> None:
    """TR-3."""
    with socket.create_server(("127.0.0.1", 0)) as server, channel() as engine:
        reply = engine.attach_stream(1, transport=TCP, endpoint=f"127.0.0.1:{server.getsockname()[1]}")
        expect(reply)
        assert reply.negotiated_transport is TCP
        take(engine, BARS)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(2)
            data = b""
            while len(data) < 100 * PACKET:
                data += peer.recv(65536)
        assert data[0] == 0x47


def test_after_the_end_of_a_file_black_and_silence_go_on(tmp_path: Path) -> None:
    """BF-1, BF-3, LC-2, LC-6, SG-9: until a command; the stamps know nothing of it."""
    clip = Clip(seconds=1)
    with Listener() as listener, on_air(make(clip), listener) as engine:
        data = listener.read_for(3)
        assert counters(engine).failsafe_entries == 1
    programme = watch(saved(data, tmp_path))
    numbers = [p.number for p in programme.pictures]
    content = len(programme.numbered)
    assert numbers[:content] == list(range(30))[:content] and content in (29, 30)
    assert len(numbers) > 75 and all(p.black for p in programme.pictures[content:])
    assert abs(programme.sound.samples[int(1.1 * 48000) :]).max() < 1e-3
    assert_starts_clean(data)


@pytest.mark.usefixtures("both_ways")
def test_start_and_stop_leave_the_process_as_it_was() -> None:
    """CS-5, TD-3, TD-7, FP-5: descriptors, threads and memory at the baseline, every time."""
    clip = make(Clip())

    def cycle() -> None:
        with Listener() as listener, on_air(clip, listener) as engine, drained(listener):
            assert wait_until(lambda: counters(engine).bytes_written > 0)

    for _ in range(5):
        cycle()
    before, memory = Holdings.now(), resident_bytes()
    for _ in range(20):
        cycle()
        assert wait_until(lambda: Holdings.now() == before)
    assert resident_bytes() - memory < 16 << 20


@pytest.mark.usefixtures("both_ways")
def test_stop_ends_the_stream_at_once_and_twice_is_fine() -> None:
    """CS-5, TR-9, TD-2, TD-6."""
    with Listener() as listener, on_air(BARS, listener) as engine:
        listener.read_for(0.5)
        began = time.monotonic()
        expect(engine.stop_channel(1))
        assert time.monotonic() - began < 1
        listener.read_to_end()
        expect(engine.stop_channel(1))
        expect(engine.stop_channel(999))
        assert engine.status() is None
        again = engine.load_preview(1, asset_path=BARS)
        assert again.result_code == ResultCode.PROTOCOL_VIOLATION
        expect(engine.start_channel(1, program_format=FORMAT))


@pytest.mark.usefixtures("both_ways")
def test_stop_ends_a_wait_for_events() -> None:
    """L-39: nothing can come any more."""
    with channel() as engine, ThreadPoolExecutor() as pool:
        waiting = pool.submit(engine.next_event, 5)
        time.sleep(0.2)  # until it waits
        expect(engine.stop_channel(1))
        assert waiting.result(timeout=1) is None


def assert_starts_clean(data: bytes) -> Stream:
    """MX-2, MX-3, MX-8: aligned, tables first, a key picture with its parameter sets, no packet lost."""
    assert data, "no byte came"
    stream = Stream(data)
    assert [p.pid for p in stream.packets[:2]] == [0, stream.pmt_pid]
    assert {7, 8, 5} <= set(nal_types(bytes(stream.video[0].data)))
    assert stream.continuity_faults() == []
    return stream


def saved(data: bytes, folder: Path) -> Path:
    path = folder / "capture.ts"
    path.write_bytes(data)
    return path


def counters(engine: Engine) -> Counters:
    status = engine.status()
    assert status is not None
    return status.counters


def sink_state(engine: Engine) -> str:
    status = engine.status()
    assert status is not None
    return status.sink
