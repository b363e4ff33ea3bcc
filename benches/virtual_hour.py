"""`python -m benches.virtual_hour`: an hour of numbered bars at 30000/1001 on the virtual clock, nothing encoded."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import air_py


def main() -> None:
    """Print how long the hour took."""
    sink = air_py.SinkConfig(video_encoder="null", audio_encoder="null")
    house = air_py.ProgramFormat(640, 360, "30000/1001")
    with tempfile.TemporaryDirectory() as folder:
        began, busy = time.monotonic(), time.process_time()
        hour = air_py.Segment("pattern:bars", 0, 3_600_000)
        stats = air_py.render([hour], Path(folder) / "hour.ts", format=house, sink=sink)
        print(
            f"{stats.ticks} ticks, {stats.bytes >> 20} MiB in {time.monotonic() - began:.1f} s, "
            f"{time.process_time() - busy:.1f} s of CPU"
        )


if __name__ == "__main__":
    main()
