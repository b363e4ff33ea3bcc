"""The guide is XMLTV, and says what is on air."""

from __future__ import annotations

from datetime import timezone
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from air_py.channel import Channel
from air_py.guide import xmltv
from air_py.schedule import Blocks, DatedBlock, Filler, Grid, Item, Playlist, Schedule

PAL = Fraction(25)
HOUR_MS = 3_600_000
EPOCH_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC


def item(title: str, seconds: int, description: str = "") -> Item:
    return Item("/a.mp4", title, seconds * 25, 0, description)


def guide(schedule: Schedule, name: str = "One", logo: str | None = None) -> ElementTree.Element:
    text = xmltv([Channel(1, name, schedule, logo=logo)], EPOCH_MS, EPOCH_MS + 2 * HOUR_MS, "http://host:8000")
    return ElementTree.fromstring(text)


def told(element: ElementTree.Element) -> list[tuple[str, str, str | None]]:
    return [(each.attrib["start"], each.attrib["stop"], each.findtext("title")) for each in element.iter("programme")]


def test_programmes_are_the_airings_of_the_schedule() -> None:
    schedule = Playlist((item("Film", 5000, "Long."), item("News", 900)), PAL, EPOCH_MS - 1_000_000)
    tv = guide(schedule)
    assert told(tv) == [
        ("20251231234320 +0000", "20260101010640 +0000", "Film"),
        ("20260101010640 +0000", "20260101012140 +0000", "News"),
        ("20260101012140 +0000", "20260101024500 +0000", "Film"),
    ]
    assert [each.findtext("desc") for each in tv.iter("programme")] == ["Long.", None, "Long."]
    assert {each.attrib["channel"] for each in tv.iter("programme")} == {"air.1"}


def test_filler_is_left_out_and_the_parts_of_a_block_are_kept_apart() -> None:
    block = DatedBlock(EPOCH_MS + HOUR_MS, (item("Part", 60), item("Part", 60)))
    filler = Filler((item("Ident", 10),), PAL)
    schedule = Grid(Blocks((block,), (), timezone.utc, PAL), None, filler)
    assert told(guide(schedule)) == [
        ("20260101010000 +0000", "20260101010100 +0000", "Part"),
        ("20260101010100 +0000", "20260101010200 +0000", "Part"),
    ]


def test_elements_come_in_the_order_of_the_dtd() -> None:
    """A strict reader refuses others: channels before programmes; display-name, icon, url; title, desc."""
    tv = guide(Playlist((item("Film", 7200, "Long."),), PAL, EPOCH_MS), logo="http://x/logo.png?a=1&b=2")
    assert [each.tag for each in tv] == ["channel", "programme"]
    assert [each.tag for each in tv[0]] == ["display-name", "display-name", "icon", "url"]
    assert tv[0][2].attrib == {"src": "http://x/logo.png?a=1&b=2"}
    assert [each.tag for each in tv[1]] == ["title", "desc"]


def test_a_channel_keeps_its_id_when_its_name_changes() -> None:
    ids = [guide(Playlist((), PAL, 0), name=name)[0].attrib["id"] for name in ("Old", "New")]
    assert ids == ["air.1", "air.1"]


@pytest.mark.parametrize("name", ["<b>\"&'", "]]>", "\x00\x1b[31m", "\ud800", "\ufffe", "ünïcödé 😀", "a\nb"])
def test_hostile_names_do_no_harm(name: str) -> None:
    tv = guide(Playlist((item(name, 7200, name),), PAL, EPOCH_MS), name=name)
    clean = "".join("\ufffd" if c in "\x00\x1b\ud800\ufffe" else c for c in name)
    assert tv.findtext("channel/display-name") == tv.findtext("programme/title") == clean
    assert tv.findtext("programme/desc") == clean


def test_what_is_shorter_than_a_second_of_the_guide_is_left_out() -> None:
    """A programme that ends when it starts confuses readers."""
    schedule = Playlist((Item("/a.mp4", "Blink", 5), item("Film", 7200)), PAL, EPOCH_MS)
    assert [title for _, _, title in told(guide(schedule))] == ["Film"]


@pytest.mark.parametrize("start_ms", [10**15, 253_370_764_800_000 - 1])
def test_there_is_no_guide_beyond_the_year_9999(start_ms: int) -> None:
    """XMLTV has four digits for it; a client may ask all the same."""
    channel = Channel(1, "One", Playlist((item("Film", 7200),), PAL, EPOCH_MS))
    tv = ElementTree.fromstring(xmltv([channel], start_ms, start_ms + HOUR_MS, "http://host"))
    assert len(told(tv)) <= 1


def test_an_airing_that_outlasts_the_calendar_is_told_to_its_end() -> None:
    endless = Item("pattern:bars", "Bars", 10**16)
    assert told(guide(Playlist((endless,), PAL, 0))) == [("19700101000000 +0000", "99990101000000 +0000", "Bars")]
    before = Playlist((endless,), PAL, EPOCH_MS + HOUR_MS)
    assert [start for start, _, _ in told(guide(before))] == ["10000101000000 +0000", "20260101010000 +0000"]
