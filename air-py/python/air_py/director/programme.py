"""Keeps an engine on its channel's schedule.

What is due is asked of the schedule, cued a little ahead, and switched to at its time. Where the live asset ends within
a frame of that, the switch is moved to the end the engine tells, so that neither black nor a cut comes between. What
cannot be played is replaced by filler until its time is over: a channel never stops for its media.

A programme lives as long as its engine's channel does, on one thread.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from ..as_run import AsRunLog
from ..channel import Channel
from ..engine import Engine
from ..isolated import EngineLost
from ..results import Event, EventKind, Reply, ResultCode, StreamTransport
from ..schedule import Airing
from ..schedule.layers import Gap
from .leads import Leads

__all__ = ["BLACK", "ChannelUnavailable", "Programme", "utc_now_ms"]

logger = logging.getLogger("air.director")

BLACK = "pattern:black"

CUE_AHEAD_MS = 5000
"""How long before its time an asset is cued and its switch armed: opening a slow disk may take three seconds."""

SHORTEST_JOIN_MS = 500
"""A tune-in does not begin with less than this of an airing, but with the next one."""

_AGAIN_S = 1.0
"""Before another try when even black was refused."""

_LONGEST_WAIT_S = 1.0
"""After which the clock is looked at again: it may have been set."""


class ChannelUnavailable(RuntimeError):
    """The channel cannot be put on air; the text says why."""


def utc_now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class _Switch:
    """An order to the engine: ``airing`` goes live at ``boundary_ms``."""

    airing: Airing
    boundary_ms: int
    is_on_tick: bool = False
    """Whether the boundary was reckoned from the engine's ticks, and not from the schedule."""


