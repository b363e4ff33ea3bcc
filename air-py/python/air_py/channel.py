"""What a channel is, whether or not it is on air."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .formats import ProgramFormat
from .schedule import Filler, Schedule
from .sink import SinkConfig

__all__ = ["DEFAULT_FORMAT", "Channel"]

DEFAULT_FORMAT = ProgramFormat(1280, 720)
"""720p at 30000/1001 frames per second, 48 kHz stereo."""

_LONGEST_NAME = 200
"""Bytes of a service's name that its table surely has room for."""


@dataclass(frozen=True)
class Channel:
    """A channel on offer."""

    channel_id: int
    """From 1; its number in every list, and in its URL."""
    name: str
    schedule: Schedule
    program_format: ProgramFormat = DEFAULT_FORMAT
    sink: SinkConfig = field(default_factory=SinkConfig)
    logo: str | None = None
    """URL of a picture, for guides."""
    filler: Filler | None = None
    """What airs in the place of what cannot be played; ``None`` is black."""

    def named_sink(self) -> SinkConfig:
        """The sink's settings; the service is called as the channel where they give it no name."""
        if self.sink.service_name is not None:
            return self.sink
        name = self.name.encode(errors="replace")[:_LONGEST_NAME].decode(errors="ignore")
        return replace(self.sink, service_name=name)
