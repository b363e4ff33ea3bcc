"""`python -m benches.virtual_day [HOURS]`: 24 hours of mixed clips on the virtual clock, the PTS wrapping at half time.

Pictures are as small as they get and are not encoded, nor is sound; all else is as on air. The day takes two gigabytes
of the temporary folder, for the judge to read. Drift is what the judge counted against what the plan has; memory is
what this process holds, a line laid through its samples from the second quarter of the programme on: until then every
kind of clip has been read, and the allocator has its arenas.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

import air_py
from tests.e2e.host import resident_bytes
from tests.e2e.plan import Part, Plan
from tests.media import FAMILIES
from tests.media.clip import WRAP

HOUSE = air_py.ProgramFormat(160, 90, "30000/1001")
SINK = air_py.SinkConfig(video_encoder="null", audio_encoder="null", video_bitrate=50_000, audio_bitrate=64_000)
NAMES = ["rate-23.976", "rate-59.94", "rate-25", "stamps-wrap", "sound-44k-mono", "sound-ac3-5.1", "b-pyramid"]
MINUTES = 5
"""How long a clip is; and after each there are pieces of half a second."""
PIECES = 3
CLIPS = [replace(FAMILIES[name], size=(160, 90), seconds=60 * MINUTES) for name in NAMES]


def main() -> None:
    """Print what the judge found, how far plan and stream are apart, and the slope of the memory."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24
    plan = day(round(hours * 3_600_000))
    segments = [part.segment for part in plan.parts]
    memory: list[tuple[int, int]] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "day.ts"
        stats = air_py.render(
            segments,
            out,
            format=HOUSE,
            sink=SINK,
            pts_base=int((WRAP - Fraction(hours) * 1800) * 90_000),
            progress=lambda progress: memory.append((progress.ticks, resident_bytes())),
        )
        took = time.monotonic() - began
        report = air_py.check(out, profile="house")
    report_day(plan, stats, report, memory, took)


def day(length_ms: int) -> Plan:
    """Whole clips and short pieces of them in turn, for this long."""
    draw, parts, at = random.Random(24), list[Part](), 0
    while at < length_ms:
        whole = draw.choice(CLIPS)
        pieces = [Part(draw.choice(CLIPS), draw.randrange(MINUTES * 50_000), 500) for _ in range(PIECES)]
        parts += [Part(whole, 0, MINUTES * 60_000), *pieces]
        at += MINUTES * 60_000 + PIECES * 500
    return Plan(parts, HOUSE)


def report_day(
    plan: Plan, stats: air_py.Stats, report: air_py.Report, memory: list[tuple[int, int]], took: float
) -> None:
    """Print the figures."""
    video, audio = report.facts.streams
    seconds = float(plan.ticks / plan.rate)
    print(f"{seconds / 3600:.2f} h, {len(plan.parts) - 1} joins, in {took:.0f} s: {seconds / took:.0f} x real time")
    irregular = video.irregular_steps + audio.irregular_steps
    print(f"judge: {report.checks or 'no finding'}; irregular steps of PTS {irregular}")
    print(f"pictures {video.units}, drift {video.units - plan.ticks} ticks; black {stats.counters.black_frames}")
    padded = audio.units * 1024 - plan.samples
    print(f"samples {plan.samples}, drift {padded} less the coder's own last frames (at most 2048)")
    quarter = plan.ticks // 4
    settled = np.array([(ticks, held) for ticks, held in memory if ticks > quarter])
    slope = np.polyfit(settled[:, 0] / float(plan.rate) / 86_400, settled[:, 1] / 2**20, 1)[0]
    quarters = [f"{memory[at * (len(memory) - 1) // 4][1] / 2**20:.1f}" for at in range(1, 5)]
    print(f"memory: {slope:+.2f} MiB per virtual day; after each quarter {', '.join(quarters)} MiB")


if __name__ == "__main__":
    main()
