"""`python -m benches.joins [N]`: a programme of 1 000 joins, or N, of every kind of clip, and what is wrong with it."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.joins import STEEPEST, programme, render


def main() -> None:
    """Print what was looked at, and what was found."""
    plan = programme(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = render(plan, Path(folder) / "out.ts")
    clips = len({part.clip for part in plan.parts})
    print(f"{len(plan.parts) - 1} joins of {clips} clips, {plan.ticks} ticks, in {time.monotonic() - began:.0f} s")
    print(f"pictures that are not the planned one: {len(outcome.wrong_pictures)}")
    print(*outcome.wrong_pictures[:20], sep="\n", end="\n" if outcome.wrong_pictures else "")
    print(f"held {outcome.stats.counters.held_frames}, underruns {outcome.stats.counters.underruns}")
    print(f"samples beyond the planned {plan.samples}: {outcome.excess_samples}; widest seam {outcome.widest_seam:g} s")
    late, early = max(outcome.skews_ms), min(outcome.skews_ms)
    print(f"{len(outcome.skews_ms)} beeps against their pictures: {early:+.1f} to {late:+.1f} ms")
    print(f"steepest step at a join: {max(outcome.jumps) / STEEPEST:.2f} of an uncut beep's")
    print(f"parts without an IDR: {len(outcome.missing_idrs)}")
    print(f"parameter sets: {outcome.parameter_sets}; tables: {outcome.tables}")
    print(f"judge: {'clean' if outcome.report.is_clean else outcome.report}")
    print(f"ffmpeg: {outcome.complaints or 'silent'}")


if __name__ == "__main__":
    main()
