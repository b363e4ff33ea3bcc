"""``air-py serve``: channels from a file, or one of the media named, behind the web server."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from functools import partial

from . import as_run
from .access import Access, exposure
from .channel import DEFAULT_FORMAT, Channel
from .config import Config, load_config
from .director import ProgramDirector
from .director.programme import utc_now_ms
from .engine import Engine
from .formats import ProgramFormat
from .isolated import IsolatedEngine
from .schedule import Library, Playlist
from .server import Application, listen, run
from .sink import SinkConfig

__all__ = ["serve"]

logger = logging.getLogger("air.serve")


def serve(options: argparse.Namespace, media: Sequence[str], sink: SinkConfig) -> int:
    """Serves until it is told to end, and returns the exit code.

    :param options: those of the command line.
    :param media: what the one channel airs, when there is no channels file.
    :param sink: how it is encoded.
    :raises ValueError: options contradict each other, the channels file is of no use, or the address is.
    """
    _require_either(options)
    library = Library()
    with _listener(options.host, options.port) as listener, as_run.opened(options.as_run) as log:
        if options.channels:
            channels = _from_file(options.channels, library).channels
        else:
            channels = (_of_media(media, options.format, sink, options.loop, library),)
        director = ProgramDirector(
            channels,
            make_engine=IsolatedEngine if options.isolate else Engine,
            as_run=log,
            identity=f"{socket.gethostname()}:{options.channels or 'media'}",
        )
        app: Application = Access(director, options.token) if options.token else director
        reload = partial(_reload, director, options.channels, library) if options.channels else None
        port = listener.getsockname()[1]
        if warning := exposure(options.host, port, options.token):
            print(f"air-py: {warning}", file=sys.stderr)
        urls = _urls(options.host, port, channels)
        run(app, listener, lambda: print(urls, flush=True), reload, [options.channels] if options.channels else [])
    return 0


def _require_either(options: argparse.Namespace) -> None:
    """A channels file leaves no room for what it says itself."""
    given = {
        "MEDIA": options.media,
        "--format": options.format != DEFAULT_FORMAT,
        "--no-loop": not options.loop,
        "--bitrate": options.bitrate,
        "--mux-rate": options.mux_rate,
        "--preset": options.preset,
    }
    if options.channels and (names := [name for name, value in given.items() if value]):
        raise ValueError(f"--channels has its own say on {', '.join(names)}")


def _of_media(
    media: Sequence[str], program_format: ProgramFormat, sink: SinkConfig, loop: bool, library: Library
) -> Channel:
    """The channel of the media named on the command line, which begin now."""
    rate = program_format.frame_rate
    schedule = Playlist.of(media, rate, epoch_ms=utc_now_ms(), loop=loop, library=library)
    return Channel(1, "Air", schedule, program_format, sink)


def _from_file(path: str, library: Library) -> Config:
    config = load_config(path, library=library)
    for warning in config.warnings:
        logger.warning("%s:%s", path, warning)
    return config


async def _reload(director: ProgramDirector, path: str, library: Library) -> None:
    config = await asyncio.to_thread(_from_file, path, library)
    director.reload(config.channels)
    logger.info("%s has been read again", path)


def _listener(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise ValueError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _urls(host: str, port: int, channels: Sequence[Channel]) -> str:
    """What can be asked for, a line each: the channels' streams, then the page."""
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return "\n".join([*(f"{base}/channels/{channel.channel_id}.ts" for channel in channels), f"{base}/"])
