"""`air-py serve` as a user meets it: the URL, the players, Ctrl-C. And what the process may not do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from fractions import Fraction
from operator import le
from pathlib import Path

import pytest

from tests.e2e.host import AIR_PY, cpu_ms, wait_until
from tests.e2e.players import Command, ffmpeg, ffplay, ffprobe, gstreamer, mpv, play, vlc
from tests.e2e.server import Server, channels_file, get
from tests.media import Clip, make

PLAY_S = int(os.environ.get("AIR_PLAY_SECONDS", "10"))
"""How long each player watches."""
IDLE_S = 10


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A channel that plays a clip, then another."""
    with Server(str(make(Clip(seconds=30))), "pattern:bars") as server:
        yield server


def test_the_first_line_it_prints_is_the_address_to_play(server: Server) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/channels/1\.ts", server.url)
    with get(f"{server.base}/healthz") as response:
        assert response.status == 200


def test_get_streams_and_head_only_describes(server: Server) -> None:
    """FO-5, R-15."""
    for path in ("/channels/1.ts", "/channel/1.ts"):
        for method in ("HEAD", "GET"):
            with get(server.base + path, method) as response:
                assert response.status == 200
                assert response.headers["content-type"] == "video/mp2t"
                assert "no-cache" in response.headers["cache-control"]
                data = response.read(188 * 50)
            assert data[::188] == (b"G" * 50 if method == "GET" else b"")
            assert server.is_off_the_air()


def test_unknown_channels_are_not_found_and_known_ones_are_listed(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        get(f"{server.base}/channels/7.ts")
    with raised.value as refusal:
        assert refusal.code == 404
    with get(f"{server.base}/channels") as response:
        assert b"/channels/1.ts" in response.read()


def test_the_runtime_lives_only_while_someone_watches(server: Server) -> None:
    """TD-1, FO-3, TD-7: no thread of the engine or the playlist and no socket before, after, or between viewers."""
    visit(server)  # Leaves a worker of the server's own pool, which is for every later visit.
    before = server.held()
    for _ in range(3):
        visit(server)
    # The count before may still hold something of the first visit that was going; three would be more.
    assert wait_until(lambda: all(map(le, server.held(), before))), (server.held(), before)


def test_nothing_runs_while_nobody_watches(server: Server) -> None:
    """TD-1, FO-3: for longer than anything that comes by again and again would wait."""
    visit(server)
    before = cpu_ms(server.pid)
    time.sleep(IDLE_S)
    assert server.has_no_viewer()
    assert cpu_ms(server.pid) - before <= 5 * IDLE_S, "half a percent, where a channel takes a tenth"


def visit(server: Server) -> None:
    """Watches for a moment, and sees that it takes an engine."""
    assert server.is_off_the_air()
    with get(server.url) as response:
        response.read(188 * 20)
        assert not server.has_no_viewer()
    assert server.is_off_the_air()


@pytest.mark.parametrize("watched", [False, True])
def test_ctrl_c_ends_it_within_a_second(watched: bool, tmp_path: Path) -> None:
    """TD-2, L-39: exit 0, no socket or temporary file left, and nothing about reconnecting."""
    server = Server("pattern:bars", TMPDIR=str(tmp_path))
    with get(server.url) if watched else nullcontext() as response:
        if response:
            response.read(188 * 20)
        status, seconds, text = server.interrupt()
    assert status == 0, text
    assert seconds < 1
    assert list(tmp_path.iterdir()) == []
    assert "reconnect" not in text and "Traceback" not in text


@pytest.fixture(scope="module")
def joins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A channel with a join every three seconds: several codecs, containers and rates."""
    clips = [
        Clip(seconds=3),
        Clip(seconds=3, codec="hevc", container="mkv", audio="ac3", rate=Fraction(24000, 1001)),
        Clip(seconds=3, codec="mpeg2video", container="ts", audio="mp2", rate=Fraction(25)),
    ]
    file = channels_file(tmp_path_factory.mktemp("joins"), {1: clips})
    with Server("--channels", str(file), format=None) as server:
        yield server


@pytest.mark.parametrize("player", [ffprobe, ffmpeg, ffplay, mpv, vlc, gstreamer])
def test_a_player_plays_over_joins_without_an_error_line_or_a_stall(joins: Server, player: Command) -> None:
    """MX-17, L-15, L-18, PAINS 38. AIR_PLAY_SECONDS sets how long."""
    assert joins.is_off_the_air()
    played = play(player, joins.url, PLAY_S)
    assert played.is_fine, played
    assert played.seconds >= (0 if player is ffprobe else PLAY_S - 1)


def test_it_needs_no_ffmpeg_on_the_path(tmp_path: Path) -> None:
    """BD-1, BD-2."""
    empty = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert shutil.which("ffmpeg", path=empty["PATH"]) is None
    out = tmp_path / "out.ts"
    render = [AIR_PY, "render", "--format", "320x180@25/1", "-o", str(out), str(make(Clip(seconds=1)))]
    subprocess.run(render, env=empty, check=True)
    assert subprocess.run([AIR_PY, "check", str(out)], env=empty, capture_output=True).returncode == 0
