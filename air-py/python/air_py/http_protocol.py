"""HTTP/1.1 on one connection: uvicorn's h11 protocol, with limits, and with a socket that an application may take over.

An application finds ``scope["extensions"]["air.hand_over"]``, a :class:`HandOver`, with every plain GET. Once it has
taken the socket, the server reads on only to see the other end go, which ``receive()`` tells as ``http.disconnect``,
and never writes again: head and body are the application's, until it returns.

What does not behave is closed: a request that takes too long to arrive, one with too large a head, a connection that
nobody uses. When there are too many, those that wait for a request make room, the oldest first.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["HandOver", "HttpProtocol", "Limits", "Waiting"]

EXTENSION = "air.hand_over"
"""The key of :class:`HandOver` among a scope's extensions."""


@dataclass(frozen=True)
class Limits:
    """What a server puts up with."""

    request_s: float = 10.0
    """From a connection's start, or a request's first byte, to the end of the request."""
    idle_s: float = 10.0
    """From a response to the next request on its connection."""
    head_bytes: int = 32 * 1024
    """Size of a request's line and headers."""
    stall_s: float = 20.0
    """How long a client may leave a response unread; nothing of a taken connection."""
    connections: int = 16_384
    """At a time; fewer where the system allows fewer descriptors."""


@dataclass
class Waiting:
    """The connections of a server, and which of them wait for a request: they are what can be spared."""

    limits: Limits = field(default_factory=Limits)
    _idle: dict[HttpProtocol, None] = field(default_factory=dict)

    def begin(self, connection: HttpProtocol) -> None:
        """``connection`` waits from now on."""
        self._idle.pop(connection, None)
        self._idle[connection] = None

    def end(self, connection: HttpProtocol) -> None:
        """``connection`` has a request, or is gone."""
        self._idle.pop(connection, None)

    def make_room(self) -> bool:
        """Closes the connection that has waited longest; false when none waits."""
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        self.end(longest)
        longest.transport.abort()
        return True


class HandOver:
    """A connection whose socket an application may take over, once, in place of sending a response."""

    def __init__(self, connection: HttpProtocol) -> None:
        self._connection = connection
        self._socket: socket.socket = connection.transport.get_extra_info("socket")
        self.taken = False
        """Whether the server is out of it."""

    def take(self) -> int:
        """A descriptor of the connected socket, non-blocking and without delay (``TCP_NODELAY``).

        The caller owns and closes it. Who closes it alone ends nothing: the server has one of its own, until the
        application returns. ``shutdown(2)``, by whomever, ends the connection and is told as ``http.disconnect``.

        :raises OSError: the connection is gone, or there is no descriptor left; the server then still has it.
        """
        transport = self._connection.transport
        if self.taken or transport.is_closing():
            raise ConnectionError("the connection is taken or gone")
        descriptor = os.dup(self._socket.fileno())
        self.taken = True
        self._connection.let_go()
        return descriptor

    def end(self) -> None:
        """Ends the connection; what has been written still arrives. Ending twice is no error."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It is gone.
        self._connection.transport.abort()


class HttpProtocol(H11Protocol):
    """The protocol; uvicorn makes one per connection.

    :param waiting: shared by the connections of a server.
    """

    def __init__(self, *arguments: Any, waiting: Waiting, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._application = self.app
        self.app = self._offering
        self._waiting = waiting
        self._limits = waiting.limits
        self._deadline: asyncio.TimerHandle | None = None
        self._heard = False
        self._hand_over: HandOver | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has connected."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections and not self._waiting.make_room():
            self._refuse(b"503 Service Unavailable")
            return
        self._waiting.begin(self)
        self._start_deadline()
        self._set_tcp(socket.TCP_NODELAY, 1)  # asyncio does so only where the listener was made with a protocol.
        self._let_stall(self._limits.stall_s)

    def data_received(self, data: bytes) -> None:
        """The client has sent something. Once the socket is taken, that is of no interest."""
        if self._is_taken():
            return
        self._heard = True
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._waiting.end(self)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_deadline()
        elif self._deadline is None:
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        self._stop_deadline()
        self._unset_keepalive_if_required()
        self._waiting.end(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends. A taken connection owes no response, and is its application's to end."""
        if not self._is_taken():
            super().shutdown()

    def on_response_complete(self) -> None:
        """The connection waits for the next request, which may have come already."""
        self._waiting.begin(self)
        super().on_response_complete()
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._waiting.end(self)

    def send_400_response(self, msg: str) -> None:
        """Tells a client that its request is none; one with too large a head, that."""
        error = sys.exc_info()[1]  # What uvicorn is handling as it calls this.
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:  # It came in the wake of a request that is being answered.
            self.transport.close()

    def let_go(self) -> None:
        """Writes nothing more, and reads only to see the end."""
        self._stop_deadline()
        self._unset_keepalive_if_required()
        self._let_stall(0)
        self.cycle.response_started = True
        self.cycle.waiting_for_100_continue = False
        self.flow.resume_reading()  # More from the client may have come with the request.

    def _is_taken(self) -> bool:
        return self._hand_over is not None and self._hand_over.taken

    async def _offering(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, with the connection on offer."""
        # What still waits to be sent belongs to the response before, and TLS is the transport's.
        plain = scope["scheme"] == "http" and not self.transport.get_write_buffer_size()
        if not plain or scope["method"] != "GET" or self.transport.is_closing():
            await self._application(scope, receive, send)
            return
        hand_over = self._hand_over = HandOver(self)
        try:
            await self._application({**scope, "extensions": {EXTENSION: hand_over}}, receive, send)
        finally:
            if hand_over.taken:
                self.cycle.response_complete = True
                hand_over.end()

    def _let_stall(self, seconds: float) -> None:
        """Has the kernel give a client up that has read nothing for so long; 0 never."""
        self._set_tcp(socket.TCP_USER_TIMEOUT, round(seconds * 1000))

    def _set_tcp(self, option: int, value: int) -> None:
        connected = self.transport.get_extra_info("socket")
        if connected.family != socket.AF_UNIX:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self._limits.request_s, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        # A browser connects ahead of need: who has said nothing is told nothing.
        if self._heard and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.abort()

    def _refuse(self, status: bytes) -> None:
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()
