"""Segments longer, shorter and far shorter than their files: every tick has its owner, on the virtual clock."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path

import pytest

import air_py
from tests.e2e.host import QUICK
from tests.e2e.plan import Part, Plan, differences
from tests.e2e.watch import Programme, watch
from tests.media import FAMILIES

PAL = air_py.ProgramFormat(320, 180, "25/1")
NTSC = air_py.ProgramFormat(320, 180, "30000/1001")
LONG = FAMILIES["rate-25"]
SHORT = ["one-picture", "three-pictures", "fifth-of-a-second"]


def render(plan: Plan, folder: Path) -> tuple[Programme, air_py.Stats]:
    """Render the plan and watch it; it has to be what the model says."""
    out = folder / "out.ts"
    stats = air_py.render([part.segment for part in plan.parts], out, format=plan.house, sink=QUICK)
    programme = watch(out, plan.areas())
    assert differences(plan, programme) == []
    return programme, stats


@pytest.mark.parametrize("missing", range(6))
@pytest.mark.parametrize("house", [PAL, NTSC], ids=str)
def test_a_file_some_frames_short_of_its_slot_ends_in_black_once(
    missing: int, house: air_py.ProgramFormat, tmp_path: Path
) -> None:
    """L-47, SG-9, BF-1: black from the frame after the last to the end of the slot, and never content after it."""
    frame_ms = 1000 / Fraction(house.frame_rate)
    clip = replace(LONG, seconds=1)
    slot_ms = 1000 + round(missing * frame_ms)
    programme, stats = render(Plan([Part(clip, 0, slot_ms), Part(LONG, 0, 400)], house), tmp_path)
    runs = [black for black, _ in groupby(programme.pictures, lambda picture: picture.black)]
    assert runs == ([False, True, False] if missing else [False])
    assert stats.counters.held_frames == 0
    assert stats.counters.failsafe_entries == (1 if missing else 0)


def test_a_slot_shorter_than_its_file_is_cut_to_the_tick(tmp_path: Path) -> None:
    """SG-5, SG-6, L-46: from one tick up, in whatever millisecond the slot ends."""
    lengths_ms = [1, 39, 40, 41, 80, 81, 119, 500, 1, 1, 999]
    plan = Plan([Part(LONG, at, length) for at, length in enumerate(lengths_ms)], PAL)
    _, stats = render(plan, tmp_path)
    assert stats.ticks == -(-sum(lengths_ms) // 40)
    assert stats.counters.black_frames == 0


@pytest.mark.parametrize("name", SHORT)
def test_a_very_short_file_plays_and_the_next_follows(name: str, tmp_path: Path) -> None:
    """SW-12, L-46, L-48: one picture, three, a fifth of a second; to its end, within a slot, and many in a row."""
    short = FAMILIES[name]
    for rows in (
        [Part(short), Part(LONG, 0, 200), Part(short)],
        [Part(short, 0, 300), Part(LONG, 0, 200), Part(short, 0, 40)],
        [Part(short)] * 20,
    ):
        for house in (PAL, NTSC):
            _, stats = render(Plan(rows, house), tmp_path)
            assert stats.counters.underruns == 0


def test_slots_that_end_within_a_tick_leave_none_without_an_owner(tmp_path: Path) -> None:
    """L-06, L-46: ninety slots of 33 ms are 90 ticks at 30000/1001 less what they fall short by."""
    plan = Plan([Part(LONG, 7 * n % 1900, 33) for n in range(90)], NTSC)
    _, stats = render(plan, tmp_path)
    assert stats.ticks == -(-90 * 33 * 30 // 1001)


def test_black_is_black_and_silence_is_silent(tmp_path: Path) -> None:
    """BF-2, BF-3: no light, no sound, and stamps that run on."""
    plan = Plan([Part(FAMILIES["three-pictures"], 0, 1000), Part(LONG, 0, 200)], PAL)
    programme, _ = render(plan, tmp_path)
    dark = [picture for picture in programme.pictures if picture.black]
    assert len(dark) == 22
    steps = {b.time - a.time for a, b in pairwise(programme.pictures)}
    assert steps == {Fraction(1, 25)}
    rate = programme.sound.rate
    assert abs(programme.sound.samples[rate // 4 : rate * 9 // 10]).max() < 1e-4
