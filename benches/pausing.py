"""`python -m benches.pausing [MINUTES]`: a viewer who pauses, and how soon it is where the others are once it goes on.

What it gets on resuming is first what the kernel has held for it, then what is live. Nothing else should be running.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from tests.e2e.packets import PACKET, Stream
from tests.e2e.server import Server, Viewer, channels_file
from tests.media import Clip

MUX_RATE = 8_000_000
WATCH_S = 3


def main() -> None:
    """Print the figures."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        file = channels_file(Path(folder), {1: [Clip(seconds=60)]}, f"sink.mux_rate = {MUX_RATE}\n")
        with (
            Server("--channels", str(file), format=None) as server,
            server.watch() as pausing,
            server.watch() as prompt,
        ):
            pausing.read_for(1)
            until = time.monotonic() + minutes * 60
            while time.monotonic() < until:
                prompt.read()
                prompt.data.clear()
            had, resumed = len(pausing.data), time.monotonic()
            pausing.read_for(WATCH_S)
            prompt.read_for(0.1)
    report(pausing, had, resumed)


def report(pausing: Viewer, had: int, resumed: float) -> None:
    """When the first bytes after the hole came, and how the stream goes on."""
    stream = Stream(bytes(pausing.data[: len(pausing.data) // PACKET * PACKET]))
    times = [(pes.pts / 90_000, pes.packet * PACKET) for pes in stream.video]
    hole_s, at = max((after[0] - before[0], after[1]) for before, after in pairwise(times))
    live_ms = (next(when for have, when in pausing.arrivals if have > at) - resumed) * 1000
    print(f"resuming: live after {live_ms:.0f} ms and {(at - had) / 1e6:.2f} MB of old, {hole_s:.0f} s left out")


if __name__ == "__main__":
    main()
