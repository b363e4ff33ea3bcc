"""What a viewer sees over HTTP, with a stand-in for the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from air_py import AirError, EventKind, SinkConfig
from air_py.director import ProgramDirector, live_channel
from fakes import PACKET, FakeEngine, channel_of

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

    def __init__(self, app: ProgramDirector, path: str, method: str = "GET", hand_over: object = None) -> None:
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
            "path": path.partition("?")[0],
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": path.partition("?")[2].encode(),
            "headers": [],
            "extensions": {"air.hand_over": hand_over} if hand_over else {},
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


def director_of(engines: Any, *assets: str) -> ProgramDirector:
    """One channel for each asset, numbered from 1."""
    channels = [channel_of(asset, number) for number, asset in enumerate(assets or ("a",), start=1)]
    return ProgramDirector(channels, make_engine=engines)


@pytest.mark.parametrize("path", ["/channels/1.ts", "/channel/1.ts"])
async def test_a_viewer_gets_the_stream_and_its_leaving_takes_the_channel_off_the_air(path: str) -> None:
    """FO-3, FO-5, TD-1"""
    engines = Engines()
    viewer = Viewer(director_of(engines), path)
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
    viewer = Viewer(director_of(engines), "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    viewer.stop_reading()
    engines.made[0].write(PACKET)
    await viewer.leave()
    assert engines.made[0].stopped.is_set()


async def test_hanging_up_while_an_asset_hangs_ends_it() -> None:
    """TD-2, L-45"""
    engines = Engines(hanging="fifo")
    viewer = Viewer(director_of(engines, "fifo"), "/channels/1.ts")
    while not engines.made:
        await asyncio.sleep(0)
    await asyncio.to_thread(engines.made[0].wait_for_call, "load_preview", "fifo")
    await viewer.leave()
    assert engines.made[0].stopped.is_set()


async def test_hanging_up_at_once_leaves_nothing_on_air() -> None:
    """TD-1, TD-6: at whatever point of the start."""
    engines = Engines()
    app = director_of(engines)
    for turns in range(40):
        viewer = Viewer(app, "/channels/1.ts")
        for _ in range(turns):
            await asyncio.sleep(0)
        await viewer.leave()
        status = await app.status(1)
        assert status is not None and (status.viewers, status.state.value) == (0, "off")
    assert all(engine.stopped.is_set() for engine in engines.made)


async def test_every_tune_in_gets_a_fresh_engine() -> None:
    """FO-4, TD-7"""
    engines = Engines()
    app = director_of(engines)
    for _ in range(3):
        viewer = Viewer(app, "/channels/1.ts")
        await viewer.until(lambda v: bool(v.body))
        await viewer.leave()
    assert len(engines.made) == 3


async def test_viewers_share_one_engine_and_the_last_to_leave_stops_it() -> None:
    """FO-1, FO-3, TD-1"""
    engines = Engines()
    app = director_of(engines)
    first, second = Viewer(app, "/channels/1.ts"), Viewer(app, "/channel/1.ts")
    for viewer in (first, second):
        await viewer.until(lambda v: bool(v.body))
    status = await app.status(1)
    assert status is not None and status.viewers == 2 and status.stream is not None and status.stream.viewers == 2
    await first.leave()
    assert not engines.made[0].stopped.is_set()
    await second.leave()
    assert engines.made[0].stopped.is_set() and len(engines.made) == 1


async def test_channels_have_engines_of_their_own() -> None:
    engines = Engines()
    app = director_of(engines, "a", "b")
    viewers = [Viewer(app, f"/channels/{number}.ts") for number in (1, 2)]
    for viewer in viewers:
        await viewer.until(lambda v: bool(v.body))
    await viewers[0].leave()
    assert [status.viewers for status in await app.statuses()] == [0, 1]
    assert sorted(engine.stopped.is_set() for engine in engines.made) == [False, True]
    await viewers[1].leave()


async def test_an_engine_that_refuses_is_a_503_with_the_reason_and_the_next_viewer_gets_another_try() -> None:
    """FO-5"""
    engines = Engines(unplayable=("pattern:black",))
    app = director_of(engines)
    for tries in (1, 2):
        viewer = Viewer(app, "/channels/1.ts")
        await viewer.gone()
        assert viewer.status == 503 and b"pattern:black: not media" in viewer.body and "retry-after" in viewer.headers
        assert len(engines.made) == tries


@pytest.mark.parametrize("kind", [AirError, OSError, ValueError])
async def test_what_keeps_a_channel_off_the_air_is_a_503_with_the_reason(kind: type[Exception]) -> None:
    def make_engine(sink: SinkConfig) -> Any:
        raise kind("no luck")

    viewer = Viewer(director_of(make_engine), "/channels/1.ts")
    await viewer.gone()
    assert viewer.status == 503 and b"no luck" in viewer.body


async def test_stopping_the_app_ends_responses_and_lets_nobody_in() -> None:
    engines = Engines()
    app = director_of(engines)
    viewer = Viewer(app, "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    await app.stop()
    await viewer.gone()
    late = Viewer(app, "/channels/1.ts")
    await late.gone()
    assert late.status == 503 and len(engines.made) == 1


async def test_an_engine_that_does_not_answer_holds_up_neither_the_lists_nor_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TD-2, L-40"""
    monkeypatch.setattr(live_channel, "_ANSWER_S", 0.01)
    engines = Engines()
    app = director_of(engines, "a", "b")
    viewer = Viewer(app, "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    engines.made[0].silent = True
    for _ in range(3):
        watched, other = await asyncio.wait_for(app.statuses(), 5)
        assert (watched.engine, watched.viewers, watched.state.value) == (None, 1, "restarting")
        assert other.state.value == "off"
    await viewer.leave()
    assert engines.made[0].stopped.is_set()


async def test_a_stream_that_has_ended_is_nothing_for_the_next_viewer() -> None:
    """FO-4: also while somebody still holds on to the one before."""
    engines = Engines()
    app = director_of(engines)
    first = Viewer(app, "/channels/1.ts")
    await first.until(lambda v: bool(v.body))
    first.stop_reading()
    engines.made[0].breaks = RuntimeError("out of luck")
    engines.made[0].report(EventKind.LATE)
    await asyncio.to_thread(engines.made[0].wait_for_call, "stop_channel")
    while (status := await app.status(1)) is not None and status.stream is not None and status.stream.viewers:
        pass
    second = Viewer(app, "/channels/1.ts")
    await second.until(lambda v: bool(v.body))
    assert second.status == 200 and len(engines.made) == 2
    await second.leave()
    await first.leave()


async def test_a_connection_that_cannot_be_taken_over_is_a_503() -> None:
    class NoDescriptors:
        def take(self) -> int:
            raise OSError(24, "Too many open files")

    engines = Engines()
    viewer = Viewer(director_of(engines), "/channels/1.ts", hand_over=NoDescriptors())
    await viewer.gone()
    assert viewer.status == 503 and b"Too many open files" in viewer.body
    assert engines.made[0].stopped.is_set()


@pytest.mark.parametrize("path", ["/channels/1.ts", "/channel/1.ts"])
async def test_head_starts_nothing(path: str) -> None:
    engines = Engines()
    viewer = Viewer(director_of(engines), path, "HEAD")
    await viewer.gone()
    assert viewer.status == 200 and viewer.headers["content-type"] == "video/mp2t" and viewer.body == b""
    assert engines.made == []


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/channels/2.ts", "GET", 404),
        ("/channels/x.ts", "GET", 404),
        (f"/channels/{'9' * 5000}.ts", "GET", 404),
        (f"/api/channels/{'9' * 5000}", "GET", 404),
        ("/nothing", "GET", 404),
        ("/channels/../../etc/passwd", "GET", 404),
        ("/api/channels/2", "GET", 404),
        ("/api/guide?from_ms=x", "GET", 400),
        ("/channels/1.ts", "POST", 405),
    ],
)
async def test_what_is_not_there_is_not_found(path: str, method: str, status: int) -> None:
    viewer = Viewer(director_of(Engines()), path, method)
    await viewer.gone()
    assert viewer.status == status


