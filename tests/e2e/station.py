"""A stand-in for the director, for tests of the web page alone: its files, made-up answers, a rendering as stream."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from air_py import api, check, page
from air_py.channel_status import ChannelStatus
from air_py.fanout import StreamFinding
from tests.channels import OFF, Hourly, channel, on_air

_PIECE = 188 * 64
_Self = TypeVar("_Self", bound="Served")


@dataclass
class Recording:
    """A transport stream of constant rate."""

    data: bytes
    rate_bps: int

    @classmethod
    def read(cls, path: Path) -> Recording:
        """The file ``path``; the judge knows its rate."""
        return cls(path.read_bytes(), check(path).facts.bitrate_bps)


class Served:
    """An ASGI application on a port of its own, at ``url``, on a thread of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        # Chromium holds connections open; they are not waited for.
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="station")

    def __enter__(self: _Self) -> _Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class Station(Served):
    """``names`` makes the channels, from 1; all have the recording, from its start."""

    def __init__(self, recording: Recording, names: tuple[str, ...] = ("One", "Two")) -> None:
        self._recording = recording
        self._names = names
        self._viewers = dict.fromkeys(range(1, len(names) + 1), 0)
        self.tune_ins = 0
        self.queries: set[str] = set()
        """Of all requests but those for files."""
        self._cut = threading.Event()
        routes = [
            Route("/", self._file),
            Route("/page/{name:path}", self._file),
            Route("/api/channels", self._channels),
            Route("/api/guide", self._guide),
            Route("/channels/{channel_id:int}.ts", self._stream),
        ]
        super().__init__(Starlette(routes=routes))

    def is_on_air(self, channel_id: int = 1) -> bool:
        """Whether anybody watches."""
        return self._viewers[channel_id] > 0

    def cut(self) -> None:
        """Ends the stream that is on, as a server that goes away does."""
        self._cut.set()

    def _status(self, channel_id: int, now_ms: int) -> ChannelStatus:
        viewers = self._viewers[channel_id]
        name, schedule = self._names[channel_id - 1], Hourly()
        now = schedule.at(now_ms)
        finding = StreamFinding("2.3a PCR_repetition_error", "soft", 2)
        status = on_air(now_ms - 90_000, findings=(finding,), late_ticks=3) if viewers else OFF
        return replace(status, channel_id=channel_id, name=name, viewers=viewers, now=now, next=schedule.at(now.end_ms))

    async def _file(self, request: Request) -> Response:
        file = page.files().get(request.path_params.get("name", "index.html"))
        if file is None:
            return Response(status_code=404)
        return Response(file.body, media_type=file.media_type, headers={**page.HEADERS, "etag": file.etag})

    async def _channels(self, request: Request) -> Response:
        self.queries.add(request.url.query)
        now_ms = int(time.time() * 1000)
        return JSONResponse(api.channels([self._status(number, now_ms) for number in self._viewers], now_ms))

    async def _guide(self, request: Request) -> Response:
        start_ms, end_ms = (int(request.query_params[name]) for name in ("from_ms", "to_ms"))
        return JSONResponse(api.guide([channel(number) for number in self._viewers], start_ms, end_ms))

    async def _stream(self, request: Request) -> Response:
        self.queries.add(request.url.query)
        return StreamingResponse(self._packets(request.path_params["channel_id"]), media_type="video/mp2t")

    async def _packets(self, channel_id: int) -> AsyncIterator[bytes]:
        data, bytes_per_s = self._recording.data, self._recording.rate_bps / 8
        began = time.monotonic() - 1  # as a viewer who joins: from an entry point that is a second old
        self._viewers[channel_id] += 1
        self.tune_ins += 1
        try:
            for at in range(0, len(data), _PIECE):
                await asyncio.sleep(began + at / bytes_per_s - time.monotonic())  # at the rate of a broadcast
                if self._cut.is_set():
                    self._cut.clear()
                    return
                yield data[at : at + _PIECE]
        finally:
            self._viewers[channel_id] -= 1
