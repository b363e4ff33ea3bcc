"""How a channel stands: what the interfaces for people and machines show of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .fanout import FanoutStats
from .results import Status
from .schedule import Airing

__all__ = ["ChannelState", "ChannelStatus", "TuneIns"]


class ChannelState(Enum):
    """What a channel is doing."""

    OFF = "off"
    """Nobody watches; nothing of it runs."""
    STARTING = "starting"
    ON_AIR = "on_air"
    RESTARTING = "restarting"
    """Its engine was lost; another is on its way, for as long as somebody watches."""


@dataclass(frozen=True)
class TuneIns:
    """How long first viewers waited from their request to the first byte, in milliseconds."""

    count: int
    last_ms: int | None
    p50_ms: int | None
    """Of the last hundred."""
    p95_ms: int | None


@dataclass(frozen=True)
class ChannelStatus:
    """A channel at one moment."""

    channel_id: int
    name: str
    logo: str | None
    program_format: str
    """As ``WxH@N/D``."""
    state: ChannelState
    viewers: int
    on_air_since_ms: int | None
    """UTC milliseconds; ``None`` when nothing of it runs."""
    now: Airing
    next: Airing
    tune_ins: TuneIns
    engine_restarts: int
    """Engines lost and replaced since the director was made."""
    engine: Status | None
    """``None`` when nothing of it runs, or its engine is being replaced."""
    stream: FanoutStats | None
    """What viewers get; ``None`` when nothing of it runs."""
