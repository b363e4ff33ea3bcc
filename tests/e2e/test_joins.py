"""A hundred short pieces of every kind of file, one after the other: nobody can tell where the joins were."""

from __future__ import annotations

import os

import pytest

from tests.e2e.joins import EXACT, STEEPEST, Outcome, programme, render

JOINS = int(os.environ.get("AIR_TEST_JOINS", "120"))
"""The first of the thousand that `python -m benches.joins` makes."""
PLAN = programme(JOINS)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The programme, rendered once."""
    return render(PLAN, tmp_path_factory.mktemp("joins") / "out.ts")


def test_the_programme_has_every_family() -> None:
    assert {part.clip for part in PLAN.parts} == set(EXACT.values())
    assert len(EXACT) >= 30


def test_every_planned_picture_appears_once_and_no_other(outcome: Outcome) -> None:
    """SG-1, SG-2, SG-12, SW-6, SW-8, L-08, L-24, L-32, PF-6: the exact list, from the first tick to the last."""
    assert outcome.wrong_pictures == []
    assert outcome.stats.ticks == PLAN.ticks
    assert (outcome.stats.counters.held_frames, outcome.stats.counters.underruns) == (0, 0)
    assert outcome.stats.counters.black_frames == PLAN.ticks_after_an_end()


def test_every_sample_is_accounted_for(outcome: Outcome) -> None:
    """AU-8, L-16: as many as the ticks have, and the two frames more that an AAC coder ends with at most."""
    assert 0 <= outcome.excess_samples < 2 * 1024
    assert outcome.widest_seam < 1 / 90_000


def test_sound_stays_with_its_picture_on_both_sides_of_a_join(outcome: Outcome) -> None:
    """SG-3, SW-9, AU-9, L-31."""
    assert len(outcome.skews_ms) > JOINS
    assert max(map(abs, outcome.skews_ms)) <= 10


def test_no_join_clicks(outcome: Outcome) -> None:
    """SW-8: a beep that a join cuts falls or rises as fast as a beep does, twice as fast for what AAC adds.

    A cut without a ramp would be up to seven times as steep.
    """
    assert len([jump for jump in outcome.jumps if jump]) > JOINS / 10, "some joins cut a beep"
    assert max(outcome.jumps) <= STEEPEST * 2


def test_every_part_begins_with_an_idr_picture(outcome: Outcome) -> None:
    """MX-8"""
    assert outcome.missing_idrs == []


def test_one_encoder_and_one_mux_make_it_all(outcome: Outcome) -> None:
    """SW-7, LC-8, MX-4, L-18."""
    assert outcome.parameter_sets == 1
    assert outcome.tables == 2


def test_judge_and_ffmpeg_find_nothing(outcome: Outcome) -> None:
    """SW-17, MX-5, MX-7."""
    assert outcome.report.is_clean, outcome.report
    assert outcome.complaints == ""
