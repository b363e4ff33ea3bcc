"""A stretch of a schedule as a plan, to be rendered faster than it would air."""

from __future__ import annotations

from ..rendering import Segment
from .airing import Schedule
from .layers import Gap

__all__ = ["segments"]


def segments(schedule: Schedule, start_ms: int, end_ms: int) -> list[Segment]:
    """What is on from ``start_ms`` until before ``end_ms``, for :func:`air_py.render`: one segment for each airing, the
    first from where it is due and the last cut at the end.
    """
    stretch = Gap(start_ms, end_ms)
    airings = (stretch.clip(airing) for airing in schedule.between(start_ms, end_ms))
    return [Segment(airing.asset, airing.offset_ms, airing.end_ms - airing.start_ms) for airing in airings]
