"""Every rate into every channel rate, and after every other: the picture of each tick is the one its time asks for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import air_py
from tests.e2e.host import QUICK
from tests.e2e.plan import Part, Plan, differences, skews_ms
from tests.e2e.watch import Programme, watch
from tests.media import FAMILIES, Clip
from tests.media.families import RATES

CLIPS = [*(FAMILIES[f"rate-{name}"] for name in RATES), FAMILIES["vfr-phone"], FAMILIES["vfr-misdeclared"]]
CHANNELS = ["24/1", "25/1", "30000/1001", "50/1", "60/1"]


def every_join() -> Iterator[Clip]:
    """Clips in an order in which each follows each, itself too, exactly once: a de Bruijn sequence of pairs."""
    for at, clip in enumerate(CLIPS):
        yield clip
        for later in CLIPS[at + 1 :]:
            yield from (clip, later)
    yield CLIPS[0]


def in_house(rate: str, parts: list[Part]) -> Plan:
    """A plan whose pictures need no scaling."""
    return Plan(parts, air_py.ProgramFormat(320, 180, rate))


@pytest.mark.parametrize("rate", CHANNELS)
def test_no_rate_leaves_a_trace_in_the_next(rate: str, tmp_path: Path) -> None:
    """L-01, L-08, L-09, SW-6, SW-18: floor(k·in/out) from the first tick after a join to the last before the next."""
    draw = random.Random(rate)
    parts = [Part(clip, draw.choice([0, draw.randrange(1300)]), draw.randrange(250, 600)) for clip in every_join()]
    plan = in_house(rate, parts)
    pairs = {(before.clip, after.clip) for before, after in pairwise(parts)}
    assert len(pairs) == len(CLIPS) ** 2
    programme = render(plan, tmp_path)
    assert differences(plan, programme) == []
    assert max(map(abs, skews_ms(plan, programme))) <= 10


@pytest.mark.parametrize("rate", CHANNELS)
def test_a_clip_of_any_rate_lasts_as_long_as_it_is(rate: str, tmp_path: Path) -> None:
    """L-01, L-06, LC-5: every clip to its own end, one after the other, each from its own first tick."""
    plan = in_house(rate, [Part(FAMILIES[f"rate-{name}"]) for name in RATES])
    assert differences(plan, render(plan, tmp_path)) == []


def render(plan: Plan, folder: Path) -> Programme:
    """Render the plan and watch it."""
    out = folder / "out.ts"
    stats = air_py.render([part.segment for part in plan.parts], out, format=plan.house, sink=QUICK)
    assert (stats.ticks, stats.counters.held_frames, stats.counters.underruns) == (plan.ticks, 0, 0)
    return watch(out, plan.areas())
