"""An engine in a process of its own: what its end means for the host, and the host's for it.

What the engine does is in test_engine.py, the same for both kinds. In real time, as processes are.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from air_py import AirError, ProgramFormat, SinkConfig, StreamReader, engine_process
from air_py.director.leads import Leads
from air_py.director.programme import ChannelUnavailable
from air_py.director.runtime import Runtime
from air_py.isolated import EngineLost, IsolatedEngine
from fakes import channel_of

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("warm", "no_leak")]

FORMAT = ProgramFormat(640, 360)
SINK = SinkConfig(preset="ultrafast", video_bitrate=500_000)
SOON_S = 1.0
"""Four times what the contract gives: the machine may have other things to do."""


@pytest.fixture(scope="module")
def warm() -> None:
    """The thread of the log is the process's to keep."""
    IsolatedEngine().close()


@pytest.fixture
def engine() -> Iterator[IsolatedEngine]:
    with IsolatedEngine(SINK) as engine:
        yield engine


@pytest.fixture
def reader() -> Iterator[StreamReader]:
    with StreamReader.unix() as reader:
        yield reader


def start(engine: IsolatedEngine, reader: StreamReader) -> None:
    assert engine.start_channel(1, program_format=FORMAT)


def attach(engine: IsolatedEngine, reader: StreamReader) -> None:
    start(engine, reader)
    assert engine.attach_stream(1, transport=reader.transport, endpoint=reader.endpoint)


def prime(engine: IsolatedEngine, reader: StreamReader) -> None:
    attach(engine, reader)
    assert engine.load_preview(1, asset_path="pattern:bars")


def go_on_air(engine: IsolatedEngine, reader: StreamReader) -> None:
    prime(engine, reader)
    assert engine.switch_to_live(1)
    next(reader)


def stop(engine: IsolatedEngine, reader: StreamReader) -> None:
    go_on_air(engine, reader)
    assert engine.stop_channel(1)


STATES = [start, attach, prime, go_on_air, stop]


def is_gone(pid: int) -> bool:
    """Not even a zombie is left."""
    return not Path(f"/proc/{pid}").exists()


def lose(engine: IsolatedEngine) -> None:
    os.kill(engine.pid, signal.SIGKILL)
    assert engine.lost.wait(SOON_S)


@pytest.mark.parametrize("reach", STATES)
def test_a_killed_engine_is_told_in_every_state(
    engine: IsolatedEngine, reader: StreamReader, reach: Callable[[IsolatedEngine, StreamReader], None]
) -> None:
    """L-41: kill -9 of an engine is an exception, and the end of its stream; nothing hangs, nothing is left."""
    reach(engine, reader)
    lose(engine)
    assert is_gone(engine.pid)
    for call in (
        engine.status,
        lambda: engine.next_event(10),
        lambda: engine.start_channel(1, program_format=FORMAT),
        lambda: engine.stop_channel(1),
    ):
        with pytest.raises(EngineLost, match="signal 9") as lost:
            call()
        assert isinstance(lost.value, AirError)
    if reach in (go_on_air, stop):
        assert all(chunk for chunk in reader)
    assert "lost" in repr(engine)


def test_a_call_that_waits_is_told_too(engine: IsolatedEngine, reader: StreamReader, tmp_path: Path) -> None:
    """L-41: while it waits for an event, and while it opens what never comes."""
    start(engine, reader)
    fifo = tmp_path / "never.ts"
    os.mkfifo(fifo)
    losses: list[EngineLost] = []

    def expect_loss(call: Callable[[], object]) -> None:
        with pytest.raises(EngineLost) as lost:
            call()
        losses.append(lost.value)

    calls = [lambda: engine.next_event(60), lambda: engine.load_preview(1, asset_path=fifo)]
    waiting = [threading.Thread(target=expect_loss, args=(call,)) for call in calls]
    for thread in waiting:
        thread.start()
    silent_writer = when_opened(fifo)
    lose(engine)
    for thread in waiting:
        thread.join(SOON_S)
    os.close(silent_writer)
    assert len(losses) == 2


