"""Assets end to end, each as long as whole frames of the channel.

Lengths are counted in frames, and times are computed from the start of the reel, never from the item before: a
thousand cycles on, everything begins within the frame it is planned for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from .airing import Airing

__all__ = ["Item", "Reel", "frame_at", "frames_to_ms"]


@dataclass(frozen=True)
class Item:
    """One asset, ready to air."""

    asset: str
    """A file or a pattern."""
    title: str
    frames: int
    """Length in frames of the channel, at least 1."""
    offset_ms: int = 0
    """Where in the asset it starts."""
    description: str = ""
    picture_ms: int = 0
    """How long one of its pictures lasts, rounded up; 0 when that is not known."""


class Reel:
    """Items in a row."""

    def __init__(self, items: Sequence[Item], rate: Fraction) -> None:
        self._items = items
        self._rate = rate
        self._starts = [0, *accumulate(item.frames for item in items)]

    @property
    def frames(self) -> int:
        """Length of all."""
        return self._starts[-1]

    def airing(self, origin_ms: int, frame: int, *, lap: int = 0, is_filler: bool = False) -> Airing:
        """What is on at ``frame`` of the reel, which has to be one of its own, if lap 0 began at ``origin_ms``."""
        place = bisect_right(self._starts, frame) - 1
        item, base = self._items[place], lap * self.frames
        return Airing(
            origin_ms + frames_to_ms(base + self._starts[place], self._rate),
            origin_ms + frames_to_ms(base + self._starts[place + 1], self._rate),
            item.asset,
            item.title,
            item.offset_ms,
            item.description,
            is_filler,
            item.picture_ms,
        )


def frames_to_ms(frames: int, rate: Fraction) -> int:
    """The millisecond in which frame number ``frames`` begins. A boundary of that millisecond falls on this frame."""
    return frames * 1000 * rate.denominator // rate.numerator


def frame_at(millis: int, rate: Fraction) -> int:
    """The number of the last frame that has begun by the end of that millisecond."""
    return ((millis + 1) * rate.numerator - 1) // (1000 * rate.denominator)
