"""Filler: what is on when nothing is planned."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from .airing import Airing
from .layers import Gap
from .reel import Item, Reel, frame_at

__all__ = ["SLOT_MS", "Filler"]

SLOT_MS = 3_600_000
"""How long an asset without an end of its own is on in one go: an hour."""


@dataclass(frozen=True)
class Filler:
    """Items in a loop, from the start of every gap until it ends; black without items."""

    items: tuple[Item, ...]
    rate: Fraction

    def fill(self, gap: Gap, time_ms: int) -> Airing:
        """What is on at ``time_ms``, which is within the gap."""
        start_ms = gap.start_ms or 0
        lap, frame = divmod(frame_at(time_ms - start_ms, self.rate), self._reel.frames)
        return gap.clip(self._reel.airing(start_ms, frame, lap=lap, is_filler=True))

    @cached_property
    def _reel(self) -> Reel:
        return Reel(self.items or (Item("pattern:black", "", frame_at(SLOT_MS, self.rate)),), self.rate)