def when_opened(fifo: Path) -> int:
    deadline = time.monotonic() + 5
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("reach", STATES)
def test_closing_is_quick_and_final_in_every_state(
    reader: StreamReader, reach: Callable[[IsolatedEngine, StreamReader], None]
) -> None:
    """TD-2, TD-3, TD-6"""
    engine = IsolatedEngine(SINK)
    reach(engine, reader)
    begun = time.monotonic()
    engine.close()
    assert time.monotonic() - begun < SOON_S
    assert is_gone(engine.pid) and not engine.lost.is_set()
    engine.close()
    with pytest.raises(EngineLost, match="closed"):
        engine.status()


@pytest.mark.parametrize("end", ["close", "stop"])
def test_an_engine_that_does_not_answer_is_killed(reader: StreamReader, end: str) -> None:
    """TD-2: whatever it is doing, it is gone in time."""
    engine = IsolatedEngine(SINK)
    go_on_air(engine, reader)
    os.kill(engine.pid, signal.SIGSTOP)
    begun = time.monotonic()
    if end == "stop":
        with pytest.raises(EngineLost, match="signal 9"):
            engine.stop_channel(1)
    else:
        engine.close()
    assert time.monotonic() - begun < SOON_S
    assert is_gone(engine.pid) and engine.lost.is_set() == (end == "stop")
    engine.close()


@pytest.fixture
def never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines' processes are others, which say nothing."""
    monkeypatch.setattr(engine_process, "_command", lambda sink: ["sleep", "60"])


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.usefixtures("never_begins")
def test_a_stop_does_not_wait_for_an_engine_that_begins() -> None:
    """TD-2: the start that waits is refused, by a stop of its own channel only."""
    replies: list[object] = []
    with IsolatedEngine(SINK) as engine:
        assert engine.stop_channel(1)
        starting = in_background(lambda: replies.append(engine.start_channel(1, program_format=FORMAT)))
        starting.join(0.3)  # until it waits
        assert starting.is_alive() and engine.stop_channel(2)
        begun = time.monotonic()
        assert not replies and engine.stop_channel(1)
        starting.join(SOON_S)
        assert replies and not replies[0]
    assert time.monotonic() - begun < SOON_S
    assert is_gone(engine.pid)


@pytest.mark.usefixtures("never_begins")
@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.3])
def test_a_channel_whose_engine_begins_is_taken_down_at_once(after_s: float) -> None:
    """TD-2, TD-8: whoever waits for the stream is told."""
    refusals: list[ChannelUnavailable] = []
    runtime = Runtime(channel_of("a"), IsolatedEngine, Leads())

    def tune_in() -> None:
        with pytest.raises(ChannelUnavailable) as refused:
            runtime.start()
        refusals.append(refused.value)

    tuning_in = in_background(tune_in)
    time.sleep(after_s)  # the moment
    begun = time.monotonic()
    runtime.stop()
    assert time.monotonic() - begun < SOON_S
    tuning_in.join(SOON_S)
    assert refusals


def test_the_hosts_supervisor_hears_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is ready, and that it ends, is not the host's news."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with IsolatedEngine(SINK) as engine:
            engine.get_version()
        ear.setblocking(False)
        with pytest.raises(BlockingIOError):
            ear.recv(64)


def test_dropping_it_ends_the_process(reader: StreamReader) -> None:
    engine = IsolatedEngine(SINK)
    go_on_air(engine, reader)
    process = engine._process
    del engine
    assert all(chunk for chunk in reader)
    process._reader.join(5)
    assert is_gone(process.pid)


def test_fifty_engines_leave_nothing_behind() -> None:
    """TD-3, FP-5: descriptors and threads are those of before; the first ten are closed, others lost."""
    for number in range(50):
        with IsolatedEngine(SINK) as engine:
            if number >= 10:
                lose(engine)
        assert is_gone(engine.pid)


