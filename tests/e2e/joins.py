"""A programme of many short pieces of every kind of clip, and all that can be wrong where two of them meet."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import pi
from pathlib import Path

import numpy as np

import air_py
from tests.e2e.host import QUICK
from tests.e2e.packets import Stream, nal_types
from tests.e2e.plan import Part, Plan, differences, skews_ms
from tests.e2e.watch import Programme, watch
from tests.media import FAMILIES, Clip, tags

EXACT = {
    name: clip
    for name, clip in FAMILIES.items()
    # Which pictures are lost of these is the decoder's to say, and a still has no end of its own.
    if name not in ("truncated", "damaged", "still")
}
"""Families of which every picture is known."""
HOUSE = air_py.ProgramFormat(640, 360, "30000/1001")
LEAST, MOST = 5, 30
"""Output frames of a part."""
STEEPEST = 2 * pi * tags.BEEP_HZ / HOUSE.sample_rate
"""The largest difference of neighbouring samples in a beep that is not cut, of the height of the beep."""
AUDIBLE = 0.05
"""Of full scale; a beep is ten times as loud."""
NEAR = Fraction(10, 1000)
"""How far around a join its sound is looked at, in seconds."""


def programme(joins: int, seed: int = 1) -> Plan:
    """A plan with this many joins: every family in turn, shuffled anew each round, from random points on."""
    draw = random.Random(seed)
    parts: list[Part] = []
    while len(parts) <= joins:
        clips = list(EXACT.values())
        draw.shuffle(clips)
        parts += [part(clip, draw) for clip in clips]
    return Plan(parts[: joins + 1], HOUSE)


def part(clip: Clip, draw: random.Random) -> Part:
    """A random stretch of the clip; one in ten may reach over its end, into black."""
    # How long the last picture of a variable rate lasts, its container decides.
    end = clip.end if clip.timing == "constant" else clip.starts[-1]
    shown = int((end - clip.first) * 1000)
    frame_ms = 1000 / Fraction(HOUSE.frame_rate)
    duration_ms = int(draw.randint(LEAST, MOST) * frame_ms)
    offset_ms = draw.randrange(max(shown - int(LEAST * frame_ms), 1))
    if draw.random() > 0.1 or clip.timing != "constant":
        duration_ms = max(min(duration_ms, shown - offset_ms), int(frame_ms))
    return Part(clip, offset_ms, duration_ms)


@dataclass(frozen=True)
class Outcome:
    """What became of a programme; a list names what is wrong in words."""

    stats: air_py.Stats
    wrong_pictures: list[str]
    skews_ms: list[float]
    """How late each beep is that can be found."""
    jumps: list[float]
    """For each join the largest difference of neighbouring samples around it, of the largest sample; 0 for silence."""
    missing_idrs: list[int]
    """Parts whose first picture is none."""
    parameter_sets: int
    """Different ones in the stream: one encoder has one."""
    tables: int
    """Different PATs and PMTs in the stream: one mux has one of each."""
    excess_samples: int
    """Decoded after the last planned one; the coder fills its last frame, and ends with one of its own."""
    widest_seam: float
    """Largest distance, in seconds, of a frame of sound from where counting puts it."""
    report: air_py.Report
    complaints: str
    """What ffmpeg says of it."""


def render(plan: Plan, out: Path) -> Outcome:
    """Render the plan, and look at the result in every way there is."""
    stats = air_py.render([part.segment for part in plan.parts], out, format=plan.house, sink=QUICK)
    seen, stream = watch(out, plan.areas()), Stream(out.read_bytes())
    units = [bytes(pes.data) for pes in stream.video]
    psi = {(p.pid, p.payload) for p in stream.packets if p.pid in (0, stream.pmt_pid)}
    command = ["ffmpeg", "-nostdin", "-v", "warning", "-i", str(out), "-f", "null", "-"]
    return Outcome(
        stats=stats,
        wrong_pictures=differences(plan, seen),
        skews_ms=skews_ms(plan, seen),
        jumps=list(jumps(plan, seen)),
        missing_idrs=[number for number, slot in enumerate(plan.slots) if 5 not in nal_types(units[slot.first])],
        parameter_sets=len({parameters for unit in units if (parameters := sequence_parameters(unit))}),
        tables=len(psi),
        excess_samples=len(seen.sound.samples) - plan.samples,
        widest_seam=float(max(map(abs, seen.sound.seams))),
        report=air_py.check(out),
        complaints=subprocess.run(command, capture_output=True, text=True).stderr,
    )


def jumps(plan: Plan, seen: Programme) -> Iterator[float]:
    """The largest step between neighbouring samples around each join, of the largest sample there."""
    sound, zero = seen.sound, seen.pictures[0].time
    for join in plan.joins():
        since, to = (int((zero + join + by - sound.start) * sound.rate) for by in (-NEAR, NEAR))
        near = sound.samples[since:to]
        height = float(np.abs(near).max())
        yield float(np.abs(np.diff(near)).max()) / height if height > AUDIBLE else 0.0


def sequence_parameters(unit: bytes) -> bytes | None:
    """The sequence parameter set in an access unit."""
    return next((nal for nal in unit.split(b"\0\0\1")[1:] if nal[0] & 31 == 7), None)
