"""One stream for any number of viewers.

A :class:`Fanout` listens for the engine, keeps the last seconds of its stream, and serves viewers in native code: it
writes to connected sockets itself, or gives batches to whoever iterates. A viewer begins where it has a picture at
once, and one that falls behind is moved or closed alone. It knows nothing of HTTP, and of channels only a name.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import TracebackType

from . import _air
from .integers import whole
from .results import StreamTransport

__all__ = ["Fanout", "FanoutStats", "SlowPolicy", "StreamFinding", "Viewer"]


class SlowPolicy(str, Enum):
    """What becomes of a viewer that needs what is no longer kept."""

    SKIP = "skip"
    """It goes on at the latest place where a picture begins, once it takes bytes again."""
    CLOSE = "close"
    """It is closed."""


@dataclass(frozen=True)
class StreamFinding:
    """How often the judge found one thing wrong with the stream."""

    check: str
    severity: str
    """``hard`` or ``soft``."""
    count: int


@dataclass(frozen=True)
class FanoutStats:
    """A fan-out at one moment. Counts are of its whole life."""

    viewers: int
    bytes_in: int
    """From the engine."""
    bytes_out: int
    """To all viewers."""
    bitrate_bps: int
    """Of the stream, over about the last second."""
    skips: int
    """Times a viewer that had fallen behind was moved to a later random access point."""
    slow_closed: int
    """Viewers closed because they had fallen behind."""
    findings: tuple[StreamFinding, ...]
    """What the judge has found wrong with the stream, by check."""


class Fanout:
    """Takes the stream of one engine at a time, and gives it to any number of viewers.

    Use it as a context manager, or :meth:`close` it. Every method may be called from any thread, and none waits
    unless it says so.

    :param name: its thread is ``<name>-fanout``, of which Linux shows 15 bytes.
    :param slow: what becomes of a viewer that falls behind.
    :param ring_bytes: bytes of stream kept at most; default 16 MiB.
    :param ring_ms: time of stream kept at most; default 10 s. A viewer has fallen behind when it needs what is older.
    :raises OSError: no descriptors left, or no directory for temporary files.
    """

    transport = StreamTransport.UNIX_DOMAIN_SOCKET
    """What to pass to ``attach_stream`` as ``transport``."""
    endpoint: str
    """What to pass to ``attach_stream`` as ``endpoint``: a path in a private directory. When an engine's connection
    has ended another may connect, and viewers go on with that one's stream."""

    def __init__(
        self,
        *,
        name: str = "air",
        slow: SlowPolicy = SlowPolicy.SKIP,
        ring_bytes: int = 16 << 20,
        ring_ms: int = 10_000,
    ) -> None:
        bounds = whole("ring_bytes", ring_bytes, 188, 2**40), whole("ring_ms", ring_ms, 1, 2**31)
        self._native = _air.Fanout(name, SlowPolicy(slow).value, *bounds)
        self.endpoint = os.fspath(self._native.endpoint)

    def viewer(self) -> Viewer:
        """A viewer whose batches are taken by iterating.

        :raises BrokenPipeError: the fan-out is closed.
        """
        return Viewer(self._native.viewer())

    def hand_over(self, descriptor: int, head: bytes = b"") -> Viewer:
        """Writes ``head`` and then the stream to a connected stream socket, without Python from then on.

        The descriptor is duplicated. Until the viewer is over nothing else may write to the socket; then it is shut
        down, so an event loop that holds it too, and goes on reading it, sees its end. What the peer sends is not read
        here; when it closes its side the viewer is over.

        :raises BrokenPipeError: the fan-out is closed.
        :raises OSError: the descriptor is no stream socket.
        """
        return Viewer(self._native.hand_over(descriptor, head))

    def first_bytes(self, timeout: float) -> bool:
        """Waits, ``timeout`` seconds at most, for the stream to begin; whether it has. :meth:`close` ends the wait."""
        return self._native.first_bytes(timedelta(seconds=max(0.0, timeout)))

    def stats(self) -> FanoutStats:
        """How things stand; also after :meth:`close`."""
        fields = self._native.stats()
        findings = tuple(StreamFinding(**finding) for finding in fields.pop("findings"))
        return FanoutStats(findings=findings, **fields)

    @property
    def closed(self) -> bool:
        """It was closed."""
        return self._native.closed

    def close(self) -> None:
        """Ends every viewer and the engine's connection, and waits, some milliseconds, until thread, sockets and path
        are gone. Again is fine."""
        self._native.close()

    def __enter__(self) -> Fanout:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Viewer:
    """One viewer of a :class:`Fanout`.

    One from :meth:`Fanout.viewer` is iterated, with ``for`` or ``async for``, by one thread or task at a time: it
    gives ``bytes``, whole packets, at most 188 KiB, from a place where a picture begins. Iteration ends when the
    viewer or the fan-out is closed. One from :meth:`Fanout.hand_over` is written to natively; to iterate it is a
    ``TypeError``.
    """

    def __init__(self, native: _air.Viewer) -> None:
        self._native = native

    @property
    def bytes_sent(self) -> int:
        """Bytes taken, or written with the head included."""
        return self._native.bytes_sent

    @property
    def skips(self) -> int:
        """Times it was moved to a later place, because it had fallen behind."""
        return self._native.skips

    @property
    def closed(self) -> bool:
        """It is over, whoever ended it."""
        return self._native.closed

    def close(self) -> None:
        """Leaves. From any thread, also while another iterates; again is fine. A socket is shut down at once."""
        self._native.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        batch = self._native.next()
        if batch is None:
            raise StopIteration
        return batch

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not (batch := self._native.take()):
            if batch is None:
                raise StopAsyncIteration
            await _readable(self._native.fileno())
        return batch


async def _readable(descriptor: int) -> None:
    """Returns when the descriptor is readable."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()

    def tell() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
