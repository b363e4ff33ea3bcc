"""Grids: blocks by the clock of the zone, a playlist between them, filler where neither has anything."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from test_playlist import NTSC, YEAR_MS, disagreements, items

from air_py.schedule import Airing, Blocks, DailyBlock, DatedBlock, Filler, Grid, Item, Playlist

BERLIN = ZoneInfo("Europe/Berlin")
PAL = Fraction(25)
FILLER = Filler((Item("/filler.mp4", "Filler", 250),), PAL)


def ms(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp() * 1000)


def clock(time_ms: int, zone: ZoneInfo = BERLIN) -> str:
    return datetime.fromtimestamp(time_ms / 1000, zone).strftime("%a %H:%M")


def seconds(title: str, length: int) -> tuple[Item, ...]:
    return (Item(f"/{title}.mp4", title, length * 25),)


def grid(*blocks: DailyBlock | DatedBlock, playlist: Playlist | None = None, filler: Filler = FILLER) -> Grid:
    dated = tuple(block for block in blocks if isinstance(block, DatedBlock))
    daily = tuple(block for block in blocks if isinstance(block, DailyBlock))
    return Grid(Blocks(dated, daily, BERLIN, PAL), playlist, filler)


def planned(schedule: Grid, start_ms: int, end_ms: int) -> list[Airing]:
    return [airing for airing in schedule.between(start_ms, end_ms) if not airing.is_filler]


NEWS = DailyBlock(time(20, 15), seconds("News", 900))
FILM = DailyBlock(time(20, 25), seconds("Film", 7200), frozenset({4, 5}))


def test_a_block_cuts_what_is_before_it() -> None:
    """Friday: the film takes over ten minutes into the news."""
    news, film = planned(grid(NEWS, FILM), ms("2026-11-20 20:00"), ms("2026-11-20 23:00"))
    assert (news.title, clock(news.start_ms), clock(news.end_ms)) == ("News", "Fri 20:15", "Fri 20:25")
    assert (film.title, film.end_ms - film.start_ms) == ("Film", 7_200_000)


def test_a_block_of_some_days_is_on_on_these() -> None:
    week = planned(grid(FILM), ms("2026-11-16 00:00"), ms("2026-11-23 00:00"))
    assert [clock(film.start_ms) for film in week] == ["Fri 20:25", "Sat 20:25"]


def test_filler_starts_over_in_every_gap_and_is_cut_at_the_block() -> None:
    found = list(grid(NEWS, FILM).between(ms("2026-11-16 20:30"), ms("2026-11-17 20:15") + 1))
    first, *_, last, news = found
    assert first.is_filler and first.start_ms == ms("2026-11-16 20:30") and first.offset_ms == 0
    assert last.is_filler and last.end_ms == ms("2026-11-17 20:15") == news.start_ms
    assert news.title == "News" and news.offset_ms == 0


def test_the_playlist_goes_on_behind_a_block() -> None:
    playlist = Playlist(seconds("Long", 3600), PAL, ms("2026-11-16 20:00"))
    before, news, after = grid(NEWS, playlist=playlist).between(ms("2026-11-16 20:00"), ms("2026-11-16 21:00"))
    assert (before.title, before.end_ms, before.offset_ms) == ("Long", ms("2026-11-16 20:15"), 0)
    assert (after.title, after.start_ms, after.offset_ms) == ("Long", ms("2026-11-16 20:30"), 1_800_000)
    assert news.end_ms == after.start_ms


def test_filler_follows_a_playlist_that_ends() -> None:
    playlist = Playlist(seconds("Once", 60), PAL, ms("2026-11-16 12:00"), loop=False)
    schedule = grid(NEWS, playlist=playlist)
    after = schedule.at(ms("2026-11-16 12:01"))
    assert after.is_filler and after.start_ms == ms("2026-11-16 12:01") and after.asset == "/filler.mp4"
    assert disagreements(schedule, ms("2026-11-16 00:00"), ms("2026-11-18 00:00")) == []


def test_without_anything_there_is_black() -> None:
    airing = grid(filler=Filler((), PAL)).at(ms("2026-11-16 12:00"))
    assert airing.asset == "pattern:black" and airing.is_filler


def test_a_dated_block_wins_over_one_of_every_day_and_comes_once() -> None:
    special = DatedBlock(ms("2026-12-24 20:15"), seconds("Special", 60))
    schedule = grid(NEWS, special)
    assert schedule.at(ms("2026-12-24 20:15")).title == "Special"
    assert schedule.at(ms("2026-12-24 20:16")).is_filler
    assert schedule.at(ms("2026-12-25 20:15")).title == "News"


def test_a_dated_block_is_found_from_afar() -> None:
    schedule = grid(DatedBlock(ms("2026-01-01 00:00"), seconds("Once", 40 * 86_400)))
    assert schedule.at(ms("2026-02-09 00:00")).title == "Once"
    assert schedule.at(ms("2025-06-01 00:00")).is_filler
    assert disagreements(schedule, ms("2025-12-30 00:00"), ms("2026-02-12 00:00")) == []


def test_a_block_without_media_still_cuts() -> None:
    schedule = grid(NEWS, DailyBlock(time(20, 20), ()))
    assert schedule.at(ms("2026-11-16 20:20")).is_filler


@pytest.mark.parametrize(
    "day, expected",
    [
        ("2026-03-28", ["Sat 02:30", "Sat 03:15"]),
        ("2026-03-29", ["Sun 03:15", "Sun 03:30"]),  # No 02:30 on this day: half an hour after the change.
        ("2026-03-30", ["Mon 02:30", "Mon 03:15"]),
        ("2026-10-24", ["Sat 02:30", "Sat 03:15"]),
        ("2026-10-25", ["Sun 02:30", "Sun 03:15"]),  # Twice 02:30: the first.
        ("2026-10-26", ["Mon 02:30", "Mon 03:15"]),
    ],
)
def test_a_block_of_every_day_keeps_its_hour_when_the_clock_changes(day: str, expected: list[str]) -> None:
    """PAINS 16: once a day, by the clock on the wall."""
    schedule = grid(DailyBlock(time(2, 30), seconds("Late", 60)), DailyBlock(time(3, 15), seconds("Later", 60)))
    begins = planned(schedule, ms(f"{day} 00:00"), ms(f"{day} 12:00"))
    assert [clock(airing.start_ms) for airing in begins] == expected
    assert disagreements(schedule, ms(f"{day} 00:00"), ms(f"{day} 23:00")) == []
    if day == "2026-10-25":
        assert begins[0].start_ms == ms("2026-10-25 02:30", fold=0) < ms("2026-10-25 02:30", fold=1)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
def test_a_year_of_any_grid_has_no_gap_and_no_overlap(zone: str) -> None:
    """PAINS 16, also over the day that Samoa left out."""
    draw, start_ms = random.Random(zone), ms("2011-06-01 00:00")
    daily = tuple(
        DailyBlock(time(hour, draw.randrange(60)), items(*(draw.randrange(1, 90_000) for _ in range(3))))
        for hour in range(0, 24, 3)
    )
    dated = tuple(DatedBlock(start_ms + draw.randrange(YEAR_MS), items(40_000)) for _ in range(20))
    playlist = Playlist(items(17_000, 90_001), NTSC, start_ms, shuffle_seed=2)
    blocks = Blocks(dated, daily, ZoneInfo(zone), NTSC)
    for between in (playlist, None):
        schedule = Grid(blocks, between, Filler(items(50_000), NTSC))
        assert disagreements(schedule, start_ms, start_ms + YEAR_MS, draws=500) == []


def test_every_day_of_a_year_has_its_block_at_its_time() -> None:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    end = start + timedelta(days=365)
    year = planned(grid(NEWS, filler=Filler((), PAL)), round(start.timestamp() * 1000), round(end.timestamp() * 1000))
    assert len(year) == 365
    assert {clock(airing.start_ms)[4:] for airing in year} == {"20:15"}


@pytest.mark.parametrize("time_ms", [-(10**15), -62_135_596_800_000, 253_402_300_800_000, 10**15])
def test_beyond_the_calendar_there_is_filler(time_ms: int) -> None:
    """A client may ask for any time."""
    schedule = grid(NEWS, DatedBlock(ms("2026-12-24 20:15"), seconds("Special", 60)))
    assert schedule.at(time_ms).is_filler
    assert disagreements(schedule, time_ms, time_ms + 86_400_000) == []