class Programme:
    """What one engine airs, from tune-in on.

    :param channel: whose programme it is.
    :param engine: nothing is started in it yet.
    :param leads: how long assets take to cue; shared by the programmes of a channel.
    :param stopping: set when the programme is to end; the engine's channel is stopped after it.
    :param now_ms: UTC milliseconds.
    """

    def __init__(
        self,
        channel: Channel,
        engine: Engine,
        leads: Leads,
        stopping: threading.Event,
        *,
        as_run: AsRunLog | None = None,
        now_ms: Callable[[], int] = utc_now_ms,
    ) -> None:
        self.channel = channel
        """May be replaced from any thread by one of the same id and format; it counts from the next cue on."""
        self._id = channel.channel_id
        self._engine = engine
        self._leads = leads
        self._stopping = stopping
        self._as_run = as_run
        self._now_ms = now_ms
        self._period_ms = 1000 / Fraction(channel.program_format.frame_rate)
        self._frame_ms = ceil(self._period_ms)
        self._first_tick_ms = 0
        self._next_ms = 0
        self._live: Airing | None = None
        self._taken_at = 0
        self._live_ends_ms: int | None = None
        self._armed: _Switch | None = None
        self._replaced: dict[Airing, Gap] = {}

    def begin(self, transport: StreamTransport, endpoint: str) -> None:
        """Puts the channel on air, in black: a viewer has a stream at once, however long the first asset takes.

        :raises ChannelUnavailable: the engine refused.
        """
        _require(self._engine.start_channel(self._id, program_format=self.channel.program_format))
        _require(self._engine.attach_stream(self._id, transport=transport, endpoint=endpoint))
        _require(self._engine.load_preview(self._id, asset_path=BLACK))
        taken = self._engine.switch_to_live(self._id)
        if not _is_ordered(taken):
            _require(taken)
        self._first_tick_ms = taken.switch_completion_time_ms
        while (event := self._next_event(_LONGEST_WAIT_S)) and event.kind is not EventKind.TAKEN:
            pass

    def follow(self) -> None:
        """Airs what is scheduled until the stop, or until the engine's channel has stopped."""
        while not self._stopping.is_set():
            if self._armed is None and self._due_in_s() <= 0:
                self._cue()
            event = self._next_event(self._wait_s())
            if event is not None:
                self._heed(event)
            elif self._engine.status() is None:
                return

    def drain(self) -> None:
        """Records what the engine still has to tell after its stop."""
        with contextlib.suppress(EngineLost):
            while self._next_event(0):
                pass

    def _wait_s(self) -> float:
        return _LONGEST_WAIT_S if self._armed else min(max(self._due_in_s(), 0.0), _LONGEST_WAIT_S)

    def _due_in_s(self) -> float:
        """Seconds until the next asset is to be cued."""
        return (self._next_ms - CUE_AHEAD_MS - self._now_ms()) / 1000

    def _next_event(self, timeout_s: float) -> Event | None:
        event = self._engine.next_event(timeout_s)
        if event is not None and event.record is not None:
            self._record(event)
        return event

    def _heed(self, event: Event) -> None:
        if event.kind is EventKind.TAKEN:
            self._taken(event.tick)
        elif event.kind is EventKind.EXHAUSTED and event.end_time_ms is not None:
            self._exhausted(event.end_time_ms)
        elif event.kind is EventKind.CUE_FAILED and self._armed is not None and not self._is_armed():
            self._replace(self._armed.airing, event.reason or event.message)
        elif event.kind is EventKind.UNDERRUN and self._live is not None and event.tick <= self._taken_at + 1:
            self._leads.late(self._live.asset)
        elif event.kind is EventKind.SINK_LOST and not self._stopping.is_set():
            raise ChannelUnavailable(event.message)

    def _is_armed(self) -> bool:
        """Whether the engine still means to switch: what has failed may be an asset cued before."""
        status = self._engine.status()
        return status is not None and status.preview == "armed"

    def _taken(self, tick: int) -> None:
        if self._armed is None:
            return
        self._live, self._taken_at = self._armed.airing, tick
        self._armed = self._live_ends_ms = None
        self._next_ms = self._live.end_ms

    def _exhausted(self, end_ms: int) -> None:
        """The engine tells that the live asset ends at ``end_ms``."""
        self._live_ends_ms = end_ms
        if self._armed is not None:
            self._arm(self._armed)
        elif self._live is not None and end_ms < self._next_ms - self._frame_ms:
            self._replace(self._live, f"it ends {self._next_ms - end_ms} ms before its time", end_ms)
            self._next_ms = end_ms

    def _cue(self) -> None:
        """Cues what is due next and arms the switch to it."""
        switch = self._aim()
        airing = switch.airing
        offset_ms = airing.from_ms(switch.boundary_ms).cue_ms
        try:
            reply: Reply = self._engine.load_preview(self._id, asset_path=airing.asset, start_offset_ms=offset_ms)
        except ValueError as error:  # A name that no file can have.
            self._replace(airing, str(error))
            return
        if reply:
            late_ms = self._now_ms() - switch.boundary_ms
            if late_ms > self._frame_ms and self._leads.late(airing.asset, late_ms):
                return  # It was opened too late for its offset: once more, from where it is by then.
            reply = self._arm(switch)
        if self._armed is None:
            self._replace(airing, reply.message)
            if airing.asset == BLACK:
                self._stopping.wait(_AGAIN_S)

    def _aim(self) -> _Switch:
        """What goes live next and when: at its time, or as soon as it can be cued, from where it is by then."""
        now_ms = self._now_ms()
        boundary_ms = max(self._next_ms, now_ms)
        earliest_ms = now_ms + self._leads.of(self._due(boundary_ms).asset)
        is_on_tick = earliest_ms > boundary_ms
        if is_on_tick:
            boundary_ms = self._tick_from_ms(earliest_ms)
        airing = self._due(boundary_ms)
        if airing.start_ms < boundary_ms and airing.end_ms - boundary_ms < SHORTEST_JOIN_MS:
            boundary_ms, is_on_tick = airing.end_ms, False
            airing = self._due(boundary_ms)
        return _Switch(airing, boundary_ms, is_on_tick)

    def _tick_from_ms(self, time_ms: int) -> int:
        """The millisecond of the first tick from ``time_ms`` on: what is cued for it is not late by part of a frame."""
        ticks = ceil((time_ms - self._first_tick_ms) / self._period_ms)
        return self._first_tick_ms + floor(ticks * self._period_ms)

    def _due(self, time_ms: int) -> Airing:
        """What airs at ``time_ms``: what is scheduled, or filler for it, or black for that."""
        channel = self.channel
        airing = channel.schedule.at(time_ms)
        gap = self._replaced.get(airing)
        if gap is not None and channel.filler is not None:
            airing = channel.filler.fill(gap, max(time_ms, gap.start_ms or 0))
            gap = self._replaced.get(airing)
        return airing if gap is None else _black_in(gap)

    def _arm(self, switch: _Switch) -> Reply:
        """Orders ``switch``, at the end of the live asset if that is told and no more than a frame away.

        For a tick, half a frame before it is due: a clock that is being set right would else push it to the next one.
        """
        boundary_ms, ends_ms = switch.boundary_ms, self._live_ends_ms
        if switch.is_on_tick:
            boundary_ms -= self._frame_ms // 2
        if ends_ms is not None and abs(boundary_ms - ends_ms) <= self._frame_ms:
            boundary_ms = ends_ms
        reply = self._engine.switch_to_live(self._id, target_boundary_time_ms=boundary_ms)
        if _is_ordered(reply):
            self._armed = switch
        return reply

    def _replace(self, airing: Airing, reason: str, from_ms: int | None = None) -> None:
        """Gives ``airing`` up, for the rest of its time: the one after it is tried again."""
        now_ms = self._now_ms()
        self._replaced = {other: gap for other, gap in self._replaced.items() if other.end_ms > now_ms}
        self._replaced[airing] = Gap(airing.start_ms if from_ms is None else from_ms, airing.end_ms)
        self._armed = None
        if not self._stopping.is_set():
            logger.warning("channel %d: filler for %s: %s", self._id, airing.asset, reason)

    def _record(self, event: Event) -> None:
        if self._as_run is None or event.record is None:
            return
        try:
            self._as_run.write(event.record, channel_id=self._id)
        except OSError as error:  # A full disk is no reason to go off the air.
            logger.warning("channel %d: the as-run record of %s is lost: %s", self._id, event.asset, error)


def _black_in(gap: Gap) -> Airing:
    return Airing(gap.start_ms or 0, gap.end_ms or 0, BLACK, "", is_filler=True)


def _is_ordered(reply: Reply) -> bool:
    """Whether a switch takes place. "Not ready" is a yes too: as soon as the preview is cued, and its time has come."""
    return reply.success or reply.result_code is ResultCode.NOT_READY


def _require(reply: Reply) -> None:
    if not reply:
        raise ChannelUnavailable(reply.message)
