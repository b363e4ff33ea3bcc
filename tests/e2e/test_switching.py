"""Switches, boundaries and hard stops on the real clock, which is the point here: virtual time cannot be late."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.e2e.host import expect
from tests.e2e.plan import Part
from tests.e2e.recording import RATE, recording, tick_at
from tests.e2e.switching import ONE, OTHER, switch_at_boundaries, switch_at_random

SWITCHES = 10
"""`python -m benches.switching` makes 200."""


@pytest.mark.usefixtures("both_ways")
def test_a_switch_shows_the_new_part_within_two_ticks_of_the_reply(tmp_path: Path) -> None:
    """SW-1, SW-2, SW-5, SW-6, SW-8, SW-13, L-11, L-12, L-24: at any phase, while others want the processors too."""
    switches = switch_at_random(tmp_path / "out.ts", SWITCHES, processes=2)
    assert [cut for cut, course in switches if cut.delay > 2 or course.wrong or course.black] == []
    # How many pictures stand depends on who else is on the machine, so that belongs to the bench.
    assert sum(course.shown for _, course in switches) > SWITCHES


@pytest.mark.usefixtures("both_ways")
def test_an_order_for_a_time_is_carried_out_on_its_tick(tmp_path: Path) -> None:
    """R-31, L-12: the first tick at or after the time, not one before or after it."""
    switches = switch_at_boundaries(tmp_path / "out.ts", SWITCHES, processes=2, ahead=0.5)
    assert [cut for cut, course in switches if cut.delay or course.wrong or course.black] == []


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("away_ms", [-1000, 0, 1])
def test_a_hard_stop_that_is_past_or_now_shows_nothing_and_harms_nothing(away_ms: int, tmp_path: Path) -> None:
    """SG-8, L-46: the switch succeeds, black follows at once, and the next part plays."""
    with recording(tmp_path / "out.ts") as kept:
        kept.cue(Part(ONE))
        expect(kept.engine.switch_to_live(1))
        expect(
            kept.engine.load_preview(
                1, asset_path=Part(OTHER).segment.asset, hard_stop_time_ms=int(time.time() * 1000) + away_ms
            )
        )
        expect(kept.engine.switch_to_live(1))
        time.sleep(0.3)  # seen for a moment
        kept.cue(Part(ONE, 1000))
        expect(kept.engine.switch_to_live(1))
        time.sleep(0.2)  # likewise
        _, stopped, resumed = kept.taken()
    pictures = kept.pictures()
    # Its own cue takes longer than a millisecond, so that now is past when it goes on air.
    assert pictures[stopped:resumed] == [None] * (resumed - stopped)
    assert pictures[resumed] == Part(ONE, 1000).picture(Fraction(0), RATE)


@pytest.mark.usefixtures("both_ways")
def test_a_hard_stop_falls_on_its_tick(tmp_path: Path) -> None:
    """SG-5, SG-6, SG-7, L-30: nothing at or after the time, all before it, and black waits there."""
    with recording(tmp_path / "out.ts") as kept:
        kept.cue(Part(OTHER))
        expect(kept.engine.switch_to_live(1))
        epoch = kept.epoch()
        for away in (0.3, 0.45, 0.617):
            stop_ms = round((time.time() + away) * 1000)
            kept.cue(Part(ONE, 500), hard_stop_time_ms=stop_ms)
            expect(kept.engine.switch_to_live(1))
            time.sleep(away + 0.2)  # until it is over
            stop, since = tick_at(stop_ms / 1000, epoch), kept.taken()[-1]
            pictures = kept.pictures()
            black = pictures.index(None, since)
            assert abs(black - stop) <= 1
            assert all(number is not None for number in pictures[since:black])
            assert set(pictures[black:]) == {None}
