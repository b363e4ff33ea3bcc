"""`python -m benches.in_points`: how soon a film with a key picture every 250 is cued, seventeen minutes in.

From the call of load_preview until the preview is cued, at random offsets, with nothing on air.
"""

from __future__ import annotations

import random
import time

from air_py import Engine, ProgramFormat
from tests.e2e.host import QUICK, channel, expect
from tests.media.timing import CONTAINERS, film

CUES = 50
ABOUT_MS = 1_020_017


def main() -> None:
    """Print a line per film."""
    offsets = random.Random(1)
    for size in ((1280, 720), (1920, 1080)):
        house = ProgramFormat(*size, "30000/1001")
        for container in CONTAINERS:
            path = film(container, size)
            # Offsets over one GOP, 10.4 s, so that every distance to the key picture is met.
            times = sorted(cue_ms(str(path), ABOUT_MS - offsets.randrange(10_417), house) for _ in range(CUES))
            p50, p99 = times[CUES // 2], times[CUES * 99 // 100]
            print(f"{path.name}: cued at 17 min: p50 {p50:.0f} ms, p99 {p99:.0f} ms, best {times[0]:.0f} ms of {CUES}")


def cue_ms(asset: str, offset_ms: int, house: ProgramFormat) -> float:
    """Milliseconds from load_preview until the first picture waits to be taken."""
    with channel(QUICK, house) as engine:
        began = time.monotonic()
        expect(engine.load_preview(1, asset_path=asset, start_offset_ms=offset_ms))
        while (preview := preview_of(engine)) != "cued":
            if preview == "failed":
                raise RuntimeError(f"{asset} cannot be cued")
            time.sleep(0.001)
        return (time.monotonic() - began) * 1000


def preview_of(engine: Engine) -> str:
    """What the preview slot is at."""
    status = engine.status()
    return status.preview if status else "empty"


if __name__ == "__main__":
    main()
