"""Channels over HTTP: an ASGI application.

A channel is on air only while somebody watches. Today that is one viewer per channel: another one is asked to come
back. The application decides who watches what; bytes pass through it unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ._air import AirError
from .engine import Engine
from .runtime import Channel, ChannelUnavailable, EngineFactory, Runtime
from .stream_reader import StreamReader

__all__ = ["ChannelApp"]

logger = logging.getLogger("air.serve")

SLOT_WAIT_S = 1.0
"""How long a viewer waits for the one before to be gone: a player that reconnects overlaps itself by less."""

_STREAM_HEADERS = {"cache-control": "no-cache, no-store", "pragma": "no-cache"}


class ChannelApp:
    """The application: an ASGI callable with an end.

    :param channels: the channels to offer.
    :param make_engine: what makes an engine for a channel.
    """

    def __init__(self, channels: Iterable[Channel], *, make_engine: EngineFactory = Engine) -> None:
        self._slots = {channel.channel_id: _Slot(channel, make_engine) for channel in channels}
        streaming = _StreamEndpoint(self._slots)
        self._app = Starlette(
            routes=[
                Route("/channels/{channel_id:int}.ts", streaming, methods=["GET", "HEAD"]),
                Route("/channel/{channel_id:int}.ts", streaming, methods=["GET", "HEAD"]),
                Route("/channels", self._list),
                Route("/healthz", _health),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def stop(self) -> None:
        """Takes every channel off the air and lets no viewer in any more; responses end by themselves."""
        await asyncio.gather(*(slot.stop() for slot in self._slots.values()))

    async def _list(self, request: Request) -> Response:
        return JSONResponse([slot.describe() for slot in self._slots.values()])


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Slot:
    """A channel's one place for a viewer."""

    def __init__(self, channel: Channel, make_engine: EngineFactory) -> None:
        self._channel = channel
        self._make_engine = make_engine
        self._taken = asyncio.Lock()
        self._runtime: Runtime | None = None
        self._stopped = False

    @contextlib.asynccontextmanager
    async def viewing(self) -> AsyncIterator[StreamReader]:
        """The channel's stream, on air for as long as the context lasts.

        :raises ChannelUnavailable: somebody else watches, or the channel cannot be put on air.
        """
        try:
            await asyncio.wait_for(self._taken.acquire(), SLOT_WAIT_S)
        except asyncio.TimeoutError:
            raise ChannelUnavailable("another viewer is watching this channel") from None
        try:
            async with self._on_air() as reader:
                yield reader
        finally:
            self._taken.release()

    @contextlib.asynccontextmanager
    async def _on_air(self) -> AsyncIterator[StreamReader]:
        if self._stopped:
            raise ChannelUnavailable("the server is stopping")
        with _refusals():
            runtime = self._runtime = Runtime(self._channel, self._make_engine)
        try:
            with _refusals():
                await asyncio.to_thread(runtime.start)
            logger.info("channel %d on air", self._channel.channel_id)
            yield runtime.reader
        finally:
            await _to_the_end(asyncio.to_thread(runtime.stop))
            runtime.reader.close()
            self._runtime = None
            logger.info("channel %d off the air", self._channel.channel_id)

    async def stop(self) -> None:
        self._stopped = True
        if self._runtime is not None:
            await asyncio.to_thread(self._runtime.stop)

    def describe(self) -> dict[str, object]:
        channel = self._channel
        return {
            "id": channel.channel_id,
            "url": f"/channels/{channel.channel_id}.ts",
            "format": str(channel.program_format),
            # Names of files need not be Unicode; JSON is.
            "media": [asset.encode(errors="replace").decode() for asset in channel.media],
            "on_air": self._runtime is not None,
        }


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What the engine or the system does not allow is told to the viewer; it is no failure of the server."""
    try:
        yield
    except (AirError, OSError, ValueError) as error:
        raise ChannelUnavailable(f"the channel cannot be put on air: {error}") from error


class _StreamEndpoint:
    """``/channels/{id}.ts``: the channel's bytes for as long as the viewer stays."""

    def __init__(self, slots: dict[int, _Slot]) -> None:
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel_id = scope["path_params"]["channel_id"]
        slot = self._slots.get(channel_id)
        if slot is None:
            await PlainTextResponse(f"there is no channel {channel_id}\n", 404)(scope, receive, send)
        elif scope["method"] == "HEAD":
            await _begin(send)
            await send({"type": "http.response.body", "body": b""})
        else:
            await _while_connected(receive, self._stream(slot, scope, receive, send))

    async def _stream(self, slot: _Slot, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with slot.viewing() as reader:
                await _begin(send)
                async for chunk in reader:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except ChannelUnavailable as reason:
            headers = {"retry-after": "1", **_STREAM_HEADERS}
            await PlainTextResponse(f"{reason}\n", 503, headers)(scope, receive, send)
        else:
            await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send) -> None:
    # Headers without a length: a live stream has none, and the server goes over to chunks.
    headers = [(b"content-type", b"video/mp2t")]
    headers += [(name.encode(), value.encode()) for name, value in _STREAM_HEADERS.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _while_connected(receive: Receive, response: Coroutine[None, None, None]) -> None:
    """Runs ``response`` and breaks it off when the viewer hangs up, even while no byte flows."""
    responding = asyncio.ensure_future(response)
    hung_up = asyncio.ensure_future(_hung_up(receive))
    try:
        await asyncio.wait({responding, hung_up}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hung_up.cancel()
        responding.cancel()
        await _to_the_end(responding)


async def _hung_up(receive: Receive) -> None:
    message: Message = {"type": "http.request"}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _to_the_end(work: Coroutine[None, None, None] | asyncio.Task[None]) -> None:
    """Awaits ``work`` through any number of cancellations of the caller; its own cancellation is no error."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if not task.cancelled():
        task.result()
    if cancelled:
        raise asyncio.CancelledError
