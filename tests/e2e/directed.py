"""The real director and the real engine, for tests of the web page with all that is behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from air_py import ProgramFormat, SinkConfig
from air_py.channel import Channel
from air_py.director import ProgramDirector
from air_py.schedule import Airing
from tests.e2e.station import Served


class Turns:
    """A schedule of assets that take turns, each for ``turn_ms`` from its start, by the clock on the wall."""

    def __init__(self, assets: Sequence[str], turn_ms: int) -> None:
        self._assets = assets
        self._turn_ms = turn_ms

    def at(self, time_ms: int) -> Airing:
        turn = time_ms // self._turn_ms
        asset = self._assets[turn % len(self._assets)]
        return Airing(turn * self._turn_ms, (turn + 1) * self._turn_ms, asset, f"Turn {turn}")

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        while start_ms < end_ms:
            airing = self.at(start_ms)
            yield airing
            start_ms = airing.end_ms


class Directed(Served):
    """One channel, of ``assets`` that change every ``turn_ms``, by the director of this package."""

    def __init__(self, assets: Sequence[str], turn_ms: int) -> None:
        schedule = Turns(assets, turn_ms)
        channel = Channel(1, "One", schedule, ProgramFormat(640, 360), SinkConfig(preset="ultrafast"))
        super().__init__(ProgramDirector([channel]))

    def is_on_air(self, channel_id: int = 1) -> bool:
        """Whether anything of the channel's engine runs, by its threads' names."""
        return any(name.startswith(f"air-ch{channel_id}") for name in _threads())


def _threads() -> list[str]:
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            names.append(Path("/proc/self/task", task, "comm").read_text())
        except OSError:  # ended meanwhile
            continue
    return names
