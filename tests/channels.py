"""Channels and their status for tests of what is shown of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from air_py import Counters, ProgramFormat, Status
from air_py.channel import Channel
from air_py.channel_status import ChannelState, ChannelStatus, TuneIns
from air_py.fanout import FanoutStats, StreamFinding
from air_py.schedule import Airing

HOUR_MS = 3_600_000


class Hourly:
    """A schedule with a new airing at every full hour."""

    def at(self, time_ms: int) -> Airing:
        start_ms = time_ms // HOUR_MS * HOUR_MS
        return Airing(start_ms, start_ms + HOUR_MS, "film.mp4", f"Hour {start_ms // HOUR_MS}")

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        while start_ms < end_ms:
            airing = self.at(start_ms)
            yield airing
            start_ms = airing.end_ms


def channel(channel_id: int = 1, name: str = "One", logo: str | None = None, height: int = 720) -> Channel:
    return Channel(channel_id, name, Hourly(), ProgramFormat(1280, height), logo=logo)


def counters(**counts: int) -> Counters:
    return Counters(**{**dict.fromkeys(Counters.__dataclass_fields__, 0), **counts})


OFF = ChannelStatus(
    channel_id=1,
    name="One",
    logo=None,
    program_format="1280x720@30000/1001",
    state=ChannelState.OFF,
    viewers=0,
    on_air_since_ms=None,
    now=Hourly().at(0),
    next=Hourly().at(HOUR_MS),
    tune_ins=TuneIns(0, None, None, None),
    engine_restarts=0,
    engine=None,
    stream=None,
)
"""Channel 1, which nobody has watched yet."""


def on_air(
    since_ms: int = 1000, *, findings: tuple[StreamFinding, ...] = (), bytes_out: int = 0, **counts: int
) -> ChannelStatus:
    """Channel 1 with two viewers, its engine's counters as given."""
    engine = Status(1, 300, "cued", "rolling", "film.mp4", "running", counters(**counts))
    stream = FanoutStats(2, 1000, bytes_out, 4_000_000, 3, 1, findings)
    tune_ins = TuneIns(4, 81, 70, 95)
    return replace(
        OFF,
        state=ChannelState.ON_AIR,
        viewers=2,
        on_air_since_ms=since_ms,
        tune_ins=tune_ins,
        engine=engine,
        stream=stream,
    )
