"""``air-py serve`` as a user runs it, with the real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from air_py import Engine, ProgramFormat, Segment, SinkConfig, check, render
from air_py.as_run import AsRunLog
from air_py.channel import Channel
from air_py.director.leads import Leads
from air_py.director.programme import utc_now_ms
from air_py.director.runtime import Runtime
from air_py.schedule import Playlist

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


def test_a_playlist_shows_every_frame_of_every_asset_and_nothing_between(tmp_path: Path) -> None:
    """LC-5, PAINS 2, 16: each begins within a frame of its time."""
    clip, log = tmp_path / "clip.ts", tmp_path / "as-run.jsonl"
    form = ProgramFormat(640, 360, "25/1")
    sink = SinkConfig(preset="ultrafast")
    render([Segment("pattern:bars", duration_ms=1000)], clip, format=form, sink=sink)
    # Three seconds ahead, so that the first begins in time and whole.
    schedule = Playlist.of([str(clip)] * 3, "25/1", epoch_ms=utc_now_ms() + 3000, loop=False)
    plan = list(schedule.between(schedule.epoch_ms, schedule.epoch_ms + 3000))
    with AsRunLog(log) as as_run:
        runtime = Runtime(Channel(1, "one", schedule, form, sink), Engine, Leads(), as_run=as_run)
        try:
            runtime.start()
            with closing(runtime.fanout.viewer()) as viewer:
                for _ in viewer:
                    if utc_now_ms() > schedule.epoch_ms + 3500:
                        break
        finally:
            runtime.stop()
    records = [json.loads(line) for line in log.read_text().splitlines()]
    aired = [record for record in records if record["asset"] == str(clip)]
    assert [(record["content"], record["held"]) for record in aired] == [(25, 0)] * 3
    assert all(abs(record["first_time_ms"] - airing.start_ms) <= 40 for record, airing in zip(aired, plan, strict=True))
    # After the last one black comes on as the filler it is, or as the end of the last.
    assert [record["black"] for record in aired[:2]] == [0, 0]


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
