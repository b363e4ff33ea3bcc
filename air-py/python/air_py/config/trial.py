"""Whether the engine takes a channel's format and settings: it airs one black frame into nothing, and says."""

from __future__ import annotations

import os

from .._air import AirError
from ..formats import ProgramFormat
from ..rendering import Segment, render
from ..sink import SinkConfig

__all__ = ["Trials"]

_ONE_FRAME = Segment("pattern:black", 0, 1)
_PTS_BASE = 10 * 90_000
"""More than any delay of the mux."""


class Trials:
    """What the engine said; what is alike is tried once. A trial takes as long as opening an encoder, 50 ms at 720p."""

    def __init__(self) -> None:
        self._said: list[tuple[ProgramFormat, SinkConfig, tuple[str, str] | None]] = []

    def refusal(self, house: ProgramFormat, sink: SinkConfig) -> tuple[str, str] | None:
        """The key of a channel that the engine does not take, ``format`` or ``sink``, and the reason."""
        for known_house, known_sink, said in self._said:
            if (known_house, known_sink) == (house, sink):
                return said
        said = _try(house, sink)
        self._said.append((house, sink, said))
        return said


def _try(house: ProgramFormat, sink: SinkConfig) -> tuple[str, str] | None:
    try:
        render([_ONE_FRAME], os.devnull, format=house, sink=sink, pts_base=_PTS_BASE)
    except ValueError as error:
        return "format", str(error)
    except AirError as error:
        return "sink", str(error)
    return None
