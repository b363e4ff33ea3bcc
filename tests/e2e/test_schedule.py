"""What is planned goes on air, at its time: schedules rendered faster than they would air, by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timezone
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

import air_py
from air_py.channel import Channel
from air_py.guide import xmltv
from air_py.schedule import (
    Airing,
    Blocks,
    DailyBlock,
    Entry,
    Filler,
    Grid,
    Item,
    Library,
    Playlist,
    resolve,
    segments,
)
from tests.media import FAMILIES, make

HOUSE = air_py.ProgramFormat(160, 90, "30000/1001")
RATE = Fraction(HOUSE.frame_rate)
SINK = air_py.SinkConfig(video_encoder="null", audio_encoder="null", video_bitrate=50_000, audio_bitrate=64_000)
LIBRARY = Library()
START_MS = 1_774_746_012_345  # 2026-03-29 01:00:12.345 UTC, when clocks go forward in Berlin
LENGTH_MS = 600_000


@dataclass(frozen=True)
class Aired:
    """An airing, and when it began on air."""

    airing: Airing
    first_tick: int
    off: Fraction
    """Ticks after its time."""


def items(*names: str) -> tuple[Item, ...]:
    entries = [Entry(str(make(FAMILIES[name])), title=name) for name in names]
    media = resolve(entries, RATE, LIBRARY)
    assert media.troubles == ()
    return media.items


def grid() -> Grid:
    """Short clips of many rates in a playlist that began long ago, blocks every two minutes, and filler."""
    playlist = Playlist(
        items("rate-23.976", "rate-25", "rate-29.97", "rate-59.94", "rate-rounded-to-ms", "gop-250", "sound-late"),
        RATE,
        epoch_ms=1_000_000_000_000,
        shuffle_seed=5,
    )
    blocks = tuple(DailyBlock(time(3, minute), items("rate-50", "edit-list", "rate-60")) for minute in range(2, 10, 2))
    filler = Filler(items("rate-24"), RATE)
    return Grid(Blocks((), blocks, ZoneInfo("Europe/Berlin"), RATE), playlist, filler)


def aired(schedule: Grid | Playlist, out: Path) -> tuple[list[Aired], air_py.Stats]:
    stats = air_py.render(segments(schedule, START_MS, START_MS + LENGTH_MS), out, format=HOUSE, sink=SINK)
    planned = list(schedule.between(START_MS, START_MS + LENGTH_MS))
    assert [record.asset for record in stats.as_run] == [airing.asset for airing in planned]
    return [
        Aired(airing, record.first_tick, record.first_tick - Fraction(airing.start_ms - START_MS, 1000) * RATE)
        for airing, record in zip(planned, stats.as_run, strict=True)
    ], stats


@pytest.fixture(scope="module")
def ten_minutes(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Aired], air_py.Stats, Path]:
    out = tmp_path_factory.mktemp("schedule") / "out.ts"
    return *aired(grid(), out), out


def test_everything_begins_within_a_frame_of_its_time(ten_minutes: tuple[list[Aired], air_py.Stats, Path]) -> None:
    """PAINS 16."""
    found, stats, out = ten_minutes
    assert len(found) > 150
    assert {each.airing.title for each in found} >= {"rate-50", "gop-250", "sound-late"}
    assert [each for each in found[1:] if not 0 <= each.off < 1] == []
    assert abs(stats.ticks - Fraction(LENGTH_MS, 1000) * RATE) < 1
    assert air_py.check(out, profile="house").is_clean


def test_no_join_is_black(ten_minutes: tuple[list[Aired], air_py.Stats, Path]) -> None:
    """PAINS 16: items are as long as their pictures, to the frame. One that is entered in mid-programme begins with the
    next whole picture, so it may be over a frame before its time.
    """
    _, stats, _ = ten_minutes
    assert [record for record in stats.as_run if record.black > (record.start_offset_ms > 0)] == []


def test_the_guide_says_what_was_on_air(ten_minutes: tuple[list[Aired], air_py.Stats, Path]) -> None:
    """PAINS 16: every programme, and the second in which it began."""
    found, _, _ = ten_minutes
    guide = xmltv([Channel(1, "One", grid(), HOUSE)], START_MS, START_MS + LENGTH_MS, "http://host")
    told = [(each.findtext("title"), each.attrib["start"]) for each in ElementTree.fromstring(guide).iter("programme")]
    began = [
        (each.airing.title, each.airing.start_ms if each.first_tick == 0 else on_air_ms(each))
        for each in found
        # What a block leaves of an item may be too short for a guide.
        if not each.airing.is_filler and each.airing.start_ms // 1000 < each.airing.end_ms // 1000
    ]
    assert [title for title, _ in told] == [title for title, _ in began]
    late_ms = [began_ms - utc_ms(start) for (_, began_ms), (_, start) in zip(began, told, strict=True)]
    assert all(0 <= late < 1000 + 34 for late in late_ms), max(late_ms)


def on_air_ms(each: Aired) -> int:
    return START_MS + int(each.first_tick * 1000 / RATE)


def utc_ms(text: str) -> int:
    return round(datetime.strptime(text, "%Y%m%d%H%M%S %z").astimezone(timezone.utc).timestamp() * 1000)


def test_gaps_without_a_playlist_are_filled(tmp_path: Path) -> None:
    full = grid()
    found, stats = aired(Grid(full.blocks, None, full.filler), tmp_path / "out.ts")
    assert {each.airing.title for each in found if each.airing.is_filler} == {"rate-24"}
    assert [each for each in found[1:] if not 0 <= each.off < 1] == []
    assert [record for record in stats.as_run[1:] if record.black] == []