def test_a_lost_engine_leaves_others_alone(reader: StreamReader) -> None:
    """L-41: a crash is one channel's."""
    with IsolatedEngine(SINK) as one, IsolatedEngine(SINK) as other:
        go_on_air(other, reader)
        lose(one)
        assert next(reader) and other.status()


def test_a_long_call_delays_no_other(engine: IsolatedEngine, reader: StreamReader, tmp_path: Path) -> None:
    """L-40: loading does not delay stopping, nor does waiting for events."""
    go_on_air(engine, reader)
    fifo = tmp_path / "never.ts"
    os.mkfifo(fifo)
    loading = threading.Thread(target=engine.load_preview, args=(1,), kwargs={"asset_path": fifo})
    waiting = threading.Thread(target=lambda: [engine.next_event(60) for _ in range(10)])
    loading.start()
    waiting.start()
    silent_writer = when_opened(fifo)
    begun = time.monotonic()
    assert engine.status() and engine.stop_channel(1)
    assert time.monotonic() - begun < SOON_S
    loading.join(5)
    waiting.join(5)
    os.close(silent_writer)
    assert not loading.is_alive() and not waiting.is_alive()


def test_a_bad_argument_is_refused_before_it_leaves(engine: IsolatedEngine) -> None:
    """L-51"""
    with pytest.raises(ValueError, match="channel_id must be a whole number"):
        engine.start_channel(1.5, program_format=FORMAT)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite"):
        engine.next_event(float("inf"))


def test_what_the_far_side_refuses_is_raised_here(engine: IsolatedEngine, reader: StreamReader) -> None:
    start(engine, reader)
    with pytest.raises(ValueError):
        engine.load_preview(1, asset_path="\udcff.mp4")
    assert engine.status()


def test_it_inherits_nothing_and_has_its_own_session(engine: IsolatedEngine, tmp_path: Path) -> None:
    """FP-5: no descriptor of the host is open in it, and Ctrl-C on the terminal is for the host."""
    with open(tmp_path / "secret", "w") as secret:
        os.set_inheritable(secret.fileno(), True)
        with IsolatedEngine(SINK) as other:
            other.get_version()
            open_there = {os.readlink(entry) for entry in Path(f"/proc/{other.pid}/fd").iterdir()}
    kinds = {name.split(":")[0] for name in open_there}
    assert kinds <= {"/dev/null", "pipe", "socket", "anon_inode"}, open_there
    assert os.getsid(engine.pid) == engine.pid != os.getsid(0)


HOST = """
import os, sys
from air_py import ProgramFormat
from air_py.isolated import IsolatedEngine
engine = IsolatedEngine()
engine.start_channel(1, program_format=ProgramFormat(640, 360))
print(engine.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("is_stopped", [False, True], ids=["running", "stopped"])
def test_it_dies_with_its_host(is_stopped: bool) -> None:
    """L-39: also when it cannot see the socket close, being stopped itself."""
    host = subprocess.Popen([sys.executable, "-c", HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdout
    pid = int(host.stdout.readline())
    if is_stopped:
        os.kill(pid, signal.SIGSTOP)
    host.kill()
    host.communicate()
    deadline = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < deadline


def is_alive(pid: int) -> bool:
    """Whether it runs; who reaps an orphan is not ours to say."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_host_that_ends_without_closing_ends(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", HOST], stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_its_records_are_ours(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="air")
    with IsolatedEngine(SINK) as engine:
        engine.start_channel(1, program_format=FORMAT)
        engine.load_preview(1, asset_path="/nonexistent")
    deadline = time.monotonic() + 5
    while not any(record.name.startswith("air.core") for record in caplog.records):
        assert time.monotonic() < deadline


def test_what_it_says_as_it_dies_is_told() -> None:
    with IsolatedEngine(SINK) as engine:
        engine.get_version()
        os.kill(engine.pid, signal.SIGABRT)
        assert engine.lost.wait(5)
        with pytest.raises(EngineLost, match="signal 6\nFatal Python error: Aborted"):
            engine.status()
