"""Playlists: what is on at a time is a function of that time, to the frame, for ever."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from itertools import islice, pairwise

import pytest

from air_py.schedule import Airing, Item, Playlist, Schedule

NTSC = Fraction(30000, 1001)
EPOCH_MS = 1_767_225_600_000
YEAR_MS = 365 * 86_400_000


def items(*frames: int) -> tuple[Item, ...]:
    return tuple(Item(f"/media/{number}.mp4", f"Item {number}", length) for number, length in enumerate(frames))


def disagreements(schedule: Schedule, start_ms: int, end_ms: int, draws: int = 50) -> list[str]:
    """All that is wrong with a stretch of a schedule: gaps, overlaps, and times at which `at` knows better."""
    found = list(schedule.between(start_ms, end_ms))
    wrong = [f"{a} then {b}" for a, b in pairwise(found) if a.end_ms != b.start_ms]
    wrong += [f"{airing} is empty" for airing in found if airing.start_ms >= airing.end_ms]
    if not found[0].start_ms <= start_ms < found[0].end_ms or not found[-1].start_ms < end_ms <= found[-1].end_ms:
        wrong.append(f"{found[0]} to {found[-1]} is not {start_ms} to {end_ms}")
    draw = random.Random(start_ms)
    for airing in draw.sample(found, min(draws, len(found))):
        for moment in (airing.start_ms, airing.end_ms - 1, draw.randrange(airing.start_ms, airing.end_ms)):
            if schedule.at(moment) != airing:
                wrong.append(f"at {moment}: {schedule.at(moment)} instead of {airing}")
    return wrong


@pytest.mark.parametrize("rate", [NTSC, Fraction(25), Fraction(24000, 1001), Fraction(60000, 1001)])
@pytest.mark.parametrize("seed", [None, 7])
def test_every_moment_belongs_to_one_airing(rate: Fraction, seed: int | None) -> None:
    """PAINS 16."""
    draw = random.Random(16)
    playlist = Playlist(items(*(draw.randrange(1, 5000) for _ in range(40))), rate, EPOCH_MS, shuffle_seed=seed)
    for since_ms in (-YEAR_MS, 0, 1, YEAR_MS, 40 * YEAR_MS):
        assert disagreements(playlist, EPOCH_MS + since_ms, EPOCH_MS + since_ms + 3_600_000) == []


def test_starts_are_those_of_frames_counted_from_the_epoch() -> None:
    """PAINS 16: after a year every start is still within its own millisecond, so never a frame off."""
    lengths = (1, 299, 5333)
    playlist = Playlist(items(*lengths), NTSC, EPOCH_MS)
    lap = YEAR_MS * NTSC // 1000 // sum(lengths)
    start = lap * sum(lengths)
    for airing, frames in zip(
        islice(playlist.between(EPOCH_MS + int(start * 1000 / NTSC), 2**62), 3), lengths, strict=True
    ):
        assert airing.start_ms == EPOCH_MS + int(start * 1000 / NTSC)
        start += frames


def test_a_viewer_joins_in_mid_programme() -> None:
    playlist = Playlist(items(250, 500), Fraction(25), EPOCH_MS)
    airing = playlist.at(EPOCH_MS + 42_500)
    assert (airing.asset, airing.start_ms, airing.end_ms) == ("/media/1.mp4", EPOCH_MS + 40_000, EPOCH_MS + 60_000)
    assert airing.from_ms(EPOCH_MS + 42_500).offset_ms == 2500


def test_each_lap_of_a_shuffle_has_its_own_order_and_every_item_once() -> None:
    playlist = Playlist(items(*[25] * 12), Fraction(25), EPOCH_MS, shuffle_seed=3)
    laps = [
        [airing.title for airing in playlist.between(EPOCH_MS + lap * 12_000, EPOCH_MS + lap * 12_000 + 12_000)]
        for lap in range(50)
    ]
    assert all(len(set(lap)) == 12 for lap in laps)
    assert len({tuple(lap) for lap in laps}) == 50
    assert all(before[-1] != lap[0] for before, lap in pairwise(laps)), "the same item twice in a row"
    other = Playlist(items(*[25] * 12), Fraction(25), EPOCH_MS, shuffle_seed=4)
    assert other.at(EPOCH_MS) != playlist.at(EPOCH_MS) or other.at(EPOCH_MS + 1000) != playlist.at(EPOCH_MS + 1000)


def test_a_shuffle_is_the_same_in_every_version() -> None:
    playlist = Playlist(items(*[25] * 6), Fraction(25), 0, shuffle_seed=1)
    assert [airing.title[-1] for airing in playlist.between(0, 6000)] == list("512403")


def test_a_playlist_that_does_not_loop_is_black_around() -> None:
    playlist = Playlist(items(250), Fraction(25), EPOCH_MS, loop=False)
    before, on, after = (playlist.at(EPOCH_MS + since_ms) for since_ms in (-1, 0, 10_000))
    assert before.is_filler and before.end_ms == EPOCH_MS
    assert on == Airing(EPOCH_MS, EPOCH_MS + 10_000, "/media/0.mp4", "Item 0")
    assert (after.asset, after.start_ms, after.is_filler) == ("pattern:black", EPOCH_MS + 10_000, True)
    assert disagreements(playlist, EPOCH_MS - 10_000_000, EPOCH_MS + 10_000_000) == []


def test_nothing_to_play_is_black() -> None:
    playlist = Playlist((), NTSC, EPOCH_MS)
    assert playlist.at(EPOCH_MS).asset == "pattern:black"
    assert disagreements(playlist, EPOCH_MS, EPOCH_MS + 86_400_000) == []


def test_a_year_of_ten_thousand_items_is_no_walk() -> None:
    """Each lookup is a search in one lap: a thousand over a hundred years take well under the bound here."""
    playlist = Playlist(items(*[30_000] * 10_000), NTSC, EPOCH_MS)
    playlist.at(EPOCH_MS)
    begun = time.perf_counter()
    for number in range(1000):
        playlist.at(EPOCH_MS + number * YEAR_MS // 10)
    assert time.perf_counter() - begun < 1  # 0.01 s by itself; a walk from the epoch takes minutes.
