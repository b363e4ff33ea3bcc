"""One stream for any number of viewers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FanoutStats", "StreamFinding"]


@dataclass(frozen=True)
class StreamFinding:
    """How often the judge found one thing wrong with the stream."""

    check: str
    severity: str
    """``hard`` or ``soft``."""
    count: int


@dataclass(frozen=True)
class FanoutStats:
    """A fan-out at one moment. Counts are of its whole life."""

    viewers: int
    bytes_in: int
    """From the engine."""
    bytes_out: int
    """To all viewers."""
    bitrate_bps: int
    """Of the stream, over about the last second."""
    skips: int
    """Times a viewer that had fallen behind was moved to a later random access point."""
    slow_closed: int
    """Viewers closed because they had fallen behind."""
    findings: tuple[StreamFinding, ...]
    """What the judge has found wrong with the stream, by check."""
