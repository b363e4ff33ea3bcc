"""`python -m tests.e2e.stoppable OUT.ts`: a host that may be stopped from outside for a while, and tells what happened.

It says `on air`, plays on for some seconds, orders a switch for a time, and prints its counts as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.e2e.host import expect
from tests.e2e.plan import Part
from tests.e2e.recording import recording
from tests.e2e.switching import ONE, OTHER


def main() -> None:
    """Play, be stopped, switch."""
    with recording(Path(sys.argv[1])) as kept:
        kept.cue(Part(ONE))
        expect(kept.engine.switch_to_live(1))
        epoch = kept.epoch()
        print("on air", flush=True)
        since = time.monotonic()
        while time.monotonic() - since < 4.5:  # the stop falls into this
            time.sleep(0.05)
        kept.cue(Part(OTHER))
        # The middle of a tick, so that the few microseconds by which the epoch is unsure do not matter.
        ordered_ms = round((time.time() + 0.5) * 1000)
        expect(kept.engine.switch_to_live(1, target_boundary_time_ms=ordered_ms))
        time.sleep(1)  # until it has happened
        taken = kept.taken()
    assert kept.counters
    told = {
        "epoch": epoch,
        "ordered_ms": ordered_ms,
        "taken": taken,
        "events": [event.kind.value for event in kept.events],
        "late_ticks": kept.counters.late_ticks,
        "underruns": kept.counters.underruns,
        "failsafe_entries": kept.counters.failsafe_entries,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
