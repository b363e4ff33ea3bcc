"""``/channels/{id}.ts``: a channel's stream for as long as the viewer stays.

Where the server lets go of the viewer's socket, native code writes to it and no byte passes through Python; elsewhere
batches go out as the server's protocol wants them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import closing
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from ..fanout import Fanout
from .live_channel import LiveChannel
from .programme import ChannelUnavailable
from .threads import to_the_end

__all__ = ["stream", "unavailable"]

_HEADERS = {
    "content-type": "video/mp2t",
    "cache-control": "no-cache, no-store",
    "pragma": "no-cache",
    "accept-ranges": "none",
    "access-control-allow-origin": "*",
}

_HEAD = "\r\n".join(
    ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in _HEADERS.items()), "connection: close", "", ""]
).encode()
"""What a viewer on a socket of its own gets before the stream, whose end is that of the connection."""


async def stream(channel: LiveChannel, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a GET or HEAD for ``channel``'s stream."""
    if scope["method"] == "HEAD":  # Asks what there is, and is no viewer.
        await _begin(send)
        await send({"type": "http.response.body", "body": b""})
        return
    await _while_connected(receive, _watch(channel, scope, receive, send))


async def _watch(channel: LiveChannel, scope: Scope, receive: Receive, send: Send) -> None:
    hand_over = scope.get("extensions", {}).get("air.hand_over")
    try:
        async with channel.tuned_in() as fanout:
            if hand_over is None:
                await _through_the_server(fanout, send)
                return
            await _on_its_socket(fanout, hand_over)
    except ChannelUnavailable as reason:
        await unavailable(str(reason))(scope, receive, send)


def unavailable(reason: str) -> PlainTextResponse:
    """503, to be tried again."""
    return PlainTextResponse(f"{reason}\n", 503, {"retry-after": "1", "cache-control": "no-store"})


async def _on_its_socket(fanout: Fanout, hand_over: Any) -> None:
    if fanout.closed:
        raise ChannelUnavailable("the stream has ended")
    try:
        descriptor = hand_over.take()
    except OSError as error:  # For want of a descriptor; or the viewer has gone, and will not read this.
        raise ChannelUnavailable(f"the connection cannot be taken over: {error}") from error
    try:
        viewer = fanout.hand_over(descriptor, _HEAD)
    except OSError:
        return  # The stream has ended meanwhile, and the connection does with it.
    finally:
        os.close(descriptor)
    # The server goes on listening on the connection, so it tells of the end also when native code has made it.
    with closing(viewer):
        await asyncio.Event().wait()


async def _through_the_server(fanout: Fanout, send: Send) -> None:
    try:
        viewer = fanout.viewer()
    except OSError as error:
        raise ChannelUnavailable(f"the stream has ended: {error}") from error
    with closing(viewer):
        await _begin(send)
        async for batch in viewer:
            await send({"type": "http.response.body", "body": batch, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send) -> None:
    # Without a length: a live stream has none, and the server goes over to chunks.
    headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
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
        await to_the_end(_end_of(responding))


async def _end_of(task: asyncio.Future[None]) -> None:
    try:
        await task
    except asyncio.CancelledError:
        pass  # By us: the viewer has left.


async def _hung_up(receive: Receive) -> None:
    message: Message = {"type": "http.request"}
    while message["type"] != "http.disconnect":
        message = await receive()
