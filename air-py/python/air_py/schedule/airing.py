"""What is on at which time: the words in which a schedule is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Airing", "Schedule"]


@dataclass(frozen=True)
class Airing:
    """One asset on air by plan, from ``start_ms`` until before ``end_ms``."""

    start_ms: int
    """UTC milliseconds."""
    end_ms: int
    """UTC milliseconds, later than ``start_ms``; the next airing starts there."""
    asset: str
    """A file or a pattern."""
    title: str
    offset_ms: int = 0
    """Where in the asset it starts."""
    description: str = ""
    is_filler: bool = False
    """Whether it fills a gap: not for the guide, and no loss when it is cut."""

    def offset_at_ms(self, time_ms: int) -> int:
        """The position in the asset that is due at ``time_ms``."""
        return self.offset_ms + time_ms - self.start_ms


class Schedule(Protocol):
    """A channel's programme, which goes on whether or not anybody watches. Any thread may ask; no call blocks long."""

    def at(self, time_ms: int) -> Airing:
        """What is on at ``time_ms``: there is always something, black if nothing else."""

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        """What is on from ``start_ms`` until before ``end_ms``, in order and without gaps; the first may have begun
        earlier and the last may end later."""
