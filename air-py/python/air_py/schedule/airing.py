"""What is on at which time: the words in which a schedule is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Protocol

__all__ = ["EPOCH", "Airing", "Schedule", "utc_ms"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""Where UTC milliseconds begin."""


def utc_ms(at: datetime) -> int:
    """The UTC millisecond of ``at``, which has a time zone."""
    return (at - EPOCH) // timedelta(milliseconds=1)


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
    """What is due of the asset at ``start_ms``."""
    description: str = ""
    is_filler: bool = False
    """Whether it fills a gap: not for the guide, and no loss when it is cut."""

    picture_ms: int = 0
    """How long a picture of the asset lasts, rounded up; 0 when that is not known."""
    is_entered: bool = False
    """Whether something else was on while it should have begun."""

    def from_ms(self, time_ms: int) -> Airing:
        """What is left of it at ``time_ms``, which is not before its start nor after its end."""
        is_entered = self.is_entered or time_ms > self.start_ms
        offset_ms = self.offset_ms + time_ms - self.start_ms
        return replace(self, start_ms=time_ms, offset_ms=offset_ms, is_entered=is_entered)

    @property
    def cue_ms(self) -> int:
        """The start offset to cue it with. A cue finds the first picture at or after its offset; what is due in the
        middle of an asset is the one before, unless that instant is its own."""
        return max(0, self.offset_ms - max(0, self.picture_ms - 1)) if self.is_entered else self.offset_ms


class Schedule(Protocol):
    """A channel's programme, which goes on whether or not anybody watches. Any thread may ask; no call blocks long."""

    def at(self, time_ms: int) -> Airing:
        """What is on at ``time_ms``: there is always something, black if nothing else."""

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        """What is on from ``start_ms`` until before ``end_ms``, in order and without gaps; the first may have begun
        earlier and the last may end later."""
