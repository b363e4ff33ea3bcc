"""The grid: blocks at fixed times, a playlist between them, filler where neither has anything.

A block airs its media from its start, and cuts short what was on before it, be it another block. The playlist goes on
behind it in its own time. Blocks of every day begin at a time of the channel's own zone. On the day the clock goes
forward, one within the missing hour begins as long after the change as it would have; where an hour comes twice, in
the first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from fractions import Fraction
from functools import cached_property, lru_cache

from .airing import Airing, utc_ms
from .filler import Filler
from .layers import Gap, airings
from .playlist import Playlist
from .reel import Item, Reel, frame_at, frames_to_ms

__all__ = ["Blocks", "DailyBlock", "DatedBlock", "Grid"]

EVERY_DAY = frozenset(range(7))
DAYS_AROUND = 8
"""Days before and after one in which the neighbours of its blocks are: a week, and one for what zones do."""

_FIRST_S, _LAST_S = (int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp()) for year in (2, 9999))
"""Before and after, calendars of Python end, and days have no blocks."""


@dataclass(frozen=True)
class DatedBlock:
    """Items that begin once."""

    start_ms: int
    """UTC milliseconds."""
    items: tuple[Item, ...]


@dataclass(frozen=True)
class DailyBlock:
    """Items that begin at the same time of every day."""

    start: time
    """On the clock of the channel's zone."""
    items: tuple[Item, ...]
    days: frozenset[int] = EVERY_DAY
    """Days of the week on which it is on; Monday is 0."""


@dataclass(frozen=True)
class _Neighbours:
    """Starts around a day, in order, and what begins there."""

    starts: list[int]
    reels: list[Reel]


@dataclass(frozen=True)
class Blocks:
    """All blocks of a channel. Of two that begin at once a dated one wins, then the later in the list."""

    dated: tuple[DatedBlock, ...]
    daily: tuple[DailyBlock, ...]
    zone: tzinfo
    rate: Fraction

    def find(self, time_ms: int) -> Airing | Gap:
        """What of a block is on at ``time_ms``, or the gap around it."""
        known_s = min(max(time_ms // 1000, _FIRST_S), _LAST_S)
        near = self._around(datetime.fromtimestamp(known_s, self.zone).date())
        next_place = bisect_right(near.starts, time_ms)
        end_ms = near.starts[next_place] if next_place < len(near.starts) else None
        if next_place == 0:
            return Gap(None, end_ms)
        start_ms, reel = near.starts[next_place - 1], near.reels[next_place - 1]
        frame = frame_at(time_ms - start_ms, self.rate)
        if frame < reel.frames:
            return Gap(None, end_ms).clip(reel.airing(start_ms, frame))
        return Gap(start_ms + frames_to_ms(reel.frames, self.rate), end_ms)

    @cached_property
    def _around(self) -> Callable[[date], _Neighbours]:
        return lru_cache(8)(self._neighbours)

    def _neighbours(self, day: date) -> _Neighbours:
        days = [day + timedelta(offset) for offset in range(-DAYS_AROUND, DAYS_AROUND + 1)]
        low, high = (utc_ms(datetime.combine(end, time(), self.zone)) for end in (days[0], days[-1]))
        # The nearest dated block may lie further off than that.
        first = max(bisect_left(self._dated_starts, low) - 1, 0)
        last = bisect_left(self._dated_starts, high) + 1
        dated = self._dated[first:last]
        found = sorted([*(start for each in days for start in self._starts_of(each)), *dated], key=lambda at: at[0])
        return _Neighbours([start_ms for start_ms, _ in found], [reel for _, reel in found])

    @cached_property
    def _starts_of(self) -> Callable[[date], list[tuple[int, Reel]]]:
        reels = [(block, Reel(block.items, self.rate)) for block in self.daily]

        def starts_of(day: date) -> list[tuple[int, Reel]]:
            return [
                (utc_ms(datetime.combine(day, block.start, self.zone)), reel)
                for block, reel in reels
                if day.weekday() in block.days
            ]

        return lru_cache(4 * DAYS_AROUND)(starts_of)

    @cached_property
    def _dated(self) -> list[tuple[int, Reel]]:
        blocks = sorted(self.dated, key=lambda block: block.start_ms)
        return [(block.start_ms, Reel(block.items, self.rate)) for block in blocks]

    @cached_property
    def _dated_starts(self) -> list[int]:
        return [start_ms for start_ms, _ in self._dated]


@dataclass(frozen=True)
class Grid:
    """Blocks over a playlist over filler. Equal grids air the same; asking touches no file."""

    blocks: Blocks
    playlist: Playlist | None
    filler: Filler

    def at(self, time_ms: int) -> Airing:
        """See :class:`Schedule`."""
        block = self.blocks.find(time_ms)
        if isinstance(block, Airing):
            return block
        if self.playlist is None:
            return self.filler.fill(block, time_ms)
        found = self.playlist.find(time_ms)
        if isinstance(found, Airing):
            return block.clip(found)
        return self.filler.fill(block.within(found), time_ms)

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        """See :class:`Schedule`."""
        return airings(self.at, start_ms, end_ms)
