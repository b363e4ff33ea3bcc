"""`air-py serve --isolate`: a crash is one channel's, and no process outlives whom it was for."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.host import wait_until
from tests.e2e.server import Server, Viewer, judged

PACKET = 188

CHANNELS = """
[[channel]]
id = {id}
name = "{id}"
format = "640x360@25/1"
playlist.media = [{{ file = "pattern:bars", duration_ms = 600_000 }}]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Two channels, each with an engine in a process of its own."""
    config = tmp_path / "channels.toml"
    config.write_text("".join(CHANNELS.format(id=number) for number in (1, 2)))
    with Server("--isolate", "--channels", str(config), format=None) as server:
        yield server


def engines(pid: int) -> set[int]:
    """The processes that a server has started, and that are not gone, be it as zombies."""
    return {int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)}


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:  # It ended meanwhile.
        return []


def has_ended(pid: int) -> bool:
    """Whether it runs no more; whoever has to reap an orphan may take its time."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_a_killed_engine_is_followed_by_another_and_no_viewer_is_cut(server: Server) -> None:
    """L-41: both viewers get the stream again on the connection they have; the other channel has no part in it."""
    with server.watch(2) as other:
        other.read_for(0.5)
        (others_engine,) = engines(server.pid)
        with server.watch(1) as one, server.watch(1) as two:
            for viewer in (one, two):
                viewer.read_for(0.5)
            (killed,) = engines(server.pid) - {others_engine}
            os.kill(killed, signal.SIGKILL)
            for viewer in (one, two):
                assert comes_again(viewer)
            (follower,) = engines(server.pid) - {others_engine}
            assert follower != killed and server.status()["engine_restarts"] == 1
        assert wait_until(lambda: engines(server.pid) == {others_engine})
        stream = other.read_for(0.5)
    assert judged(stream).is_clean
    assert wait_until(lambda: not engines(server.pid))


def comes_again(viewer: Viewer) -> bool:
    """Whether packets come, well after what was on the way."""
    viewer.read_for(1.0)
    had = len(viewer.data)
    viewer.read_for(1.0)
    return len(viewer.data) > had and set(viewer.data[::PACKET]) == {0x47}


def test_no_engine_runs_without_viewers(server: Server) -> None:
    """TD-1, TD-4: none before the first, none after the last, none started again for nobody."""
    assert not engines(server.pid)
    with server.watch(1) as viewer:
        viewer.read_for(0.2)
        (engine,) = engines(server.pid)
        os.kill(engine, signal.SIGKILL)
    assert wait_until(lambda: not engines(server.pid))
    time.sleep(1)  # for longer than the pause before an engine is started anew
    assert not engines(server.pid)


def test_a_killed_server_takes_its_engines_along(server: Server) -> None:
    """L-39"""
    with server.watch(1) as one, server.watch(2) as two:
        one.read_for(0.2)
        two.read_for(0.2)
        running = engines(server.pid)
        assert len(running) == 2
        server.process.kill()
        assert wait_until(lambda: all(map(has_ended, running)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_ends_all_in_a_second(server: Server, number: int, seed: int) -> None:
    """TD-8, L-39: with one engine on air, and one that starts or has just done so."""
    port = urlsplit(server.base).port
    assert port
    with server.watch(2) as viewer, socket.create_connection(("127.0.0.1", port)) as another:
        viewer.read_for(0.1)
        another.sendall(b"GET /channels/1.ts HTTP/1.1\r\nHost: air\r\n\r\n")
        time.sleep(random.Random(seed).uniform(0, 0.4))  # the moment
        running = engines(server.pid)
        code, seconds, _ = server.interrupt(number)
    assert code == 0 and seconds < 1
    assert all(map(has_ended, running))
