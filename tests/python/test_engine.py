"""The real engine through the public package: what a host can rely on.

These run in real time, because a stream comes as fast as it plays.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from air_py import (
    Engine,
    EventKind,
    LoadPreviewReply,
    ProgramFormat,
    ResultCode,
    SinkConfig,
    StreamReader,
    StreamTransport,
    check,
)
from air_py.isolated import IsolatedEngine

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("warm", "no_leak")]

FORMAT = ProgramFormat(640, 360)
SINK = SinkConfig(preset="ultrafast", video_bitrate=500_000)


@pytest.fixture(scope="module")
def warm() -> None:
    """What the first channel of a process leaves for good (libraries, the log's thread) is no leak."""
    IsolatedEngine(SINK).close()
    with Engine(SINK) as engine, StreamReader.unix() as reader:
        go_on_air(engine, reader)
        next(reader)


@pytest.fixture(params=[Engine, IsolatedEngine])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine in this process, and one in its own: a host sees no difference."""
    with request.param(SINK) as engine:
        yield engine


def go_on_air(engine: Engine, reader: StreamReader, asset: str = "pattern:bars") -> None:
    assert engine.start_channel(1, program_format=FORMAT)
    assert engine.attach_stream(1, transport=reader.transport, endpoint=reader.endpoint)
    assert engine.load_preview(1, asset_path=asset)
    assert engine.switch_to_live(1)


def read(reader: StreamReader, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += next(reader)
    return data


def wait_for_bytes(engine: Engine) -> None:
    deadline = time.monotonic() + 5
    while (status := engine.status()) is not None and status.counters.bytes_written == 0:
        assert time.monotonic() < deadline
        engine.next_event(0.02)


def test_the_version_needs_no_channel(engine: Engine) -> None:
    """PR-2"""
    assert engine.get_version() == "1.0.0"


@pytest.mark.parametrize("make", [StreamReader.unix, StreamReader.tcp], ids=["unix", "tcp"])
def test_a_channel_on_air_gives_a_clean_stream(engine: Engine, make: Callable[[], StreamReader]) -> None:
    """TR-2, TR-3, L-15"""
    with make() as reader:
        go_on_air(engine, reader)
        report = check(read(reader, 150_000), profile="house")
        assert report.is_clean, report.checks
        assert [stream.stream_type for stream in report.facts.streams] == [0x1B, 0x0F]


async def test_async_reading_gives_the_same(engine: Engine) -> None:
    async with StreamReader.unix() as reader:
        go_on_air(engine, reader)
        chunk = await anext(reader)
        assert chunk[0] == 0x47 and len(chunk) % 188 == 0


def test_the_stream_ends_when_the_engine_is_left() -> None:
    """TR-9"""
    with StreamReader.unix() as reader:
        with Engine(SINK) as engine:
            go_on_air(engine, reader)
            read(reader, 10_000)
        for chunk in reader:
            assert chunk
        assert engine.status() is None


def test_dropping_the_engine_stops_the_channel() -> None:
    engine = Engine(SINK)
    with StreamReader.unix() as reader:
        go_on_air(engine, reader)
        del engine
        assert all(reader)


@pytest.mark.parametrize(
    "program_format",
    ["", "[]", "{}", FORMAT.to_json().replace("30000/1001", "29.97"), {"video": {"width": 640}}, {}],
)
def test_a_bad_format_is_refused_and_leaves_no_channel(engine: Engine, program_format: str) -> None:
    """PF-1"""
    assert not engine.start_channel(1, program_format=program_format)
    assert engine.status() is None
    assert engine.start_channel(1, program_format=FORMAT)


def test_refusals_are_replies_with_their_code(engine: Engine) -> None:
    """CS-3, CS-6, CS-7, TR-1, TR-4"""
    reply = engine.load_preview(1, asset_path="pattern:bars")
    assert not reply and reply.result_code is ResultCode.PROTOCOL_VIOLATION
    assert not engine.attach_stream(1, endpoint="/nonexistent")
    assert engine.start_channel(1, program_format=FORMAT)
    assert not engine.start_channel(2, program_format=FORMAT)
    switch = engine.switch_to_live(1)
    assert not switch and switch.result_code is ResultCode.PROTOCOL_VIOLATION
    assert not engine.attach_stream(1, transport=StreamTransport.UNSPECIFIED, endpoint="x")
    assert engine.update_plan(1, plan_handle="tomorrow")
    assert not engine.update_plan(2, plan_handle="tomorrow")


def test_an_unknown_encoder_fails_the_attach_with_its_name() -> None:
    """PF-7"""
    with Engine(SinkConfig(video_encoder="no-such-encoder")) as engine, StreamReader.unix() as reader:
        assert engine.start_channel(1, program_format=FORMAT)
        reply = engine.attach_stream(1, endpoint=reader.endpoint)
        assert not reply and "no-such-encoder" in reply.message


def test_calls_that_wait_release_the_gil(engine: Engine, tmp_path: Path) -> None:
    """CS-16, L-40, L-45"""
    fifo = tmp_path / "never.ts"
    os.mkfifo(fifo)
    assert engine.start_channel(1, program_format=FORMAT)
    replies: list[LoadPreviewReply] = []
    loading = threading.Thread(target=lambda: replies.append(engine.load_preview(1, asset_path=fifo)))
    loading.start()
    silent_writer = open_for_writing(fifo)
    try:
        assert loading.is_alive()
        assert engine.stop_channel(1)
        loading.join(1)
        assert not loading.is_alive() and not replies[0]
    finally:
        os.close(silent_writer)


def open_for_writing(fifo: Path) -> int:
    """The writing end, as soon as somebody has opened the other."""
    deadline = time.monotonic() + 2
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline


def test_events_tell_what_went_on_air(engine: Engine) -> None:
    with StreamReader.unix() as reader:
        go_on_air(engine, reader)
        event = engine.next_event(5.0)
        assert event is not None and event.kind is EventKind.TAKEN and event.asset == "pattern:bars"


def test_status_says_what_is_on_air(engine: Engine) -> None:
    assert engine.status() is None
    with StreamReader.unix() as reader:
        go_on_air(engine, reader)
        read(reader, 10_000)
        status = engine.status()
        assert status is not None and status.tick is not None
        assert (status.channel_id, status.live, status.live_asset) == (1, "rolling", "pattern:bars")
        # The counter follows the write; of so many, the last may not be in it yet.
        assert status.counters.bytes_written > 0
        assert "channel 1" in repr(engine)


def test_twenty_tune_ins_leave_nothing_behind() -> None:
    """TD-3, TD-7, FP-5"""
    for _ in range(20):
        with Engine(SINK) as engine, StreamReader.unix() as reader:
            go_on_air(engine, reader)
            next(reader)


def test_a_stream_can_go_to_a_file(engine: Engine, tmp_path: Path) -> None:
    out = tmp_path / "out.ts"
    assert engine.start_channel(1, program_format=FORMAT)
    assert engine.attach_stream(1, transport=StreamTransport.FILE, endpoint=out)
    assert engine.load_preview(1, asset_path="pattern:bars")
    assert engine.switch_to_live(1)
    wait_for_bytes(engine)
    assert engine.stop_channel(1)
    assert out.read_bytes()[:1] == b"\x47"
