"""The listening end of a channel's stream.

A :class:`StreamReader` listens, the engine connects to it, and iterating gives the transport stream in whole packets,
from a plain thread (``for``) or from asyncio (``async for``). It knows bytes and packet size, nothing of what is in
them.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

from .results import StreamTransport

__all__ = ["PACKET_SIZE", "StreamReader"]

PACKET_SIZE = 188
"""Bytes of a transport-stream packet."""

_BUFFER_SIZE = 65536 // PACKET_SIZE * PACKET_SIZE
_ACCEPT_TIMEOUT_S = 10.0


class StreamReader:
    """Listens for one connection and yields its transport stream.

    Every chunk is a positive number of whole 188-byte packets, at most 64 KB, whatever pieces the socket delivers.
    Iteration ends when the engine detaches, stops or dies, and when :meth:`close` is called; a torn last packet is
    left out. It raises ``TimeoutError`` when nobody connects in time.

    Make one with :meth:`unix` or :meth:`tcp` and use it as a context manager, plain or async. :meth:`close` may be
    called from another thread to end a plain iteration; an async one is closed on its own event loop.
    """

    transport: StreamTransport
    """What to pass to ``attach_stream`` as ``transport``."""
    endpoint: str
    """What to pass to ``attach_stream`` as ``endpoint``."""

    def __init__(
        self,
        listener: socket.socket,
        transport: StreamTransport,
        endpoint: str,
        *,
        accept_timeout: float = _ACCEPT_TIMEOUT_S,
        directory: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.transport = transport
        self.endpoint = endpoint
        listener.setblocking(False)
        # The listener until the engine has connected, the connection from then on.
        self._socket = listener
        self._connected = False
        self._accept_timeout = accept_timeout
        self._directory = directory
        self._buffer = bytearray(_BUFFER_SIZE)
        self._held = 0
        self._closed = False
        # Held while a thread polls the socket, so that close() cannot pull the descriptor from under it.
        self._in_use = threading.RLock()
        self._waiting: tuple[asyncio.AbstractEventLoop, int, asyncio.Future[None]] | None = None

    @classmethod
    def unix(
        cls, path: str | os.PathLike[str] | None = None, *, accept_timeout: float = _ACCEPT_TIMEOUT_S
    ) -> StreamReader:
        """Listens on a Unix-domain socket.

        :param path: where; by default in a private directory of its own. Removed by :meth:`close` either way.
        :param accept_timeout: seconds that iteration waits for the engine to connect.
        :raises OSError: the path is taken, too long (108 bytes and more) or not writable.
        """
        directory = tempfile.TemporaryDirectory(prefix="air-") if path is None else None
        endpoint = os.path.join(directory.name, "stream.sock") if directory else os.fspath(path or "")
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(endpoint)
            listener.listen(1)
        except BaseException:
            listener.close()
            if directory:
                directory.cleanup()
            raise
        return cls(
            listener,
            StreamTransport.UNIX_DOMAIN_SOCKET,
            endpoint,
            accept_timeout=accept_timeout,
            directory=directory,
        )

    @classmethod
    def tcp(cls, port: int = 0, *, accept_timeout: float = _ACCEPT_TIMEOUT_S) -> StreamReader:
        """Listens on a TCP port of the loopback interface.

        :param port: the port; 0 takes a free one.
        :param accept_timeout: seconds that iteration waits for the engine to connect.
        :raises OSError: the port is taken.
        """
        listener = socket.create_server(("127.0.0.1", port), backlog=1)
        endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
        return cls(listener, StreamTransport.TCP_LOOPBACK, endpoint, accept_timeout=accept_timeout)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._in_use:
            while (chunk := self._receive()) is None:
                self._wait()
        if not chunk:
            raise StopIteration
        return chunk

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        # A burst would otherwise keep the loop from everything else, such as learning that the viewer has gone.
        await asyncio.sleep(0)
        while (chunk := self._receive()) is None:
            await self._wait_async()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Stops listening, hangs up and removes the socket's file. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self._wake()
        with self._in_use:
            self._socket.close()
        if self._directory is not None:
            self._directory.cleanup()
        elif self.transport is StreamTransport.UNIX_DOMAIN_SOCKET:
            _unlink_if_there(self.endpoint)

    def _receive(self) -> bytes | None:
        """The packets that are there; nothing (``b""``) at the end; ``None`` when the next is still to come."""
        if self._closed:
            return b""
        try:
            if not self._connected:
                self._accept()
            received = self._socket.recv_into(memoryview(self._buffer)[self._held :])
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""
        except OSError:
            if self._closed:  # Since the check above, by another thread.
                return b""
            raise
        return self._whole_packets(received)

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        connection.setblocking(False)
        self._socket.close()
        self._socket = connection
        self._connected = True

    def _whole_packets(self, received: int) -> bytes | None:
        if received == 0:
            return b""
        end = self._held + received
        whole = end - end % PACKET_SIZE
        chunk = bytes(memoryview(self._buffer)[:whole])
        self._held = end - whole
        self._buffer[: self._held] = self._buffer[whole:end]
        return chunk or None

    def _timeout(self) -> float | None:
        return None if self._connected else self._accept_timeout

    def _nobody_came(self) -> TimeoutError:
        return TimeoutError(f"nobody connected to {self.endpoint} within {self._accept_timeout:g} s")

    def _wait(self) -> None:
        if self._closed:  # By another thread, which may have woken the listener just left behind.
            return
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        timeout = self._timeout()
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise self._nobody_came()

    async def _wait_async(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop, self._socket.fileno(), loop.create_future()
        _, descriptor, ready = self._waiting
        loop.add_reader(descriptor, self._end_wait)
        try:
            await asyncio.wait_for(ready, self._timeout())
        except asyncio.TimeoutError:
            raise self._nobody_came() from None
        finally:
            self._end_wait()

    def _end_wait(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            loop, descriptor, ready = waiting
            loop.remove_reader(descriptor)
            if not ready.done():
                ready.set_result(None)

    def _wake(self) -> None:
        self._end_wait()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The peer has gone already, or nobody ever came.

    def __enter__(self) -> StreamReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> StreamReader:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "connected" if self._connected else "listening"
        return f"<StreamReader {self.endpoint} {state}>"


def _unlink_if_there(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
