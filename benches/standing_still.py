"""`python -m benches.standing_still [SECONDS]`: what those who watch lose when the server's Python stands still.

First the GIL is held for 200 ms again and again, then all stops for a second every two seconds, with a join about every
six seconds and a log that nobody reads. Told are the gap, the judge's verdict, how far joins were off, and how long
the channel took to be gone. Nothing else should be running.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from tests.e2e.host import wait_until
from tests.e2e.server import channels_file, judged
from tests.e2e.standing_still import HOLDS_AGAIN_AND_AGAIN, PAUSES, server_that_can, stand_still
from tests.media import Clip

CLIPS = [Clip(seconds=6, rate=Fraction(25)), Clip(seconds=6, rate=Fraction(24), container="mkv"), Clip(seconds=7)]


def main() -> None:
    """Print the figures."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    for name, how in (("GIL held 200 ms again and again", HOLDS_AGAIN_AND_AGAIN), ("pauses of a second", PAUSES)):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {watched(Path(folder), how, seconds)}")


def watched(folder: Path, how: signal.Signals, seconds: int) -> str:
    """What one viewer saw in that time."""
    log = folder / "as-run.jsonl"
    with server_that_can(folder, channels_file(folder, {1: CLIPS}), "--as-run", str(log)) as server:
        now_ms = round(time.time() * 1000)
        guide = server.json(f"/api/guide?from_ms={now_ms}&to_ms={now_ms + (seconds + 20) * 1000}")
        with server.watch() as viewer:
            viewer.read_for(1.5)
            del viewer.arrivals[:-1]
            until = time.monotonic() + seconds
            stand_still(server, how)
            while time.monotonic() < until:
                viewer.read_for(2)
                if how is PAUSES:
                    stand_still(server, how)
        began = time.monotonic()
        wait_until(server.has_no_viewer, 30)
        gone_s = time.monotonic() - began
        wait_until(lambda: log.read_text().count("\n") > seconds // 7)
        aired = [json.loads(line) for line in log.read_text().splitlines()]
    report = judged(viewer.data)
    starts_ms = [airing["start_ms"] for airing in guide["channels"][0]["airings"]]
    items = [record for record in aired if record["asset"] != "pattern:black"][1:]
    off_ms = [min((item["first_time_ms"] - start for start in starts_ms), key=abs) for item in items]
    return (
        f"longest gap {viewer.longest_gap_ms:.0f} ms, {'clean' if report.is_clean else report.checks}, "
        f"{len(items)} joins {min(off_ms)} to {max(off_ms)} ms from plan, "
        f"{sum(item['black'] for item in items[:-1])} black ticks, gone {gone_s:.1f} s after the viewer"
    )


if __name__ == "__main__":
    main()
