"""The fan-out behind a real engine, its viewers judged by other people's decoders. Real time: the stream has a pace."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

import air_py
from air_py import Fanout, Viewer
from tests.e2e.host import FORMAT, channel, expect, take
from tests.media import Clip, make

JOINS = 6
PACKET = 188
VIDEO_STARTS = b"\x41\x00"
"""payload_unit_start_indicator on PID 0x100."""


def test_whoever_joins_mid_programme_has_a_picture_at_once_and_a_clean_stream(tmp_path: Path) -> None:
    """FO-1, FO-6: no error of ffmpeg's, nothing for the judge, the first picture in the first batch."""
    with Fanout(name="air-ch1") as fanout, channel() as engine:
        expect(engine.attach_stream(1, transport=fanout.transport, endpoint=fanout.endpoint))
        take(engine, make(Clip(seconds=12)))
        assert fanout.first_bytes(5)
        for join in range(JOINS):
            time.sleep(0.37)  # joins fall all over the GOP
            out = tmp_path / f"{join}.ts"
            first, rest = read_for(fanout.viewer(), 1.0)
            if join > 0:
                assert pictures(first, out) >= 1
            assert pictures(first + rest, out) >= 20
            if join > 0:
                assert air_py.check(out, profile="house").is_clean
        stats = fanout.stats()
        assert (stats.viewers, stats.skips, stats.findings) == (0, 0, ())
        assert stats.bitrate_bps > 0


@pytest.mark.parametrize("stops_first", ["engine", "fan-out"])
def test_either_side_may_end_first(stops_first: str) -> None:
    """TD-6"""
    with Fanout() as fanout, channel() as engine:
        viewer = fanout.viewer()
        expect(engine.attach_stream(1, transport=fanout.transport, endpoint=fanout.endpoint))
        take(engine, "pattern:bars")
        next(viewer)
        if stops_first == "fan-out":
            fanout.close()
        expect(engine.stop_channel(1))
        assert not viewer.closed or stops_first == "fan-out"
        fanout.close()
        assert list(viewer) == []
        expect(engine.start_channel(1, program_format=FORMAT))


def read_for(viewer: Viewer, seconds: float) -> tuple[bytes, bytes]:
    """The first batch, and what comes in this time."""
    began, first, rest = time.monotonic(), next(viewer), b""
    for batch in viewer:
        rest += batch
        if time.monotonic() - began > seconds:
            viewer.close()
    return first, rest


def pictures(stream: bytes, out: Path) -> int:
    """How many whole ones ffmpeg decodes, without a word of complaint."""
    starts = [at for at in range(0, len(stream), PACKET) if stream[at + 1 : at + 3] == VIDEO_STARTS]
    # the last one is cut by the end of the reading, not by the fan-out
    out.write_bytes(stream[: starts[-1]])
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(out), "-map", "0:v", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return sum(not line.startswith("#") for line in done.stdout.splitlines())
