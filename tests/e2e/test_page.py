"""The web page in Chromium: it plays, it goes on playing, and it lets go. In real time, as browsers are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from air_py import ProgramFormat, Segment, SinkConfig, render
from tests.e2e.browser import Browser, Page
from tests.e2e.directed import Directed
from tests.e2e.host import wait_until
from tests.e2e.players import Stalls
from tests.e2e.station import Recording, Station
from tests.media import Clip, make

CHANGE_S = 5
"""How long an airing lasts."""
FORMAT = ProgramFormat(640, 360)
SINK = SinkConfig(preset="ultrafast", mux_rate=2_000_000)
HOSTILE = '<img src=x onerror=alert(1)> & "Two"'


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Bars, a film, and bars again, longer than any test watches."""
    out = tmp_path_factory.mktemp("page") / "channel.ts"
    film = str(make(Clip(seconds=30)))
    plan = [Segment("pattern:bars", 0, CHANGE_S * 1000), Segment(film, 0, 3000), Segment("pattern:bars", 0, 60_000)]
    render(plan, out, format=FORMAT, sink=SINK)
    return Recording.read(out)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def station(recording: Recording) -> Iterator[Station]:
    with Station(recording, ("One", HOSTILE)) as station:
        yield station


@pytest.fixture(params=["stand-in", "air-py serve"])
def server(request: pytest.FixtureRequest, recording: Recording, tmp_path: Path) -> Iterator[Station | Directed]:
    """A stand-in that plays a recording, and the real thing: both have a ``url``, and tell whether they are on air."""
    film = str(make(Clip(seconds=30)))
    stand_in = request.param == "stand-in"
    with Station(recording) if stand_in else Directed(tmp_path, ["pattern:bars", film], CHANGE_S * 1000) as server:
        yield server


def playing(page: Page) -> None:
    """Wait until the picture moves."""
    page.wait("document.getElementById('video').currentTime > 0.5", 20)


COLOURS = """(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 14, height: 9 });
  const context = canvas.getContext("2d");
  context.drawImage(document.getElementById("video"), 0, 0, 14, 9);
  const row = context.getImageData(0, 6, 14, 1).data;
  const colours = Array.from({ length: 14 }, (_, at) => [0, 1, 2].map((part) => row[4 * at + part] > 90).join());
  return new Set(colours).size;
})()"""
"""How many colours are side by side in the picture; black is one."""


def test_it_plays_a_channel_with_picture_and_sound(browser: Browser, server: Station | Directed) -> None:
    """FO-5."""
    with browser.page(f"{server.url}#1") as page:
        playing(page)
        page.wait(f"{COLOURS} >= 6", CHANGE_S + 3)  # bars, whose turn may be the next
        assert page.run("document.getElementById('video').webkitAudioDecodedByteCount") > 0
        assert page.run("document.getElementById('veil').hidden")
        assert server.is_on_air(1) and not server.is_on_air(2)
        assert page.complaints() == []


def assert_no_stall_in(seconds: float, page: Page) -> None:
    """Watches for so long."""
    stalls = Stalls(page)
    page.wait(f"video.currentTime > start[0] + {seconds}", seconds + 20)
    assert stalls.seen() == []
    assert abs(stalls.lag_s()) < 0.5  # a stall is a second; the clock of headless sound is not exact


def test_a_change_of_airing_does_not_stall_it(browser: Browser, server: Station | Directed) -> None:
    """PAINS 38."""
    with browser.page(f"{server.url}#1") as page:
        playing(page)
        assert_no_stall_in(CHANGE_S + 4, page)


def test_the_wrap_of_time_stamps_does_not_stall_it(browser: Browser, tmp_path: Path) -> None:
    """PAINS 38: a channel that has been on air for 26 hours, in a few seconds."""
    out = tmp_path / "channel.ts"
    base = 2**33 - CHANGE_S * 90_000
    render([Segment("pattern:bars", 0, 30_000)], out, format=FORMAT, sink=SINK, pts_base=base)
    with Station(Recording.read(out)) as station, browser.page(f"{station.url}#1") as page:
        playing(page)
        assert_no_stall_in(CHANGE_S + 2, page)
        assert station.tune_ins == 1


def test_closing_the_page_stops_the_channel(browser: Browser, server: Station | Directed) -> None:
    """FO-3, TD-2."""
    with browser.page(f"{server.url}#1") as page:
        playing(page)
        assert server.is_on_air()
    assert wait_until(lambda: not server.is_on_air(), 1)


@pytest.mark.parametrize("leave", ["Escape", "close", "reload"])
def test_leaving_the_channel_stops_it(browser: Browser, station: Station, leave: str) -> None:
    """FO-3, TD-2."""
    with browser.page(f"{station.url}#1") as page:
        playing(page)
        if leave == "Escape":
            page.press(leave)
        elif leave == "close":
            page.run("document.getElementById('close').click()")
        else:
            page.ask("Page.navigate", url="about:blank")
        assert wait_until(lambda: not station.is_on_air(), 1)


