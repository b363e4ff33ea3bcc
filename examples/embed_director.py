"""Channels as a part of another web application: ``python examples/embed_director.py FILM...``.

The director does not care where it is mounted, and needs to be stopped when the application ends. Under ``air-py
serve`` viewers' sockets are handed to native code; under any other server, as here, batches pass through it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from air_py import ProgramFormat
from air_py.channel import Channel
from air_py.director import ProgramDirector
from air_py.schedule import Playlist


async def welcome(request: Request) -> Response:
    """The application's own page."""
    return PlainTextResponse("television is at /tv/\n")


def application(films: list[str]) -> Starlette:
    """A channel that has been airing ``films`` in turn since 1970, whoever watches."""
    program_format = ProgramFormat(1280, 720, "25/1")
    schedule = Playlist.of(films, program_format.frame_rate, epoch_ms=0)
    director = ProgramDirector([Channel(1, "Films", schedule, program_format)])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await director.stop()

    return Starlette(routes=[Route("/", welcome), Mount("/tv", director)], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[1:]), port=8000)
