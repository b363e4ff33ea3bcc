"""The web server around :class:`air_py.serve.ChannelApp`: listening, signals, a quick end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterable, Iterator

import uvicorn

from .serve import ChannelApp

__all__ = ["listen", "run"]

_DRAIN_S = 0.1
"""What viewers who do read get to take the last bytes, once the channels are off the air."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on ``host`` and ``port`` (0: any free one).

    :raises OSError: the address is unknown or taken.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family)


def run(app: ChannelApp, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serves ``app`` until SIGINT, SIGTERM or SIGHUP, then ends within a second, stuck viewers or not.

    A hang-up that is ignored, as under nohup(1), stays ignored. The handlers of before are back on return.

    :param on_ready: called once requests are answered.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    try:
        asyncio.run(_serve(app, listener, on_ready, before))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _serve(
    app: ChannelApp, listener: socket.socket, on_ready: Callable[[], None], signals: Iterable[signal.Signals]
) -> None:
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Patience is ours, in _stop: what is left after it is a viewer who does not read.
        timeout_graceful_shutdown=0,
    )
    server = _Server(config, on_ready)
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Task[None]] = set()

    def stop() -> None:
        stopping.add(loop.create_task(_stop(app, server)))

    for number in signals:
        loop.add_signal_handler(number, stop)
    await server.serve(sockets=[listener])


async def _stop(app: ChannelApp, server: uvicorn.Server) -> None:
    # That a viewer's response is cut short is no news any more.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        await app.stop()
        await asyncio.sleep(_DRAIN_S)
    finally:
        server.should_exit = True


class _Server(uvicorn.Server):
    """Uvicorn, but signals are the caller's: its own handling would end the process by the signal, not with 0."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()