def test_zapping_leaves_no_stream_behind(browser: Browser, station: Station) -> None:
    with browser.page(f"{station.url}#1") as page:
        playing(page)
        page.press("PageDown")
        assert wait_until(lambda: station.is_on_air(2) and not station.is_on_air(1))
        playing(page)
        for _ in range(9):
            page.press("PageUp")
        assert wait_until(lambda: station.is_on_air(1) and not station.is_on_air(2))
        playing(page)
        assert page.complaints() == []


def test_a_stream_that_ends_is_opened_again(browser: Browser, station: Station) -> None:
    with browser.page(f"{station.url}#1") as page:
        playing(page)
        station.cut()
        page.wait("!document.getElementById('veil').hidden", 5)
        assert "Trying again" in page.run("document.getElementById('message').textContent")
        playing(page)
        assert station.tune_ins == 2


def test_a_browser_that_cannot_play_it_says_how_else(browser: Browser, station: Station) -> None:
    with browser.page(f"{station.url}#1", before="delete window.MediaSource; delete window.ManagedMediaSource") as page:
        page.wait("document.getElementById('message').textContent.startsWith('This browser cannot play')")
        playlist = page.run("decodeURIComponent(document.getElementById('open').href)")
        assert playlist.partition(",")[2] == f"#EXTM3U\n#EXTINF:-1,One\n{station.url}channels/1.ts\n"
        assert page.run("document.getElementById('open').download") == "One.m3u"
        assert station.tune_ins == 0


def test_the_guide_is_read_and_used_by_keys(browser: Browser, station: Station) -> None:
    with browser.page(station.url) as page:
        page.wait("document.querySelectorAll('.card').length == 2")
        assert page.run("document.querySelector('.airing .title').textContent").startswith("Hour ")
        assert page.run("[...document.querySelectorAll('.name')].map((name) => name.textContent)") == ["One", HOSTILE]
        page.press("ArrowDown")
        page.press("ArrowDown")
        page.press("Enter")
        page.wait("location.hash == '#2'")
        playing(page)
        assert page.run("document.querySelectorAll('#later li').length") > 2
        page.wait("document.querySelector('.judge').textContent.includes('PCR_repetition_error × 2')")
        page.press("Escape")
        page.wait("document.activeElement.getAttribute('href') == '#2'")


def test_the_page_hands_its_token_on(browser: Browser, station: Station) -> None:
    with browser.page(f"{station.url}?token=se%20cret#1") as page:
        playing(page)
        assert station.queries == {"token=se+cret"}


def test_it_plays_where_a_token_is_needed(browser: Browser, tmp_path: Path) -> None:
    with Directed(tmp_path, ["pattern:bars"], 60_000, "--token", "s&cret") as server:
        with browser.page(f"{server.url}?token=s%26cret#1") as page:
            playing(page)
            assert page.complaints() == []
        with browser.page(f"{server.url}#1") as page:
            assert "token" in page.run("document.body.textContent")
            assert page.run("document.getElementById('video')") is None


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_nothing_sticks_out_at_the_side(browser: Browser, station: Station, width: int) -> None:
    with browser.page(f"{station.url}#2", width=width, height=800) as page:
        playing(page)
        assert page.run("document.documentElement.scrollWidth") <= width


def test_an_answer_that_is_an_error_is_told_until_there_is_a_better_one(browser: Browser, station: Station) -> None:
    with browser.page(station.url) as page:
        page.wait("document.querySelectorAll('.card').length == 2")
        station.is_broken = True
        page.wait("document.getElementById('trouble').textContent.includes('500')")
        station.is_broken = False
        page.wait("document.getElementById('trouble').hidden")


def test_the_guide_follows_a_lineup_that_changes(browser: Browser, station: Station) -> None:
    """As a reload of the channels file changes it; each card stays the element it was."""
    with browser.page(station.url) as page:
        page.wait("document.querySelectorAll('#channels .card').length === 2")
        shown = page.run(
            """(async () => {
              const { Guide } = await import("/page/guide.js");
              const { channels } = await (await fetch("/api/channels")).json();
              const list = document.createElement("ul");
              const guide = new Guide(list);
              const [one, two] = channels;
              const three = { ...one, channel_id: 3 };
              const numbers = () => [...list.querySelectorAll(".number")].map((element) => +element.textContent);
              guide.show([one, two], 0, null);
              const card = list.querySelector("a[href='#2']");
              guide.show([three, two, one], 0, null);
              const changed = numbers();
              guide.show([two, three], 0, null);
              return [changed, numbers(), card === list.firstElementChild.firstElementChild];
            })()"""
        )
        assert shown == [[3, 2, 1], [2, 3], True]
