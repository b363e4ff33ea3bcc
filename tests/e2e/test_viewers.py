"""Channels over HTTP as viewers meet them: one stream for all, at the right place, and gone when nobody watches."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.e2e.host import wait_until
from tests.e2e.packets import PACKET, Stream
from tests.e2e.server import Server, Viewer, channels_file, get, judged
from tests.e2e.watch import pictures
from tests.media import Clip, make

SDT_PID = 0x11
FILM = Clip(seconds=60)
SHORT = [Clip(seconds=3, rate=Fraction(25)), Clip(seconds=2, rate=Fraction(24), container="mkv"), Clip(seconds=4)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A channel of one film, and one of short clips."""
    return channels_file(tmp_path, {1: [FILM], 2: SHORT})


@pytest.fixture
def server(file: Path, tmp_path: Path) -> Iterator[Server]:
    with Server("--channels", str(file), "--as-run", str(tmp_path / "aired.jsonl"), format=None) as server:
        yield server


def test_a_tune_in_joins_the_programme_at_the_frame_due_by_the_clock(server: Server, tmp_path: Path) -> None:
    """PAINS 11, 12: by the engine's own record, and by what is seen."""
    for _ in range(3):
        with server.watch() as viewer:
            viewer.read_for(1.5)
        assert server.is_off_the_air()
        now = server.status()["now"]
        film = json.loads((tmp_path / "aired.jsonl").read_text().splitlines()[-1])
        due = Fraction(film["first_time_ms"] - now["start_ms"], 1000) * FILM.rate % FILM.frames
        assert film["asset"] == str(make(FILM))
        assert -1 <= film["first_source"]["number"] - due <= 1
        (tmp_path / "capture.ts").write_bytes(viewer.data[: len(viewer.data) // PACKET * PACKET])
        numbered = [p for p in pictures(tmp_path / "capture.ts") if p.number is not None]
        assert numbered[0].number == film["first_source"]["number"]


def test_viewers_get_the_same_bytes_from_where_they_come_in(server: Server) -> None:
    """FO-1, FO-6: and each begins with the tables and a picture."""
    with ExitStack() as stack, ThreadPoolExecutor(10) as pool:
        first = stack.enter_context(server.watch())
        others = []
        for _ in range(9):
            first.read_for(0.2)
            others.append(stack.enter_context(server.watch()))
        list(pool.map(lambda viewer: viewer.read_for(2), [first, *others]))
        assert server.status()["viewers"] == 10
    for viewer in others:
        stream = Stream(bytes(viewer.data))
        begins = stream.video[0].packet
        assert stream.packets[0].pid == 0 and stream.video[0].random_access
        assert {packet.pid for packet in stream.packets[:begins]} <= {0, stream.pmt_pid, SDT_PID}
        same = viewer.data[begins * PACKET :]
        at = first.data.find(same[: 20 * PACKET])
        overlap = min(len(first.data) - at, len(same))
        assert at % PACKET == 0 and overlap > 50_000
        assert first.data[at : at + overlap] == same[:overlap]
    assert server.is_off_the_air()


def test_one_who_does_not_read_and_one_who_reads_slowly_hold_up_nobody(server: Server) -> None:
    """FO-2, PAINS 37. In real time, for what is shown is time."""
    with server.watch() as stuck, server.watch() as slow, server.watch() as prompt:
        stuck.socket.settimeout(None)
        done = threading.Event()

        def dawdle() -> None:
            while not done.wait(0.2):
                slow.read(4 * PACKET)

        dawdling = threading.Thread(target=dawdle)
        dawdling.start()
        prompt.read_for(1)
        del prompt.arrivals[:-1]
        prompt.read_for(5)
        done.set()
        dawdling.join()
    assert prompt.longest_gap_ms < 500, "the contract's bound; the figure is in docs/numbers.md"
    assert judged(prompt.data).is_clean


def test_joins_reach_the_viewer_without_a_seam(server: Server) -> None:
    """PAINS 1, 2, 38."""
    with server.watch(2) as viewer:
        data = viewer.read_for(12)
    assert judged(data).is_clean
    assert server.is_off_the_air()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_with_viewers_at_any_moment(number: signal.Signals, file: Path, tmp_path: Path) -> None:
    """TD-2, TD-8, L-39: exit 0 within a second, no socket, no process, no talk of reconnecting."""
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    for moment_s in (0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 1.2):
        with Server("--channels", str(file), "--log-level", "info", format=None, TMPDIR=str(sockets)) as server:
            viewers = [threading.Thread(target=watch_to_the_end, args=(server, number)) for number in (1, 2, 1)]
            for viewer in viewers:
                viewer.start()
            wait_until(lambda: False, moment_s)  # The moment is the point.
            status, seconds, text = server.interrupt(number)
            for viewer in viewers:
                viewer.join()
        assert (status, list(sockets.iterdir())) == (0, []), text
        assert seconds < 1
        assert "reconnect" not in text and "Traceback" not in text


def watch_to_the_end(server: Server, channel_id: int) -> None:
    try:
        with server.watch(channel_id) as viewer:
            viewer.read_for(5)
    except OSError:
        pass  # The server went first.


def test_a_media_server_finds_lists_and_plays_the_channels(server: Server) -> None:
    """The flow of Kodi, Jellyfin and Plex: playlist, guide, HEAD, a range, two probes at once, then play."""
    with get(f"{server.base}/channels.m3u") as response:
        lines = response.read().decode().splitlines()
    assert lines[0].startswith("#EXTM3U") and f"{server.base}/xmltv.xml" in lines[0]
    urls = [line for line in lines if not line.startswith("#")]
    assert urls == [f"{server.base}/channels/{number}.ts" for number in (1, 2)]
    with get(f"{server.base}/xmltv.xml") as response:
        guide = ElementTree.fromstring(response.read())
    ids = [channel.attrib["id"] for channel in guide.iter("channel")]
    assert [f'tvg-id="{name}"' in line for name, line in zip(ids, lines[1::2], strict=True)] == [True, True]
    assert {programme.attrib["channel"] for programme in guide.iter("programme")} == set(ids)
    discovered = server.json("/discover.json")
    assert [channel["URL"] for channel in server.json(discovered["LineupURL"].removeprefix(server.base))] == urls
    with get(urls[0], "HEAD") as response:
        assert response.status == 200 and response.headers["content-type"] == "video/mp2t"
    assert server.has_no_viewer()
    with Viewer(urls[0], "Range: bytes=0-\r\n") as ranged:
        assert ranged.status == 200 and ranged.read()
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", urls[0]]
    with ThreadPoolExecutor() as pool:
        for told in pool.map(lambda _: subprocess.run(probe, capture_output=True, text=True, timeout=20), range(2)):
            assert (set(told.stdout.split()), told.stderr) == ({"h264", "aac"}, "")
    with server.watch() as viewer:
        data = viewer.read_for(2)
    assert judged(data).is_clean
    assert server.is_off_the_air()


def test_a_log_nobody_reads_stops_no_stream(file: Path) -> None:
    """L-44: every record there is, into a pipe that is full."""
    with Server("--channels", str(file), "--log-level", "debug", format=None) as server:
        with server.watch(2) as viewer:
            data = viewer.read_for(8)
        assert judged(data).is_clean
        assert server.is_off_the_air()


def test_a_changed_file_is_what_is_on_offer_and_cuts_nobody_off(server: Server, file: Path) -> None:
    with server.watch() as viewer:
        viewer.read_for(0.5)
        channels_file(file.parent, {2: SHORT, 3: [FILM]})
        assert wait_until(lambda: [channel["id"] for channel in server.json("/channels")] == [2, 3], 5)
        data = viewer.read_for(1)
    assert judged(data).is_clean
    assert server.is_off_the_air()


def test_a_file_that_is_no_use_any_more_changes_nothing(server: Server, file: Path) -> None:
    file.write_text("[[channel]]\nid = 0\n")
    os.kill(server.pid, signal.SIGHUP)
    with server.watch() as viewer:
        assert viewer.read_for(1)
    assert [channel["id"] for channel in server.json("/channels")] == [1, 2]
