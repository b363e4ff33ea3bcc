"""A channel on air, from its first viewer to its last, whatever becomes of its engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from air_py import EventKind, Reply, ResultCode, SwitchToLiveReply
from air_py.as_run import AsRunLog
from air_py.director import runtime as runtime_module
from air_py.director.leads import Leads
from air_py.director.programme import BLACK, ChannelUnavailable
from air_py.director.runtime import Runtime
from air_py.isolated import EngineLost
from fakes import PACKET, Always, FakeEngine, as_run, channel_of

pytestmark = pytest.mark.usefixtures("no_leak")


class Engines:
    """Hands out engines in order, and keeps those it has handed out."""

    def __init__(self, *engines: FakeEngine) -> None:
        self.made: list[FakeEngine] = []
        self._changed = threading.Condition()
        self._engines = list(engines)

    def __call__(self, sink: object) -> Any:
        with self._changed:
            self.made.append(self._engines.pop(0))
            self._changed.notify_all()
            return self.made[-1]

    def wait_for(self, count: int) -> FakeEngine:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.made) >= count, 5)
            return self.made[count - 1]


@contextmanager
def on_air(
    *engines: FakeEngine, asset: str = "a", length_ms: int = 3_600_000, log: AsRunLog | None = None
) -> Iterator[tuple[Runtime, Engines]]:
    made = Engines(*engines)
    runtime = Runtime(channel_of(asset, length_ms=length_ms), made, Leads(), as_run=log)
    try:
        runtime.start()
        yield runtime, made
    finally:
        runtime.stop()


def switches(engine: FakeEngine) -> list[tuple[Any, ...]]:
    return [call for call in engine.calls if call[0] == "switch_to_live"]


def until(condition: Callable[[FakeEngine], bool], engine: FakeEngine) -> None:
    with engine.changed:
        assert engine.changed.wait_for(lambda: condition(engine), 5), engine.calls


def test_the_channel_is_on_air_in_black_before_its_first_asset_is_opened() -> None:
    engine = FakeEngine()
    with on_air(engine) as (runtime, _), closing(runtime.fanout.viewer()) as viewer:
        assert engine.calls[:4] == [
            ("start_channel",),
            ("attach_stream",),
            ("load_preview", BLACK),
            ("switch_to_live",),
        ]
        assert next(iter(viewer)) == PACKET * 7
        until(lambda engine: len(switches(engine)) == 2, engine)
        assert ("load_preview", "a") in engine.calls


def test_stopping_ends_the_stream_and_leaves_nothing() -> None:
    """TR-9, TD-3."""
    with on_air(FakeEngine()) as (runtime, _):
        viewer = iter(runtime.fanout.viewer())
        assert next(viewer) == PACKET * 7
        runtime.stop()
        assert next(viewer, None) is None
        assert not Path(runtime.fanout.endpoint).exists()
        runtime.stop()


def test_an_engine_that_refuses_keeps_the_channel_off_the_air_with_its_reason() -> None:
    """FO-5."""
    engine = FakeEngine(unplayable=(BLACK,))
    with pytest.raises(ChannelUnavailable, match="pattern:black: not media"), on_air(engine):
        pass
    assert engine.calls[-1] == ("stop_channel",)


def test_what_was_on_air_is_recorded_to_the_last(tmp_path: Path) -> None:
    engine, path = FakeEngine(), tmp_path / "as-run.jsonl"
    with AsRunLog(path) as log, on_air(engine, log=log):
        engine.report(EventKind.AS_RUN, record=as_run("a"))
        engine.on_air_at_the_stop = "b"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(record["channel_id"], record["asset"]) for record in records] == [(1, "a"), (1, "b")]


def test_a_record_that_cannot_be_written_is_no_reason_to_go_off_the_air(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine()
    with AsRunLog("/dev/full") as log, on_air(engine, log=log):
        asked = engine.events_asked
        engine.report(EventKind.AS_RUN, asset="a", record=as_run("a"))
        engine.wait_until_answered(asked + 1)
        assert "the as-run record of a is lost" in caplog.text
        assert not engine.stopped.is_set()


def test_a_switch_that_is_refused_gives_its_asset_up_and_black_that_is_refused_is_not_asked_for_on_end() -> None:
    """PAINS 35."""
    engine = FakeEngine()
    engine.switches = False
    with on_air(engine):
        engine.wait_for_call("load_preview", BLACK, count=2)
    assert engine.calls.count(("load_preview", "a")) == 1
    assert engine.calls.count(("load_preview", BLACK)) <= 3


def test_the_failure_of_an_asset_that_is_not_armed_any_more_concerns_no_other() -> None:
    engine = FakeEngine()
    with on_air(engine):
        until(lambda engine: len(switches(engine)) == 2, engine)
        asked = engine.events_asked
        engine.report(EventKind.CUE_FAILED)
        engine.wait_until_answered(asked)
        assert len(switches(engine)) == 2


def test_what_a_busy_engine_takes_a_little_later_is_not_given_up(caplog: pytest.LogCaptureFixture) -> None:
    class Busy(FakeEngine):
        def switch_to_live(self, channel_id: int, *, target_boundary_time_ms: int = 0) -> SwitchToLiveReply:
            reply = super().switch_to_live(channel_id, target_boundary_time_ms=target_boundary_time_ms)
            return replace(reply, success=False, result_code=ResultCode.NOT_READY)

    engine = Busy()
    with on_air(engine):
        until(lambda engine: len(switches(engine)) == 2, engine)
        asked = engine.events_asked
        engine.report(EventKind.LATE)
        engine.wait_until_answered(asked + 1)
        assert len(switches(engine)) == 2 and "filler" not in caplog.text


def test_stopping_breaks_off_an_asset_that_hangs_while_it_is_opened() -> None:
    """L-45, TD-2."""
    engine = FakeEngine(hanging="fifo")
    with on_air(engine, asset="fifo") as (runtime, _):
        engine.wait_for_call("load_preview", "fifo")
        runtime.stop()
        assert engine.calls[-1] == ("stop_channel",)


def test_a_runtime_stopped_before_its_start_never_starts() -> None:
    engines = Engines(FakeEngine())
    runtime = Runtime(channel_of("a"), engines, Leads())
    runtime.stop()
    with pytest.raises(ChannelUnavailable):
        runtime.start()
    assert engines.made == []


def test_a_programme_that_breaks_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine()
    with on_air(engine) as (runtime, _):
        engine.breaks = RuntimeError("out of luck")
        engine.report(EventKind.LATE)
        engine.wait_for_call("stop_channel")
        assert until_closed(runtime)
    assert "the programme failed" in caplog.text and "out of luck" in caplog.text
    assert engine.closed


@pytest.mark.parametrize("trouble", [OSError("no luck"), ChannelUnavailable("no luck")])
def test_why_a_stream_ends_is_told_in_the_log(caplog: pytest.LogCaptureFixture, trouble: Exception) -> None:
    """Once the stream has begun there is nobody else to tell."""
    engine = FakeEngine()
    with on_air(engine) as (runtime, _):
        engine.breaks = trouble
        engine.report(EventKind.LATE)
        engine.wait_for_call("stop_channel")
        assert until_closed(runtime)
    assert "channel 1 stops" in caplog.text and "no luck" in caplog.text and "Traceback" not in caplog.text


def test_a_stream_that_the_engine_has_lost_ends_for_its_viewers(caplog: pytest.LogCaptureFixture) -> None:
    """They come again, and get another; nothing would come on this one."""
    engine = FakeEngine()
    with on_air(engine) as (runtime, _):
        engine.report(EventKind.SINK_LOST)
        assert until_closed(runtime) and engine.stopped.is_set()
    assert "sink_lost" in caplog.text


def until_closed(runtime: Runtime) -> bool:
    """Whether viewers come to the end of the stream."""
    try:
        with closing(runtime.fanout.viewer()) as viewer:
            return len(b"".join(viewer)) % 188 == 0
    except BrokenPipeError:
        return True


def test_a_lost_engine_is_replaced_and_viewers_stay() -> None:
    """L-41, TD-4."""
    first, second = FakeEngine(), FakeEngine()
    with on_air(first, second) as (runtime, made), closing(runtime.fanout.viewer()) as viewer:
        stream = iter(viewer)
        assert next(stream) == PACKET * 7
        first.lose()
        made.wait_for(2)
        assert len(next(stream)) == 188 * 7
        assert runtime.restarts == 1


def test_an_engine_lost_again_and_again_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """L-41: five tries, then viewers get a clean end."""
    monkeypatch.setattr(runtime_module, "_RESTART_AFTER_S", (0.0,) * 5)
    engines = [FakeEngine() for _ in range(7)]
    with on_air(*engines) as (runtime, made):
        viewer = runtime.fanout.viewer()
        for count in range(1, 7):
            engine = made.wait_for(count)
            engine.wait_for_call("switch_to_live")
            engine.lose()
        assert len(b"".join(viewer)) % 188 == 0
    assert len(made.made) == 6 and runtime.restarts == 6


def test_an_engine_lost_as_the_last_viewer_leaves_is_not_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """TD-4."""

    class LostAtItsStop(FakeEngine):
        def stop_channel(self, channel_id: int) -> Reply:
            self.lose()
            raise EngineLost("killed")

    first = LostAtItsStop()
    with on_air(first, FakeEngine()) as (runtime, made):
        runtime.stop()
    assert made.made == [first] and runtime.restarts == 0 and "lost" not in caplog.text


def test_another_schedule_counts_from_the_next_cue_on() -> None:
    engine = FakeEngine()
    with on_air(engine, length_ms=1000) as (runtime, _):
        until(lambda engine: len(switches(engine)) == 2, engine)
        runtime.follow(replace(channel_of("b"), schedule=Always("b", 1000)))
        assert ("load_preview", "b") not in engine.calls, "a is armed"
        engine.take()
        engine.wait_for_call("load_preview", "b")
