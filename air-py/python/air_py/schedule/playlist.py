"""The playlist: items in a row, over and over, on since an epoch. What is on at a time is a function of that time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from hashlib import blake2b

from .airing import Airing
from .filler import Filler
from .layers import Gap, airings
from .library import Library
from .media import Entry, resolve
from .reel import Item, Reel, frame_at, frames_to_ms

__all__ = ["Playlist"]

logger = logging.getLogger("air.schedule")


@dataclass(frozen=True)
class Playlist:
    """Items in order, or in another order on every lap; black before and after one that does not loop, and if empty.

    Equal playlists air the same. Asking costs a search in one lap; no file is touched.
    """

    items: tuple[Item, ...]
    rate: Fraction
    """Frames per second of the channel."""
    epoch_ms: int
    """When its first lap began, or begins, in UTC milliseconds."""
    loop: bool = True
    shuffle_seed: int | None = None
    """Each lap has an order of its own, always the same for the same seed; ``None`` keeps the order of the items."""

    @classmethod
    def of(
        cls,
        media: Sequence[str | Entry],
        rate: Fraction | str,
        *,
        epoch_ms: int,
        loop: bool = True,
        shuffle_seed: int | None = None,
        library: Library | None = None,
    ) -> Playlist:
        """The playlist of files, folders, globs and patterns, which are opened now: call it where that may take time.

        What cannot be played is left out, with a warning in the log.
        """
        rate = Fraction(rate)
        entries = [Entry(source) if isinstance(source, str) else source for source in media]
        resolved = resolve(entries, rate, library or Library())
        for trouble in resolved.troubles:
            logger.warning("left out: %s", trouble.reason)
        return cls(resolved.items, rate, epoch_ms, loop, shuffle_seed)

    def at(self, time_ms: int) -> Airing:
        """See :class:`Schedule`."""
        found = self.find(time_ms)
        return found if isinstance(found, Airing) else self._black.fill(found, time_ms)

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        """See :class:`Schedule`."""
        return airings(self.at, start_ms, end_ms)

    def find(self, time_ms: int) -> Airing | Gap:
        """What is on at ``time_ms``, or the gap around it."""
        if not self.items:
            return Gap()
        lap, frame = divmod(frame_at(time_ms - self.epoch_ms, self.rate), self._frames)
        if not self.loop and lap < 0:
            return Gap(None, self.epoch_ms)
        if not self.loop and lap > 0:
            return Gap(self.epoch_ms + frames_to_ms(self._frames, self.rate), None)
        return self._lap(lap if self.shuffle_seed is not None else 0).airing(self.epoch_ms, frame, lap=lap)

    @cached_property
    def _frames(self) -> int:
        return sum(item.frames for item in self.items)

    @cached_property
    def _black(self) -> Filler:
        return Filler((), self.rate)

    @cached_property
    def _lap(self) -> Callable[[int], Reel]:
        return lru_cache(4)(lambda lap: Reel(self._order(lap), self.rate))

    def _order(self, lap: int) -> Sequence[Item]:
        if self.shuffle_seed is None:
            return self.items
        order, before = self._shuffled(lap), self._shuffled(lap - 1)
        if len(order) > 2 and order[0] == before[-1]:
            # Nobody wants to see the same again at once. What a lap ends with does not change by this.
            order[:2] = order[1::-1]
        return [self.items[place] for place in order]

    def _shuffled(self, lap: int) -> list[int]:
        """By hash and not by ``random``, so that the order outlives versions of Python."""

        def drawn(place: int) -> bytes:
            return blake2b(f"{self.shuffle_seed} {lap} {place}".encode(), digest_size=8).digest()

        return sorted(range(len(self.items)), key=drawn)
