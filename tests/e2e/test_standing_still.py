"""What a Python that stands still costs those who watch: nothing. In real time, for that is what is lost."""

from __future__ import annotations

import json
import signal
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.e2e.host import wait_until
from tests.e2e.server import channels_file, judged
from tests.e2e.standing_still import HOLDS_AGAIN_AND_AGAIN, PAUSES, server_that_can, stand_still
from tests.media import Clip

CLIPS = [Clip(seconds=6, rate=Fraction(25)), Clip(seconds=6, rate=Fraction(24), container="mkv"), Clip(seconds=7)]
"""Longer than the time by which the next is cued ahead: each step of Python's may have to wait for a few holds."""
FRAME_MS = 34


@pytest.mark.parametrize("how", [HOLDS_AGAIN_AND_AGAIN, PAUSES])
def test_viewers_lose_no_packet_and_joins_are_on_time(how: signal.Signals, tmp_path: Path) -> None:
    """L-40, L-44, FO-2: with joins, and a log that nobody reads."""
    log = tmp_path / "as-run.jsonl"
    with server_that_can(tmp_path, channels_file(tmp_path, {1: CLIPS}), "--as-run", str(log)) as server:
        began_ms = time.time() * 1000
        planned = server.json(f"/api/guide?from_ms={int(began_ms)}&to_ms={int(began_ms) + 60_000}")
        with server.watch() as viewer:
            viewer.read_for(1.5)
            del viewer.arrivals[:-1]
            for _ in range(7 if how is PAUSES else 1):
                stand_still(server, how)
                viewer.read_for(13 if how is HOLDS_AGAIN_AND_AGAIN else 2)
        assert viewer.longest_gap_ms < 500, "the contract's bound; the figure is in docs/numbers.md"
        report = judged(viewer.data)
        assert report.is_clean, report.checks
        assert wait_until(server.has_no_viewer, 10), "two seconds as a rule, where each step waits"
        aired = [json.loads(line) for line in log.read_text().splitlines()]
    starts_ms = [airing["start_ms"] for airing in planned["channels"][0]["airings"]]
    items = [record for record in aired if record["asset"] != "pattern:black"][1:]
    assert len(items) >= 2
    late_ms = [min((item["first_time_ms"] - start for start in starts_ms), key=abs) for item in items]
    assert [off for off in late_ms if abs(off) > FRAME_MS] == []
    assert [record for record in items[:-1] if record["black"]] == []
