"""How long before it is to be seen an asset has to be cued."""

from __future__ import annotations

__all__ = ["Leads"]

_DEFAULT_MS = 200
"""Opens most files at a position in the middle; each frame of it is black at a tune-in."""
_LONGEST_MS = 3000


class Leads:
    """What tune-ins have shown about assets: one that was not ready at its time gets more at the next.

    Used by one programme at a time; what two at once learn may be lost, and is learned again.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, asset: str) -> int:
        """Milliseconds to allow for cueing ``asset``."""
        return self._known.get(asset, _DEFAULT_MS)

    def late(self, asset: str, by_ms: int | None = None) -> bool:
        """Learns that the time allowed was too short by ``by_ms``; where that is not known it is doubled.

        Returns whether there is more from now on: what takes longer than all others is late for good.
        """
        allowed_ms = self.of(asset)
        self._known[asset] = min(allowed_ms + (allowed_ms if by_ms is None else by_ms), _LONGEST_MS)
        return self._known[asset] > allowed_ms
