"""`python -m benches.evening [MINUTES]`: a schedule in real time, for one viewer, from the first join to the last.

Clips of many kinds and rates, about twenty seconds each. What is measured: that every item begins within a frame of its
time and is aired whole, that the guide is what aired, and that the stream is clean. Nothing is decoded, so that little
else is running; `tests/e2e` looks at pictures.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from air_py import check
from benches.tune_in import serving
from tests.e2e.packets import PACKET
from tests.e2e.server import Viewer
from tests.media import Clip

F = Fraction
CLIPS = [
    Clip(seconds=20),
    Clip(seconds=17, codec="hevc", container="mkv", audio="ac3", rate=F(24000, 1001)),
    Clip(seconds=23, codec="mpeg2video", container="ts", audio="mp2", rate=F(25)),
    Clip(seconds=19, codec="vp9", container="webm", audio="opus", rate=F(60000, 1001)),
    Clip(seconds=21, size=(1280, 720), rate=F(50)),
    Clip(seconds=18, container="ts", rate=F(24)),
    Clip(seconds=22, container="mkv", rate=F(30000, 1001), gop=250),
]


def main() -> None:
    """Print what was measured."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, capture = folder / "as-run.jsonl", folder / "capture.ts"
        with serving(folder, [CLIPS], "--as-run", str(log)) as server:
            began_ms = round(time.time() * 1000)
            with server.watch() as viewer, capture.open("wb") as file:
                gap_ms = record(viewer, file, minutes * 60)
            guide = server.json(f"/api/guide?from_ms={began_ms}&to_ms={round(time.time() * 1000)}")
        planned = guide["channels"][0]["airings"]
        report(planned, [json.loads(line) for line in log.read_text().splitlines()])
        print(f"the stream: {verdict(capture)}; longest wait for bytes {gap_ms:.0f} ms")


def record(viewer: Viewer, file: BinaryIO, seconds: float) -> float:
    """Writes down what comes; the longest wait for bytes in milliseconds."""
    until, longest_ms = time.monotonic() + seconds, 0.0
    while True:
        file.write(viewer.data)
        longest_ms = max(longest_ms, viewer.longest_gap_ms)
        viewer.data.clear()
        del viewer.arrivals[:-1]
        if time.monotonic() > until or not viewer.read():
            return longest_ms


def report(planned: list[dict[str, Any]], aired: list[dict[str, Any]]) -> None:
    """How what aired stands to what was planned."""
    items = [item for item in aired if item["asset"] != "pattern:black"]
    starts = {airing["start_ms"]: airing for airing in planned}
    errors = []
    for item in items[1:]:
        nearest = min(starts, key=lambda start_ms: abs(start_ms - item["first_time_ms"]))
        assert starts[nearest]["asset"] == item["asset"], (item, starts[nearest])
        errors.append(item["first_time_ms"] - nearest)
    assert [item["asset"] for item in items] == [airing["asset"] for airing in planned][: len(items)]
    total = Counter({key: sum(item[key] for item in items) for key in ("content", "held", "black", "dropped")})
    print(f"{len(items) - 1} joins; an item begins {min(errors)} to {max(errors)} ms from its time by the guide")
    print(f"ticks of items: {dict(total)}")


def verdict(capture: Path) -> str:
    """The judge's, over all of it."""
    size = capture.stat().st_size
    with capture.open("r+b") as file:
        file.truncate(size - size % PACKET)
    judged = check(capture, profile="house")
    return f"{size / 1e6:.0f} MB, {'clean' if judged.is_clean else judged.checks}"


if __name__ == "__main__":
    main()
