"""The program director: sole owner of the life of channels, as an ASGI application.

It decides who watches what; what airs when is the schedules' word, and bytes pass it by unread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..as_run import AsRunLog
from ..channel import Channel
from ..channel_status import ChannelStatus
from ..engine import Engine
from ..metrics import Totals
from .live_channel import LiveChannel
from .pages import Pages, channel_id_of
from .runtime import EngineFactory
from .streaming import stream

__all__ = ["ProgramDirector"]


class ProgramDirector:
    """Channels over HTTP, each on air only while somebody watches.

    An ASGI application to be served by ``air-py serve``, or by any ASGI server, also mounted in another application::

        app = Starlette(routes=[Mount("/tv", ProgramDirector(channels))])

    A channel's engine, and all that belongs to it, is made when its first viewer comes and is gone when the last has
    left. Call :meth:`stop` before the event loop ends. All methods belong to that loop.

    :param channels: what is on offer; each id once.
    :param make_engine: makes a channel's engine; :class:`Engine` runs it in this process,
        :class:`air_py.isolated.IsolatedEngine` in one of its own.
    :param as_run: where what aired is recorded.
    :param identity: see :attr:`identity`.
    :raises ValueError: two channels have the same id.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        *,
        make_engine: EngineFactory = Engine,
        as_run: AsRunLog | None = None,
        identity: str = "air",
    ) -> None:
        self.identity = identity
        """What makes this installation another than others, for media servers that want to recognise it."""
        self.totals = Totals()
        """What all engines and fan-outs have counted together."""
        self._make_engine = make_engine
        self._as_run = as_run
        self._live = {channel.channel_id: self._offer(channel) for channel in _each_once(channels)}
        self._withdrawn: set[LiveChannel] = set()
        streams = _Streams(self._live)
        self._app = Starlette(
            routes=[
                Route("/channels/{channel_id}.ts", streams, methods=["GET", "HEAD"]),
                Route("/channel/{channel_id}.ts", streams, methods=["GET", "HEAD"]),
                *Pages(self).routes(),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def channels(self) -> list[Channel]:
        """What is on offer, by id."""
        return [self._live[channel_id].channel for channel_id in sorted(self._live)]

    async def statuses(self) -> list[ChannelStatus]:
        """How the channels stand, by id."""
        return await asyncio.gather(*(self._live[channel_id].status() for channel_id in sorted(self._live)))

    async def status(self, channel_id: int) -> ChannelStatus | None:
        """How a channel stands; ``None`` when there is none of that id."""
        live = self._live.get(channel_id)
        return await live.status() if live else None

    def reload(self, channels: Iterable[Channel]) -> None:
        """Goes over to other channels. No viewer is cut off: a channel that is gone takes no new ones, one that has
        changed airs its new schedule from the next item on and its new format from the next tune-in from nobody.

        :raises ValueError: two channels have the same id; then nothing is changed.
        """
        wanted = {channel.channel_id: channel for channel in _each_once(channels)}
        for channel_id in self._live.keys() - wanted.keys():
            self._withdrawn.add(self._live.pop(channel_id))
        for channel_id, channel in wanted.items():
            if channel_id in self._live:
                self._live[channel_id].reload(channel)
            else:
                self._live[channel_id] = self._offer(channel)

    async def stop(self) -> None:
        """Takes every channel off the air and lets no viewer in any more; responses end by themselves."""
        await asyncio.gather(*(live.close() for live in [*self._live.values(), *self._withdrawn]))

    def _offer(self, channel: Channel) -> LiveChannel:
        return LiveChannel(channel, self._make_engine, self.totals.feed, as_run=self._as_run)


class _Streams:
    """The endpoint of all channels' streams: an application, since Starlette's functions see no socket."""

    def __init__(self, live: dict[int, LiveChannel]) -> None:
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel_id = channel_id_of(scope["path_params"])
        channel = None if channel_id is None else self._live.get(channel_id)
        if channel is None:
            await PlainTextResponse("there is no such channel\n", 404)(scope, receive, send)
        else:
            await stream(channel, scope, receive, send)


def _each_once(channels: Iterable[Channel]) -> list[Channel]:
    offered: dict[int, Channel] = {}
    for channel in channels:
        if offered.setdefault(channel.channel_id, channel) is not channel:
            raise ValueError(f"two channels have the id {channel.channel_id}")
    return list(offered.values())
