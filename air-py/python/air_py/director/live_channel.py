"""A channel's life: made with its first viewer, gone with its last, nothing kept warm."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from statistics import quantiles

from ..as_run import AsRunLog
from ..channel import Channel
from ..channel_status import ChannelState, ChannelStatus, TuneIns
from ..fanout import Fanout
from ..results import Status
from .leads import Leads
from .programme import ChannelUnavailable, utc_now_ms
from .runtime import EngineFactory, Runtime
from .threads import in_a_thread, to_the_end

__all__ = ["LiveChannel"]

logger = logging.getLogger("air.director")

_ANSWER_S = 1.0
"""What an engine gets to say how it stands: several ticks, also on a busy machine."""

_LAST_ANSWER_S = 0.06
"""The same as its channel's last viewer leaves: more than a tick. With the stop it has to fit into 250 ms."""


class LiveChannel:
    """A channel on offer, on air while somebody watches. Belongs to one event loop.

    :param channel: what is on offer.
    :param make_engine: makes the engine of each runtime.
    :param at_the_end: told how a runtime stands before it is stopped: what it has counted ends with it.
    :param as_run: where what aired is recorded.
    """

    def __init__(
        self,
        channel: Channel,
        make_engine: EngineFactory,
        at_the_end: Callable[[ChannelStatus], None],
        *,
        as_run: AsRunLog | None = None,
    ) -> None:
        self._channel = channel
        self._make_engine = make_engine
        self._at_the_end = at_the_end
        self._as_run = as_run
        self._leads = Leads()
        self._session: _Session | None = None
        self._sessions: set[_Session] = set()
        self._closed = False
        self._tune_ins = _TuneInTimes()
        self._restarts = 0

    @property
    def channel(self) -> Channel:
        """What is on offer."""
        return self._channel

    @contextlib.asynccontextmanager
    async def tuned_in(self) -> AsyncIterator[Fanout]:
        """A viewer's stay: the channel's stream, on air for at least as long as the context lasts.

        :raises ChannelUnavailable: the channel cannot be put on air, or its life is over.
        """
        session = self._enter()
        try:
            await session.on_air(self._tune_ins)
            yield session.runtime.fanout
        finally:
            await to_the_end(self._leave(session))

    def reload(self, channel: Channel) -> None:
        """Goes over to another description of the channel. Those who watch keep the stream they have: its schedule is
        the new one from the next item on, its format and encoder at the next tune-in from nobody."""
        self._channel = channel
        if self._session is not None:
            self._session.runtime.follow(channel)

    async def close(self) -> None:
        """Takes the channel off the air for good; streams end."""
        self._closed = True
        await asyncio.gather(*(session.stop() for session in self._sessions))

    async def status(self) -> ChannelStatus:
        """How the channel stands. An engine that does not answer counts as none, and holds nobody up for long."""
        session = self._session
        return self._status(session, await session.engine_status(_ANSWER_S) if session else None)

    def _enter(self) -> _Session:
        if self._closed:
            raise ChannelUnavailable("the server is stopping")
        if self._session is None or self._session.runtime.fanout.closed:
            try:
                runtime = Runtime(self._channel, self._make_engine, self._leads, as_run=self._as_run)
            except OSError as error:
                raise ChannelUnavailable(f"no stream can be opened: {error}") from error
            self._session = _Session(f"air-ch{self._channel.channel_id}", runtime)
            self._sessions.add(self._session)
        self._session.viewers += 1
        return self._session

    async def _leave(self, session: _Session) -> None:
        session.viewers -= 1
        if session.viewers > 0:
            return
        if self._session is session:  # The next viewer gets a fresh one, also while this one is taken down.
            self._session = None
        try:
            self._at_the_end(self._status(session, await session.engine_status(_LAST_ANSWER_S)))
        finally:
            await session.stop()
            self._sessions.discard(session)
            self._restarts += session.runtime.restarts
        logger.info("channel %d off the air", self._channel.channel_id)

    def _status(self, session: _Session | None, engine: Status | None) -> ChannelStatus:
        channel = self._channel
        now = channel.schedule.at(utc_now_ms())
        return ChannelStatus(
            channel_id=channel.channel_id,
            name=channel.name,
            logo=channel.logo,
            program_format=str(channel.program_format),
            state=session.state(engine is not None) if session else ChannelState.OFF,
            viewers=session.viewers if session else 0,
            on_air_since_ms=session.since_ms if session else None,
            now=now,
            next=channel.schedule.at(now.end_ms),
            tune_ins=self._tune_ins.summary(),
            engine_restarts=self._restarts + sum(each.runtime.restarts for each in self._sessions),
            engine=engine,
            stream=session.runtime.fanout.stats() if session else None,
        )


class _Session:
    """One runtime and how many watch it."""

    def __init__(self, name: str, runtime: Runtime) -> None:
        self.name = name
        self.runtime = runtime
        self.viewers = 0
        self.since_ms: int | None = None
        self._starting: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[Status | None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def on_air(self, tune_ins: _TuneInTimes) -> None:
        """Returns when the stream has begun; the first who asks starts it.

        :raises ChannelUnavailable: it cannot be put on air.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start(tune_ins))
        await asyncio.shield(self._starting)

    async def _start(self, tune_ins: _TuneInTimes) -> None:
        began = time.monotonic()
        await in_a_thread(f"{self.name}-start", self.runtime.start)
        self.since_ms = utc_now_ms()
        tune_ins.add(round((time.monotonic() - began) * 1000))
        logger.info("%s on air", self.name)

    async def engine_status(self, patience_s: float) -> Status | None:
        """How the engine stands; ``None`` when there is none at the moment, or it has not answered by then. Those who
        ask meanwhile wait for the same answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(in_a_thread(f"{self.name}-status", self.runtime.status))
        asking = self._asking
        await asyncio.wait({asking}, timeout=patience_s)
        return asking.result() if asking.done() else None

    async def stop(self) -> None:
        """Ends the runtime, whatever it is doing; for any number of callers."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(in_a_thread(f"{self.name}-stop", self.runtime.stop))
        await asyncio.shield(self._stopping)
        for task in (self._starting, self._asking):
            if task is not None:
                await asyncio.wait({task})
                task.exception()  # Its failure has been told to those who waited for it.

    def state(self, has_engine: bool) -> ChannelState:
        if self.since_ms is None:
            return ChannelState.STARTING
        return ChannelState.ON_AIR if has_engine else ChannelState.RESTARTING


class _TuneInTimes:
    """How long the last hundred first viewers waited."""

    def __init__(self) -> None:
        self._count = 0
        self._last: deque[int] = deque(maxlen=100)

    def add(self, waited_ms: int) -> None:
        self._count += 1
        self._last.append(waited_ms)

    def summary(self) -> TuneIns:
        if not self._last:
            return TuneIns(0, None, None, None)
        percentiles = quantiles([*self._last, self._last[-1]], n=20, method="inclusive")
        return TuneIns(self._count, self._last[-1], round(percentiles[9]), round(percentiles[18]))
