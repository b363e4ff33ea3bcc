"""How schedules are laid over each other: where one airs nothing, the next one shows through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .airing import Airing

__all__ = ["Gap", "airings"]


@dataclass(frozen=True)
class Gap:
    """A time in which nothing is planned; ``None`` is a bound at the end of time."""

    start_ms: int | None = None
    end_ms: int | None = None

    def within(self, other: Gap) -> Gap:
        """The time that both have in common, which there has to be."""
        starts = [gap.start_ms for gap in (self, other) if gap.start_ms is not None]
        ends = [gap.end_ms for gap in (self, other) if gap.end_ms is not None]
        return Gap(max(starts, default=None), min(ends, default=None))

    def clip(self, airing: Airing) -> Airing:
        """What of ``airing`` is in the gap, of which some has to be."""
        start_ms = airing.start_ms if self.start_ms is None else max(airing.start_ms, self.start_ms)
        end_ms = airing.end_ms if self.end_ms is None else min(airing.end_ms, self.end_ms)
        return replace(airing.from_ms(start_ms), end_ms=end_ms)


def airings(at: Callable[[int], Airing], start_ms: int, end_ms: int) -> Iterator[Airing]:
    """All that is on from ``start_ms`` until before ``end_ms``, where ``at`` tells what is on at a time."""
    time_ms = start_ms
    while time_ms < end_ms:
        airing = at(time_ms)
        yield airing
        time_ms = airing.end_ms
