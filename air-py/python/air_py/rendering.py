"""A plan rendered to a file, faster than real time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import _air, log
from .formats import ProgramFormat
from .integers import whole
from .results import AsRun, Counters, from_fields
from .sink import SinkConfig

__all__ = ["Progress", "Segment", "Stats", "render"]


@dataclass(frozen=True)
class Segment:
    """A stretch of one asset.

    :param asset: a media file, ``pattern:bars`` or ``pattern:black``.
    :param start_offset_ms: media time of the first frame.
    :param duration_ms: how long it is shown, at least 1; ``None`` is to its own end, which a pattern does not have.
    """

    asset: str | os.PathLike[str]
    start_offset_ms: int = 0
    duration_ms: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_offset_ms", whole("start_offset_ms", self.start_offset_ms, 0, 2**63 - 1))
        if self.duration_ms is not None:
            object.__setattr__(self, "duration_ms", whole("duration_ms", self.duration_ms, 1, 2**63 - 1))


@dataclass(frozen=True)
class Stats:
    """What a rendering came to."""

    ticks: int
    """Frames written."""
    bytes: int
    counters: Counters
    as_run: tuple[AsRun, ...]
    """What became of each segment, in order."""


@dataclass(frozen=True)
class Progress:
    """How far a rendering is."""

    ticks: int
    """Frames made."""
    total_ticks: int | None
    """Frames there will be, about; ``None`` when an asset does not tell its length."""


def render(
    plan: Iterable[Segment | str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    format: ProgramFormat,
    sink: SinkConfig | None = None,
    failsafe: bool = False,
    pts_base: int = 90_000,
    progress: Callable[[Progress], object] | None = None,
) -> Stats:
    """Renders ``plan`` to the transport-stream file ``out``, on a clock of its own.

    The same plan, format and sink give the same bytes. A sink that leaves the number of threads open gets one here:
    with more, libx264's rate control depends on which is ahead. The GIL is released while it works.

    :param plan: segments in order; a bare path is the whole asset.
    :param failsafe: air black in the place of an asset that cannot be played, for its duration if it has one, rather
        than raise.
    :param pts_base: PTS of the first picture, in 90 kHz units; at least the mux delay.
    :param progress: called about ten times a second; returning ``False`` cancels.
    :raises ValueError: the plan is empty.
    :raises AirError: an asset cannot be played, or with ``failsafe`` none can; the sink's settings are unusable; the
        file cannot be written; or ``progress`` cancelled.
    """
    log.connect()
    segments = [item if isinstance(item, Segment) else Segment(item) for item in plan]
    if not segments:
        raise ValueError("the plan is empty: nothing to render")
    fields = _air.render(
        [(os.fspath(segment.asset), segment.start_offset_ms, segment.duration_ms) for segment in segments],
        os.fspath(out),
        format.to_json(),
        sink or SinkConfig(),
        {"failsafe": failsafe, "pts_base": whole("pts_base", pts_base, 0, 2**63 - 1)},
        progress and (lambda ticks, total_ticks: progress(Progress(ticks, total_ticks))),
    )
    return from_fields(Stats, fields)
