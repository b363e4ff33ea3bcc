"""What is to be read of the channels: lists for players, the guide, figures, and the page for people.

Requests in, the package's functions, text out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .. import api, guide, lineup, metrics, page
from ..channel_status import ChannelState
from .programme import utc_now_ms

if TYPE_CHECKING:
    from .director import ProgramDirector

__all__ = ["Pages", "channel_id_of"]

_LONGEST_ID = 10
"""Digits of an ``int32``."""

_HOUR_MS = 3_600_000
_GUIDE_BEHIND_MS = 2 * _HOUR_MS
_GUIDE_AHEAD_MS = 24 * _HOUR_MS
_LONGEST_GUIDE_MS = 14 * 24 * _HOUR_MS


class Pages:
    """The routes of a director that start no channel.

    :param director: whose channels are shown.
    """

    def __init__(self, director: ProgramDirector) -> None:
        self._director = director
        self._files = page.files()

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route("/channels", self._channels),
            Route("/channels.m3u", self._m3u),
            Route("/xmltv.xml", self._xmltv),
            Route("/discover.json", self._discover),
            Route("/lineup.json", self._lineup),
            Route("/lineup_status.json", self._lineup_status),
            Route("/lineup.post", self._scan, methods=["POST"]),
            Route("/device.xml", self._device),
            Route("/api/channels", self._statuses),
            Route("/api/channels/{channel_id}", self._status),
            Route("/api/guide", self._guide),
            Route("/metrics", self._metrics),
            Route("/healthz", self._health),
            Route("/readyz", self._ready),
            Route("/", self._file),
            Route("/page/{name:path}", self._file),
        ]

    async def _channels(self, request: Request) -> Response:
        offered = self._director.channels
        return _json([{"id": c.channel_id, "name": c.name, "url": lineup.stream_path(c.channel_id)} for c in offered])

    async def _m3u(self, request: Request) -> Response:
        text = lineup.m3u(self._director.channels, _base_url(request), token=_token(request))
        return Response(text, media_type="audio/x-mpegurl", headers=_FRESH)

    async def _xmltv(self, request: Request) -> Response:
        start_ms, end_ms = _window(request)
        text = await asyncio.to_thread(guide.xmltv, self._director.channels, start_ms, end_ms, _base_url(request))
        return Response(text, media_type="application/xml", headers=_FRESH)

    async def _discover(self, request: Request) -> Response:
        return _json(lineup.discover(_base_url(request), self._device_id(), token=_token(request)))

    async def _lineup(self, request: Request) -> Response:
        return _json(lineup.lineup(self._director.channels, _base_url(request), token=_token(request)))

    async def _lineup_status(self, request: Request) -> Response:
        return _json(lineup.lineup_status())

    async def _scan(self, request: Request) -> Response:
        """A media server has the tuner look for channels, which are known already."""
        return Response()

    async def _device(self, request: Request) -> Response:
        return Response(lineup.device_xml(_base_url(request), self._device_id()), media_type="application/xml")

    async def _statuses(self, request: Request) -> Response:
        return _json(api.channels(await self._director.statuses(), utc_now_ms()))

    async def _status(self, request: Request) -> Response:
        channel_id = channel_id_of(request.path_params)
        status = None if channel_id is None else await self._director.status(channel_id)
        if status is None:
            raise HTTPException(404, "there is no such channel")
        return _json(api.channel(status))

    async def _guide(self, request: Request) -> Response:
        start_ms, end_ms = _window(request)
        return _json(await asyncio.to_thread(api.guide, self._director.channels, start_ms, end_ms))

    async def _metrics(self, request: Request) -> Response:
        text = metrics.text(await self._director.statuses(), self._director.totals, utc_now_ms())
        return Response(text, media_type=metrics.CONTENT_TYPE)

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        """Whether viewers get what they come for: no channel that is watched is without its engine."""
        waiting = [s.channel_id for s in await self._director.statuses() if s.state is ChannelState.RESTARTING]
        return _json({"ready": not waiting, "without_engine": waiting}, 503 if waiting else 200)

    async def _file(self, request: Request) -> Response:
        file = self._files.get(request.path_params.get("name", "index.html"))
        if file is None:
            raise HTTPException(404, "there is no such file")
        headers = {**page.HEADERS, "etag": file.etag}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)

    def _device_id(self) -> str:
        return lineup.device_id(self._director.identity)


_FRESH = {"cache-control": "no-cache"}


def channel_id_of(path_params: Mapping[str, str]) -> int | None:
    """The channel of a path; ``None`` when it can be none's. (Starlette's own numbers fail on thousands of digits.)"""
    text = path_params["channel_id"]
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID else None


def _json(value: Any, status: int = 200) -> Response:
    return JSONResponse(value, status, headers=_FRESH)


def _base_url(request: Request) -> str:
    # Starlette's own stops short of where the director is mounted.
    return str(request.base_url.replace(path=request.scope.get("root_path", ""))).rstrip("/")


def _token(request: Request) -> str | None:
    """What the client has in its URL, to be carried on by the URLs it gets, since players send no headers."""
    return request.query_params.get("token")


def _window(request: Request) -> tuple[int, int]:
    now_ms = utc_now_ms()
    start_ms = _query_ms(request, "from_ms", now_ms - _GUIDE_BEHIND_MS)
    end_ms = _query_ms(request, "to_ms", start_ms + _GUIDE_BEHIND_MS + _GUIDE_AHEAD_MS)
    if not start_ms < end_ms <= start_ms + _LONGEST_GUIDE_MS:
        raise HTTPException(400, f"to_ms has to be later than from_ms, by no more than {_LONGEST_GUIDE_MS}")
    return start_ms, end_ms


def _query_ms(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise HTTPException(400, f"{name} has to be UTC milliseconds")
    return int(text)
