"""A server in the test's own event loop, and clients that are raw sockets: nothing between the test and the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.types import Message, Receive, Scope, Send

from air_py.http_protocol import HandOver, Limits, Waiting
from air_py.server import Server, listen

GET = b"GET /1.ts HTTP/1.1\r\nHost: air\r\n\r\n"


class App:
    """Answers ``hello``; ``/1.ts`` takes the connection over, where that is on offer, and waits for its end."""

    def __init__(self) -> None:
        self.handed: asyncio.Queue[tuple[HandOver, int]] = asyncio.Queue()
        self.ends: asyncio.Queue[str] = asyncio.Queue()
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hand_over = scope.get("extensions", {}).get("air.hand_over")
        if hand_over is None or scope["path"] != "/1.ts":
            await hello(scope, receive, send)
            return
        await self.handed.put((hand_over, hand_over.take()))
        over = {asyncio.ensure_future(self._gone(receive)), asyncio.ensure_future(self.leave.wait())}
        _, pending = await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()

    async def _gone(self, receive: Receive) -> None:
        message: Message = {"type": "http.request"}
        while message["type"] == "http.request":
            message = await receive()
        await self.ends.put(message["type"])

    async def stop(self) -> None:
        self.leave.set()


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


class Client:
    """A connection to the server, in the words of a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), 5)

    async def head(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection, which it must."""
        return await asyncio.wait_for(self.reader.read(), 5)

    async def asks(self, request: bytes = b"GET / HTTP/1.1\r\nHost: air\r\n\r\n") -> bytes:
        """The head of the answer; its body, ``hello``, is read too."""
        self.send(request)
        head = await self.head()
        if b" 200 " in head:
            assert await self.read(5) == b"hello"
        return head


class Served:
    """A running server."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self._port = port
        self._clients: list[Client] = []

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self._port))
        self._clients.append(client)
        return client

    def leave(self) -> None:
        for client in self._clients:
            client.writer.transport.abort()


@contextlib.asynccontextmanager
async def served(app: App, limits: Limits | None = None) -> AsyncIterator[Served]:
    """``app`` behind our protocol; on leaving, the server must end by itself."""
    ready = asyncio.Event()
    server = Server(app, Waiting(limits or Limits()), ready.set)
    with listen("127.0.0.1", 0) as listener:
        asyncio.get_running_loop().set_exception_handler(server.on_loop_error)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait_for(ready.wait(), 5)
        running = Served(server, listener.getsockname()[1])
        try:
            yield running
        finally:
            running.leave()
            await app.stop()
            server.end()
            await asyncio.wait_for(serving, 5)
