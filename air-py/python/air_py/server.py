"""The web server around an application: listening, limits, signals, reloading, a quick end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

import uvicorn
from starlette.types import Receive, Scope, Send

from .http_protocol import HttpProtocol, Limits, Waiting

__all__ = ["Application", "Reload", "Server", "listen", "run"]

logger = logging.getLogger("air.http")

Reload = Callable[[], Awaitable[None]]
"""What reads the configuration again. Runs on the event loop, never twice at a time; what it raises is logged."""

_DRAIN_S = 0.1
"""What viewers who do read get to take the last bytes, once the channels are off the air."""

_LOOK_S = 1.0
"""How often watched files are looked at."""

_OWN_DESCRIPTORS = 256
"""Left to files, engines and their sockets; the rest is for connections."""

_TELL_AGAIN_S = 60.0
"""Between two records of the same trouble."""

_BACKLOG = 1024
"""Connections the kernel keeps for us: as many may come at once and none has to try again, a second later."""


class Application(Protocol):
    """An ASGI application that can be told to end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""

    async def stop(self) -> None:
        """Ends what goes on: no channel is on the air any more, and responses end by themselves."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on ``host`` and ``port`` (0: any free one).

    :raises OSError: the address is unknown or taken.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family)


def run(
    app: Application,
    listener: socket.socket,
    on_ready: Callable[[], object],
    reload: Reload | None = None,
    watch: Sequence[str | os.PathLike[str]] = (),
    *,
    limits: Limits | None = None,
) -> None:
    """Serves ``app`` until SIGINT, SIGTERM or SIGHUP, then ends within a second, stuck viewers or not.

    With ``reload``, SIGHUP calls that instead. A hang-up that is ignored, as under nohup(1), stays ignored. The
    handlers of before are back on return. The process may have as many descriptors from then on as the system allows.

    :param on_ready: called once requests are answered.
    :param watch: files; a change of one of them calls ``reload`` too, within about a second.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    waiting = Waiting(_within_the_system(limits or Limits()))
    try:
        asyncio.run(_serve(Server(app, waiting, on_ready), app, listener, set(before), reload, watch))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _within_the_system(limits: Limits) -> Limits:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return limits
    room = max(hard - _OWN_DESCRIPTORS, hard // 2)
    return Limits(**{**vars(limits), "connections": min(limits.connections, room)})


async def _serve(
    server: Server,
    app: Application,
    listener: socket.socket,
    signals: set[signal.Signals],
    reload: Reload | None,
    watch: Sequence[str | os.PathLike[str]],
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(server.on_loop_error)
    tasks: set[asyncio.Task[None]] = set()
    asked = asyncio.Event()
    if reload is not None:
        tasks |= {loop.create_task(_reload(reload, asked)), loop.create_task(_watch(watch, asked))}

    def stop() -> None:
        tasks.add(loop.create_task(_stop(app, server)))

    for number in signals:
        loop.add_signal_handler(number, asked.set if reload and number == signal.SIGHUP else stop)
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()


async def _reload(reload: Reload, asked: asyncio.Event) -> None:
    while await asked.wait():
        asked.clear()
        try:
            await reload()
        except Exception:
            logger.exception("reloading failed, everything stays as it is")


async def _watch(files: Sequence[str | os.PathLike[str]], asked: asyncio.Event) -> None:
    seen = [_stamp(file) for file in files]
    while files:
        await asyncio.sleep(_LOOK_S)
        if seen != (seen := [_stamp(file) for file in files]):
            asked.set()


def _stamp(file: str | os.PathLike[str]) -> tuple[int, ...] | None:
    """What changes when a file is written or replaced; ``None`` while there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


async def _stop(app: Application, server: Server) -> None:
    # That a viewer's response is cut short is no news any more.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        await app.stop()
        await asyncio.sleep(_DRAIN_S)
    finally:
        server.end()


class Server(uvicorn.Server):
    """Uvicorn with our protocol, and signals left to the caller: with its own the process would end by the signal.

    :param waiting: the connections, and their limits.
    :param on_ready: called once requests are answered.
    """

    def __init__(self, app: Application, waiting: Waiting, on_ready: Callable[[], object]) -> None:
        # One for all connections, in place of the class uvicorn would call.
        protocol: Any = functools.partial(HttpProtocol, waiting=waiting)
        config = uvicorn.Config(
            app,
            http=protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=waiting.limits.idle_s,  # type: ignore[arg-type]  # which goes to call_later as it is
            h11_max_incomplete_event_size=waiting.limits.head_bytes,
            # Patience is ours, in _stop: what is left after it is a viewer who does not read.
            timeout_graceful_shutdown=0,
        )
        super().__init__(config)
        # Its warnings are of what clients get wrong: any of them could fill a log.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._on_ready = on_ready
        self._waiting = waiting
        self._told_at = -_TELL_AGAIN_S
        self._ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Uvicorn's, with a tick a second in place of ten: all that waits for one is the date in answers."""
        tenths = 0
        while not await self.on_tick(tenths):
            tenths += 10
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 1)

    def end(self) -> None:
        """Ends the serving at once."""
        self.should_exit = True
        self._ended.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Out of descriptors, asyncio pauses accepting for a second: room is made until then, and little is said."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE) and "socket" in context):
            loop.default_exception_handler(context)
            return
        if loop.time() >= self._told_at + _TELL_AGAIN_S:
            self._told_at = loop.time()
            logger.error("no descriptors are left, new connections wait: %s", error)
        self._waiting.make_room()
