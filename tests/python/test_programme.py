"""A channel stays on its schedule for hours, whatever its media do: on an engine with a clock of its own."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from fractions import Fraction
from math import floor

import pytest

from air_py import AsRun, ProgramFormat, StreamTransport
from air_py.channel import Channel
from air_py.director.leads import Leads
from air_py.director.programme import BLACK, Programme
from air_py.schedule import Airing, Filler, Item
from virtual_engine import VirtualEngine

HOUR_MS = 3_600_000
START_MS = 1_800_000_000_123
RATES = ["25/1", "30000/1001", "60000/1001"]


class Loop:
    """Airings of whole frames one after the other, again and again."""

    def __init__(self, rate: Fraction, frames: dict[str, int], epoch_ms: int) -> None:
        self.items = list(frames.items())
        self.period = 1000 / rate
        self.total = sum(frames.values())
        self.epoch_ms = epoch_ms

    def at(self, time_ms: int) -> Airing:
        return next(self.between(time_ms, time_ms + 1))

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        frame = floor((start_ms - self.epoch_ms) / self.period) // self.total * self.total
        while True:
            for asset, frames in self.items:
                first = self.epoch_ms + floor(frame * self.period)
                frame += frames
                last = self.epoch_ms + floor(frame * self.period)
                if first >= end_ms:
                    return
                if last > start_ms:
                    yield Airing(first, last, asset, asset)


class Air:
    """A channel run for a while, and what it has aired."""

    def __init__(
        self,
        rate: str = "30000/1001",
        frames: dict[str, int] | None = None,
        *,
        real: dict[str, int | None] | None = None,
        hours: float = 1.0,
        leads: Leads | None = None,
        epoch_ms: int = START_MS - 10 * HOUR_MS,
        filler: Filler | None = None,
        set_at_ms: int | None = None,
        set_by_ms: int = 0,
        **faults: object,
    ) -> None:
        ratio = Fraction(rate)
        frames = frames or {"a": 30 * 60, "b": 701, "c": 20 * 60 + 1}
        self.schedule = Loop(ratio, frames, epoch_ms)
        lengths: dict[str, int | None] = {BLACK: None, **frames, **(real or {})}
        self.engine = VirtualEngine(ratio, lengths, now_ms=Fraction(START_MS), **faults)  # type: ignore[arg-type]
        self.stopping = threading.Event()
        self.until_ms = START_MS + hours * HOUR_MS
        self.set_at_ms, self.set_by_ms = set_at_ms, set_by_ms
        channel = Channel(1, "one", self.schedule, ProgramFormat(640, 360, rate), filler=filler)
        self.programme = Programme(
            channel, self.engine, leads or Leads(), self.stopping, now_ms=self.now_ms  # type: ignore[arg-type]
        )  # fmt: skip
        self.programme.begin(StreamTransport.UNIX_DOMAIN_SOCKET, "")
        self.programme.follow()
        self.engine.stop_channel(1)
        self.records = self.engine.records

    def now_ms(self) -> int:
        if self.set_at_ms is not None and self.engine.now >= self.set_at_ms:
            self.set_at_ms = None
            self.until_ms += self.set_by_ms
            self.engine.set_clock(self.set_by_ms)
        if self.engine.now >= self.until_ms:
            self.stopping.set()
        return self.engine.now_ms()

    @property
    def items(self) -> list[AsRun]:
        """What aired of the schedule, without black."""
        return [record for record in self.records if record.asset != BLACK]

    def planned(self, record: AsRun) -> Airing:
        """What the schedule has where the record is: looked up in its middle, since it may begin a frame early."""
        return self.schedule.at(record.first_time_ms + 100)

    def lateness_in_frames(self, record: AsRun) -> Fraction:
        due_ms = self.planned(record).start_ms + record.start_offset_ms
        return (record.first_time_ms - due_ms) / self.engine.period


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_eight_hours_are_aired_as_planned_with_no_black_between(rate: str, seed: int) -> None:
    """PAINS 2, 3, 16: every item begins within a frame of its time, whole, in order, and nothing comes between."""
    chance = random.Random(seed)
    frames = {f"item {n}": chance.randrange(150, 4000) for n in range(40)}
    air = Air(rate, frames, hours=8)
    black, *items = air.records
    assert black.asset == BLACK and len(items) > 300
    for record in items:
        assert record.asset == air.planned(record).asset
        assert abs(air.lateness_in_frames(record)) <= 1
        assert record.black == 0
    for record in items[1:-1]:
        assert record.start_offset_ms == 0
        assert record.content == frames[record.asset]


@pytest.mark.parametrize("minutes", [0, 3, 7.77, 59])
def test_tuning_in_joins_at_the_frame_due_by_the_clock(minutes: float) -> None:
    """PAINS 11: within a frame, black for no longer than it takes to cue."""
    air = Air(frames={"film": 90 * 60 * 30}, hours=0.01, epoch_ms=START_MS - round(minutes * 60_000))
    black, film = air.records
    assert black.content < 8
    assert 0 <= air.lateness_in_frames(film) <= 1


@pytest.mark.parametrize("slewed_ms", [-9, -1, 1, 9])
def test_a_clock_that_is_being_set_right_moves_no_tune_in_to_another_tick(slewed_ms: int) -> None:
    """PAINS 11: what was cued for a tick is taken at it."""
    air = Air(frames={"film": 90 * 60 * 30}, hours=0.01, slewed_ms=slewed_ms)
    (film,) = air.items
    assert air.lateness_in_frames(film) == 0


def test_what_cannot_be_opened_or_decoded_has_its_time_in_black_and_the_rest_is_on_time() -> None:
    """PAINS 35."""
    for air in (Air(unplayable=("b",)), Air(undecodable=("b",))):
        assert {record.asset for record in air.records} == {"a", "c", BLACK}
        assert all(abs(air.lateness_in_frames(record)) <= 1 for record in air.items)
        assert all(record.black == 0 for record in air.items)


def test_filler_airs_in_the_place_of_what_cannot_be_played_and_black_where_that_cannot_either() -> None:
    """PAINS 8, 35: for its time, and not a frame longer."""
    rate = Fraction("30000/1001")
    filler = Filler((Item("ident", "", 200), Item("broken", "", 100)), rate)
    air = Air(real={"ident": 200}, filler=filler, unplayable=("b", "broken"))
    after_a = [record.asset for before, record in itertools.pairwise(air.records) if before.asset == "a"]
    assert set(after_a) == {"ident"}
    assert [record.asset for record in air.records[-8:-1]].count(BLACK) in (2, 3)
    planned = [record for record in air.items if record.asset != "ident"]
    assert {record.asset for record in planned} == {"a", "c"}
    assert all(abs(air.lateness_in_frames(record)) <= 1 and record.black == 0 for record in planned)


def test_what_fails_at_its_first_frame_is_filled_from_there() -> None:
    filler = Filler((Item("ident", "", 200),), Fraction("30000/1001"))
    air = Air(real={"c": 300, "ident": 200}, filler=filler)
    after_c = [record.asset for before, record in itertools.pairwise(air.records) if before.asset == "c"]
    assert set(after_c) == {"ident"}
    assert all(abs(air.lateness_in_frames(record)) <= 1 for record in air.items if record.asset == "a")


def test_an_asset_shorter_than_planned_is_followed_by_black_until_the_next_is_due() -> None:
    air = Air(real={"b": 500, "c": 1201 - 100}, hours=1)
    assert all(abs(air.lateness_in_frames(record)) <= 1 for record in air.items)
    after_b = [after.asset for record, after in zip(air.records, air.records[1:], strict=False) if record.asset == "b"]
    assert set(after_b) == {BLACK}


def test_an_asset_longer_than_planned_is_cut_when_the_next_is_due() -> None:
    air = Air(real={"b": 5000}, hours=1)
    assert all(abs(air.lateness_in_frames(record)) <= 1 for record in air.items)
    assert {record.content for record in air.items[1:-1] if record.asset == "b"} <= {700, 701, 702}


def test_a_frame_that_the_plan_does_not_know_of_costs_neither_black_nor_a_cut_nor_drift() -> None:
    """Containers are wrong by a frame: within one of its time an item follows its predecessor."""
    air = Air(real={"a": 1801, "b": 700}, hours=3)
    assert all(abs(air.lateness_in_frames(record)) <= 2 for record in air.items)
    assert sum(record.black for record in air.items) == 0


def test_items_of_a_second_follow_each_other_without_black() -> None:
    air = Air(frames={f"{n}": 30 + n for n in range(7)}, hours=0.2)
    assert sum(record.black for record in air.items[1:]) == 0
    assert len(air.items) > 500


def test_an_asset_slow_to_cue_gets_more_time_at_each_tune_in_until_it_is_on_time() -> None:
    leads = Leads()
    films = [
        Air(frames={"film": 90 * 60 * 30}, hours=0.1, leads=leads, cue_ms={"film": 900}).items[0] for _ in range(4)
    ]
    black = [film.black for film in films]
    assert black[0] > 15 and black == sorted(set(black), reverse=True) and black[-1] == 0


@pytest.mark.parametrize("open_ms, late_ms", [(700, 0), (2900, 0), (3500, 500)])
def test_an_asset_slow_to_open_is_joined_at_the_frame_due_all_the_same(open_ms: int, late_ms: int) -> None:
    """PAINS 11: and one that is slower than there is time for, late."""
    air = Air(frames={"film": 90 * 60 * 30}, hours=0.1, open_ms={"film": open_ms})
    (film,) = air.items
    assert -1 <= air.lateness_in_frames(film) - late_ms / air.engine.period <= 1


def test_a_host_that_hears_late_of_what_airs_allows_no_more_time_for_it() -> None:
    leads = Leads()
    air = Air(leads=leads, telling_ms=50)
    assert {leads.of(record.asset) for record in air.items} == {Leads().of("")}


@pytest.mark.parametrize("by_ms", [-HOUR_MS, HOUR_MS])
def test_a_clock_that_is_set_leaves_the_channel_on_what_is_due_by_it(by_ms: int) -> None:
    """From the end of an item on, not after the hour."""
    air = Air(hours=0.4, set_at_ms=START_MS + HOUR_MS // 10, set_by_ms=by_ms)
    dark = sum(record.content for record in air.records if record.asset == BLACK)
    assert dark + sum(record.black for record in air.items) < 60 * 30
    assert all(record.asset == air.planned(record).asset for record in air.items[-5:])
    assert all(abs(air.lateness_in_frames(record)) <= 1 for record in air.items[-5:])


def test_a_tune_in_at_the_very_end_of_an_item_begins_with_the_next() -> None:
    frames = {"a": 300, "b": 300}
    a_ends_ms = START_MS + 600
    air = Air("25/1", frames, hours=0.001, epoch_ms=a_ends_ms - 12_000)
    assert [record.asset for record in air.records] == [BLACK, "b"]
    assert 0 <= air.records[1].first_time_ms - a_ends_ms < 40