async def test_channels_are_listed() -> None:
    """FO-5"""
    app = director_of(Engines(), "a", "b")
    viewer = Viewer(app, "/channels")
    await viewer.gone()
    assert json.loads(viewer.body)[1] == {"id": 2, "name": "channel 2", "url": "/channels/2.ts"}


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/", "text/html"),
        ("/channels.m3u", "audio/x-mpegurl"),
        ("/xmltv.xml", "application/xml"),
        ("/discover.json", "application/json"),
        ("/lineup.json", "application/json"),
        ("/lineup_status.json", "application/json"),
        ("/device.xml", "application/xml"),
        ("/api/channels", "application/json"),
        ("/api/channels/1", "application/json"),
        ("/api/guide", "application/json"),
        ("/metrics", "text/plain"),
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
    ],
)
async def test_what_is_to_be_read_starts_no_channel(path: str, kind: str) -> None:
    """TD-1"""
    engines = Engines()
    page = Viewer(director_of(engines, "a", "b"), path)
    await page.gone()
    assert page.status == 200 and page.headers["content-type"].startswith(kind) and page.body
    assert engines.made == []


async def test_counters_go_on_counting_over_engines() -> None:
    """TM-2"""
    app = director_of(Engines())
    for tune_ins in (1, 2):
        viewer = Viewer(app, "/channels/1.ts")
        await viewer.until(lambda v: bool(v.body))
        await viewer.leave()
        page = Viewer(app, "/metrics")
        await page.gone()
        assert f'air_tune_ins_total{{channel="1"}} {tune_ins}' in page.body.decode()
        assert f'air_stream_bytes_total{{channel="1"}} {tune_ins * 7 * 188}' in page.body.decode()


async def test_reloading_adds_withdraws_and_changes_channels_and_cuts_nobody_off() -> None:
    engines = Engines()
    app = director_of(engines, "a", "b")
    viewers = [Viewer(app, f"/channels/{number}.ts") for number in (1, 2)]
    for viewer in viewers:
        await viewer.until(lambda v: bool(v.body))
    app.reload([channel_of("z", 1), channel_of("c", 3)])
    assert [channel.channel_id for channel in app.channels] == [1, 3]
    assert not any(engine.stopped.is_set() for engine in engines.made)
    withdrawn = Viewer(app, "/channels/2.ts")
    await withdrawn.gone()
    assert withdrawn.status == 404
    for viewer in viewers:
        await viewer.leave()
    assert all(engine.stopped.is_set() for engine in engines.made)


async def test_a_channel_withdrawn_while_watched_ends_with_the_director() -> None:
    engines = Engines()
    app = director_of(engines)
    viewer = Viewer(app, "/channels/1.ts")
    await viewer.until(lambda v: bool(v.body))
    app.reload([])
    await app.stop()
    await viewer.gone()
    assert engines.made[0].stopped.is_set()


def test_two_channels_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two channels have the id 1"):
        ProgramDirector([channel_of("a"), channel_of("b")])
