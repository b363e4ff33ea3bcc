"""What a viewer sees over HTTP, with a stand-in for the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from air_py import AirError, SinkConfig
from air_py import serve as serve_module
from air_py.runtime import Channel
from air_py.serve import ChannelApp
from fakes import PACKET, FakeEngine

pytestmark = pytest.mark.usefixtures("no_leak")


class Engines:
    """Makes engines and keeps them for the test to look at."""

    def __init__(self, **behaviour: Any) -> None:
        self.made: list[FakeEngine] = []
        self._behaviour = behaviour

    def __call__(self, sink: SinkConfig) -> Any:
        self.made.append(FakeEngine(sink, **self._behaviour))
        return self.made[-1]


class Viewer:
    """One HTTP request, seen from the client: what came, and hanging up."""

    def __init__(self, app: ChannelApp, path: str, method: str = "GET") -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self._came = asyncio.Condition()
        self._left = asyncio.Event()
        self._blocked = False
        self._asked = False
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [],
        }
        self.response = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self._blocked:
            await asyncio.Event().wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
        async with self._came:
            self._came.notify_all()

    def stop_reading(self) -> None:
        self._blocked = True

    async def until(self, condition: Callable[[Viewer], bool]) -> None:
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: condition(self)), 5)

    async def leave(self) -> None:
        self._left.set()
        await self.gone()

    async def gone(self) -> None:
        await asyncio.wait_for(self.response, 5)


def channel_app(engines: Engines, *media: str) -> ChannelApp:
    return ChannelApp([Channel(1, media or ("a",))], make_engine=engines)


@pytest.mark.parametrize("path", ["/channels/1.ts", "/channel/1.ts"])
async def test_a_viewer_gets_the_stream_and_its_leaving_takes_the_channel_off_the_air(path: str) -> None:
    """FO-3, FO-5, TD-1"""
    engines = Engines()
    viewer = Viewer(channel_app(engines), path)
    await viewer.until(lambda v: v.body == PACKET * 7)
    assert viewer.status == 200
    assert viewer.headers["content-type"] == "video/mp2t"
    assert "no-store" in viewer.headers["cache-control"]
    assert "content-length" not in viewer.headers
    await viewer.leave()
    assert engines.made[0].calls[-1] == ("stop_channel",)


async def test_hanging_up_is_seen_while_no_byte_flows_and_while_one_is_stuck() -> None:
    """TD-2"""
    engines = Engines()
    viewer = Viewer(channel_app(engines), "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    viewer.stop_reading()
    engines.made[0].write(PACKET)
    await viewer.leave()
    assert engines.made[0].stopped.is_set()


async def test_hanging_up_while_the_channel_is_still_starting_ends_the_start() -> None:
    engines = Engines(hanging="fifo")
    viewer = Viewer(channel_app(engines, "fifo"), "/channels/1.ts")
    while not engines.made:
        await asyncio.sleep(0)
    await asyncio.to_thread(engines.made[0].wait_for_call, "load_preview", "fifo")
    await viewer.leave()
    assert engines.made[0].stopped.is_set() and viewer.status in (0, 503)


async def test_every_tune_in_gets_a_fresh_engine() -> None:
    """FO-4, TD-7"""
    engines = Engines()
    app = channel_app(engines)
    for _ in range(3):
        viewer = Viewer(app, "/channels/1.ts")
        await viewer.until(lambda v: bool(v.body))
        await viewer.leave()
    assert len(engines.made) == 3


async def test_a_second_viewer_is_asked_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_module, "SLOT_WAIT_S", 0.01)
    app = channel_app(Engines())
    first = Viewer(app, "/channels/1.ts")
    await first.until(lambda v: bool(v.body))
    second = Viewer(app, "/channels/1.ts")
    await second.gone()
    assert second.status == 503 and "retry-after" in second.headers
    assert b"another viewer" in second.body
    await first.leave()


async def test_a_viewer_who_comes_as_another_goes_gets_in() -> None:
    engines = Engines()
    app = channel_app(engines)
    first = Viewer(app, "/channels/1.ts")
    await first.until(lambda v: bool(v.body))
    second = Viewer(app, "/channels/1.ts")
    await first.leave()
    await second.until(lambda v: bool(v.body))
    assert second.status == 200
    await second.leave()


async def test_media_that_cannot_be_played_is_a_503_with_the_reason() -> None:
    """FO-5"""
    viewer = Viewer(channel_app(Engines(unplayable=("a",))), "/channels/1.ts")
    await viewer.gone()
    assert viewer.status == 503 and b"none of the channel's media" in viewer.body


@pytest.mark.parametrize("reason", [AirError("no memory"), OSError("no descriptors"), ValueError("no such preset")])
async def test_what_keeps_a_channel_off_the_air_is_a_503_with_the_reason(reason: Exception) -> None:
    def make_engine(sink: SinkConfig) -> Any:
        raise reason

    viewer = Viewer(ChannelApp([Channel(1, ("a",))], make_engine=make_engine), "/channels/1.ts")
    await viewer.gone()
    assert viewer.status == 503 and str(reason).encode() in viewer.body


async def test_a_name_that_is_not_unicode_is_skipped_and_listed() -> None:
    name = "bad\udcff.mp4"
    app = channel_app(Engines(raises=UnicodeEncodeError("utf-8", name, 3, 4, "surrogates not allowed")), name)
    viewer = Viewer(app, "/channels/1.ts")
    await viewer.gone()
    assert viewer.status == 503 and b"none of the channel's media" in viewer.body
    listing = Viewer(app, "/channels")
    await listing.gone()
    assert json.loads(listing.body)[0]["media"] == ["bad?.mp4"]


async def test_the_response_ends_when_the_engine_does() -> None:
    engines = Engines()
    viewer = Viewer(channel_app(engines), "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    engines.made[0].stream.close()  # type: ignore[union-attr]
    await viewer.gone()
    assert viewer.body == PACKET * 7


async def test_stopping_the_app_ends_responses_and_lets_nobody_in() -> None:
    engines = Engines()
    app = channel_app(engines)
    viewer = Viewer(app, "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    await app.stop()
    await viewer.gone()
    late = Viewer(app, "/channels/1.ts")
    await late.gone()
    assert late.status == 503 and len(engines.made) == 1


@pytest.mark.parametrize("path", ["/channels/1.ts", "/channel/1.ts"])
async def test_head_starts_nothing(path: str) -> None:
    engines = Engines()
    viewer = Viewer(channel_app(engines), path, "HEAD")
    await viewer.gone()
    assert viewer.status == 200 and viewer.headers["content-type"] == "video/mp2t" and viewer.body == b""
    assert engines.made == []


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/channels/2.ts", "GET", 404),
        ("/channels/x.ts", "GET", 404),
        ("/", "GET", 404),
        ("/channels/1.ts", "POST", 405),
    ],
)
async def test_what_is_not_there_is_not_found(path: str, method: str, status: int) -> None:
    viewer = Viewer(channel_app(Engines()), path, method)
    await viewer.gone()
    assert viewer.status == status


async def test_channels_are_listed() -> None:
    """FO-5"""
    app = channel_app(Engines(), "a", "b")
    viewer = Viewer(app, "/channels")
    await viewer.gone()
    assert json.loads(viewer.body) == [
        {"id": 1, "url": "/channels/1.ts", "format": "1280x720@30000/1001", "media": ["a", "b"], "on_air": False}
    ]
    health = Viewer(app, "/healthz")
    await health.gone()
    assert health.status == 200
