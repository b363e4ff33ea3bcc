"""``air-py serve`` as a user runs it, with the real engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from air_py import Engine, ProgramFormat, Segment, SinkConfig, check, render
from air_py.runtime import Channel, Runtime

pytestmark = pytest.mark.engine

COMMAND = [sys.executable, "-c", "import sys; from air_py.cli import main; sys.exit(main())"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    options = ["serve", "--port", "0", "--format", "640x360@25", "--preset", "ultrafast"]
    process = subprocess.Popen(
        COMMAND + options,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def url(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:") and url.endswith("/channels/1.ts")
    return url


def watch(url: str, size: int) -> bytes:
    data = b""
    with httpx.stream("GET", url, timeout=5) as response:
        assert response.status_code == 200, response.read()
        for chunk in response.iter_raw():
            data += chunk
            if len(data) >= size:
                break
    return data


def test_a_viewer_gets_a_clean_stream_each_time(url: str) -> None:
    """TD-7, FO-6"""
    for _ in range(3):
        data = watch(url, 150_000)
        report = check(data[: len(data) // 188 * 188], profile="house")
        assert report.is_clean, report.checks


def test_a_playlist_shows_every_frame_of_every_asset(tmp_path: Path) -> None:
    """LC-5, PAINS 2: and nothing between them, because the next is taken where the last one ends."""
    clip = tmp_path / "clip.ts"
    form = ProgramFormat(640, 360, "25/1")
    sink = SinkConfig(preset="ultrafast")
    render([Segment("pattern:bars", duration_ms=1000)], clip, format=form, sink=sink)
    engine = Engine(sink)
    channel = Channel(1, (str(clip), "/nonexistent.mp4", str(clip)), form, sink, loop=False)
    runtime = Runtime(channel, lambda _: engine)
    try:
        runtime.start()
        for _ in runtime.reader:
            status = engine.status()
            if status is not None and status.live == "exhausted" and status.preview == "empty":
                assert (status.counters.content_frames, status.counters.failsafe_entries) == (50, 1)
                break
    finally:
        runtime.stop()
        runtime.reader.close()


def test_ctrl_c_while_somebody_watches_ends_it_with_0(server: subprocess.Popen[str], url: str, tmp_path: Path) -> None:
    """TD-2, TD-8, L-39"""
    with httpx.stream("GET", url, timeout=5) as response:
        body = response.iter_raw()
        assert next(body)
        begun = time.monotonic()
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=10)
        assert time.monotonic() - begun < 1
    assert (server.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []
