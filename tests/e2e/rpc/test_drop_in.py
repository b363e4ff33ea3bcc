"""The order of calls of a stack that had another engine: each succeeds the first time, and the stream is clean."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import PROTO, make_stubs, without_later_lines
from tests.e2e.host import Listener
from tests.e2e.packets import Stream
from tests.e2e.server import judged
from tests.e2e.watch import watch
from tests.media import Clip, make

ONE, OTHER = Clip(seconds=8), Clip(seconds=8, earlier=1000)
"""Told apart by their numbers."""
EOF_WITHIN = 0.25
"""Seconds from StopChannel to the end of the stream, by contract (TR-9)."""


@pytest.mark.parametrize("extended", [True, False], ids=["proto of today", "proto before the extension"])
def test_a_control_plane_written_for_another_engine_plays(extended: bool, tmp_path: Path) -> None:
    """PR-1, CS-1, R-3, L-02, L-13, MX-1: a plan that is no file, and a reader who comes two seconds late."""
    proto = PROTO.read_text()
    make_stubs(tmp_path, proto if extended else without_later_lines(proto))
    with AirServer(tcp=True) as server, Listener() as listener:
        with drop_in(tmp_path, server, listener, make(ONE), make(OTHER)):
            # The programme goes on; nobody has read yet, for two seconds since the first picture.
            data = listener.read_for(2)
            left = time.monotonic()
        data += listener.read_to_end()
        assert time.monotonic() - left < EOF_WITHIN + 0.75, "seconds until the end of the stream, on a busy machine"
        assert set(data[::188]) == {0x47}
        assert len(data) % 188 == 0, "the stream ends with a whole packet"
        assert Stream(data).continuity_faults() == []
        report = judged(data)
        assert report.is_clean, report.findings
    if extended:  # what is shown does not depend on the stubs
        assert_shows_both(data, tmp_path)


def assert_shows_both(data: bytes, folder: Path) -> None:
    """SW-6, SW-8: one clip from its first picture on, then the other from its first; a busy machine may repeat some."""
    capture = folder / "capture.ts"
    capture.write_bytes(data)
    numbers = [-1 if picture.number is None else picture.number for picture in watch(capture).pictures]
    assert numbers[0] == 0 and 1000 in numbers
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 0.8 * len(numbers) > 72


@contextmanager
def drop_in(stubs: Path, server: AirServer, listener: Listener, *assets: Path) -> Iterator[None]:
    """The control plane, on air; told to stop the channel at the end."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.e2e.drop_in",
        stubs,
        server.target,
        listener.endpoint,
        *assets,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout
        assert caller.stdout.readline() == "on air\n"
        yield
        caller.communicate()
    assert caller.returncode == 0
