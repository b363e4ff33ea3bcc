"""One channel's life between tune-in and tear-down, and its playlist."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from air_py import EventKind
from air_py.as_run import AsRunLog
from air_py.runtime import Channel, ChannelUnavailable, Runtime
from fakes import PACKET, FakeEngine, as_run

pytestmark = pytest.mark.usefixtures("no_leak")


@contextmanager
def on_air(engine: FakeEngine, *media: str, loop: bool = True, as_run: AsRunLog | None = None) -> Iterator[Runtime]:
    runtime = Runtime(Channel(1, media, loop=loop, as_run=as_run), lambda sink: engine)  # type: ignore[arg-type, return-value]
    try:
        runtime.start()
        yield runtime
    finally:
        runtime.stop()
        runtime.reader.close()


def test_the_stream_is_attached_before_anything_is_cued() -> None:
    engine = FakeEngine()
    with on_air(engine, "pattern:bars") as runtime:
        assert engine.calls == [
            ("start_channel",),
            ("attach_stream",),
            ("load_preview", "pattern:bars"),
            ("switch_to_live",),
        ]
        assert next(runtime.reader) == PACKET * 7


def test_stopping_ends_the_stream() -> None:
    """TR-9"""
    with on_air(FakeEngine(), "a") as runtime:
        runtime.stop()
        assert b"".join(runtime.reader) == PACKET * 7


def test_the_next_asset_is_cued_at_once_and_taken_when_the_live_one_is_out() -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b"):
        engine.wait_for_call("load_preview", "b")
        engine.complete()
        engine.wait_for_call("load_preview", "a", count=2)
        engine.complete()
        engine.wait_for_call("load_preview", "b", count=2)
    assert engine.calls.count(("switch_to_live",)) == 3


def test_the_next_asset_is_taken_at_the_very_end_of_the_live_one() -> None:
    """PAINS 2: told where the live one ends, a playlist leaves no gap."""
    engine = FakeEngine()
    with on_air(engine, "a", "b"):
        engine.wait_for_call("load_preview", "b")
        engine.exhaust(1234)
        engine.wait_for_call("switch_to_live", 1234)
        engine.take()
        engine.wait_for_call("load_preview", "a", count=2)
    assert engine.calls.count(("switch_to_live",)) == 1, "the first"


def test_what_was_on_air_is_recorded_to_the_last(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine, path = FakeEngine(), tmp_path / "as-run.jsonl"
    with AsRunLog(path) as log, on_air(engine, "a", "b", as_run=log):
        engine.report(EventKind.AS_RUN, record=as_run("a"))
        engine.wait_until_answered(2)
        engine.on_air_at_the_stop = "b"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(record["channel_id"], record["asset"]) for record in records] == [(1, "a"), (1, "b")]
    with AsRunLog("/dev/full") as log, on_air(FakeEngine(), "a", as_run=log) as runtime:
        assert next(runtime.reader) == PACKET * 7
        assert isinstance(runtime._engine, FakeEngine)
        runtime._engine.report(EventKind.AS_RUN, asset="a", record=as_run("a"))
        runtime._engine.wait_until_answered(2)
        assert "the as-run record of a is lost" in caplog.text


def test_without_loop_the_last_asset_is_followed_by_black() -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b", loop=False):
        engine.wait_for_call("load_preview", "b")
        engine.complete()
        engine.wait_for_call("switch_to_live", count=2)
        engine.complete()
        engine.wait_until_answered(4)
    assert engine.calls.count(("switch_to_live",)) == 2
    assert engine.calls.count(("load_preview", "a")) == 1


def test_unplayable_media_is_skipped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine(unplayable=("broken",))
    with on_air(engine, "broken", "a"):
        engine.wait_for_call("load_preview", "a", count=2)
    assert "skipped broken: broken: not media" in caplog.text


def test_nothing_playable_is_unavailable() -> None:
    engine = FakeEngine(unplayable=("x", "y"))
    with pytest.raises(ChannelUnavailable, match="none of the channel's media"), on_air(engine, "x", "y"):
        pass
    assert ("switch_to_live",) not in engine.calls


def test_a_cue_that_fails_later_gives_way_to_the_next() -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b", "c"):
        engine.wait_for_call("load_preview", "b")
        engine.fail_cue()
        engine.wait_for_call("load_preview", "c")
        engine.wait_until_answered(2)
        assert engine.calls.count(("switch_to_live",)) == 1


def test_news_of_a_cue_that_was_replaced_meanwhile_changes_nothing() -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b", "c"):
        engine.wait_for_call("load_preview", "b")
        engine.report(EventKind.CUE_FAILED)
        engine.wait_until_answered(2)
    assert ("load_preview", "c") not in engine.calls


def test_an_armed_asset_that_fails_gives_way_to_one_that_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine(slow="b")
    with on_air(engine, "a", "b", "c"):
        engine.wait_for_call("load_preview", "b")
        engine.complete()
        engine.wait_for_call("switch_to_live", count=2)
        engine.fail_cue()
        engine.wait_for_call("switch_to_live", count=3)
        engine.wait_for_call("load_preview", "a", count=2)
    assert "skipped b" in caplog.text


def test_an_armed_asset_is_left_to_be_taken_by_itself() -> None:
    engine = FakeEngine(slow="b")
    with on_air(engine, "a", "b", "c"):
        engine.wait_for_call("load_preview", "b")
        engine.complete()
        engine.wait_for_call("switch_to_live", count=2)
        engine.pass_time()
        engine.wait_until_answered(3)
        assert ("load_preview", "c") not in engine.calls
        engine.take()
        engine.wait_for_call("load_preview", "c")
    assert engine.calls.count(("switch_to_live",)) == 2


def test_a_loop_whose_media_is_gone_for_a_while_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b"):
        engine.wait_for_call("load_preview", "b")
        engine.unplayable = ("a", "b")
        engine.fail_cue()
        engine.complete()
        for _ in range(3):
            engine.pass_time()
        engine.wait_until_answered(6)
        engine.unplayable = ()
        engine.pass_time()
        engine.wait_for_call("switch_to_live", count=2)
    assert caplog.text.count("skipped a: a: not media") == 1, "said once, not at every attempt"


def test_media_that_opens_but_never_shows_anything_is_not_tried_in_a_tight_loop() -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b"):
        engine.wait_for_call("load_preview", "b")
        for answered in range(2, 10):
            engine.fail_cue()
            engine.wait_until_answered(answered)
        assert len([call for call in engine.calls if call[0] == "load_preview"]) <= 2 + 2
        engine.pass_time()
        engine.wait_until_answered(10)
        assert len([call for call in engine.calls if call[0] == "load_preview"]) > 2 + 1


def test_a_playlist_that_breaks_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine()
    with on_air(engine, "a", "b") as runtime:
        engine.wait_for_call("load_preview", "b")
        engine.raises = RuntimeError("out of luck")
        engine.complete()
        engine.wait_for_call("stop_channel")
        assert b"".join(runtime.reader) == PACKET * 14
    assert "the playlist failed" in caplog.text and "out of luck" in caplog.text


def test_stopping_breaks_off_a_start_that_hangs() -> None:
    """L-45"""
    engine = FakeEngine(hanging="fifo")
    runtime = Runtime(Channel(1, ("fifo", "a")), lambda sink: engine)  # type: ignore[arg-type, return-value]
    outcome: list[BaseException] = []

    def start() -> None:
        try:
            runtime.start()
        except ChannelUnavailable as error:
            outcome.append(error)

    starting = threading.Thread(target=start)
    starting.start()
    engine.wait_for_call("load_preview", "fifo")
    runtime.stop()
    starting.join(5)
    runtime.reader.close()
    assert len(outcome) == 1
    assert engine.calls[-1] == ("stop_channel",)


def test_a_runtime_stopped_before_its_start_never_starts() -> None:
    engine = FakeEngine()
    runtime = Runtime(Channel(1, ("a",)), lambda sink: engine)  # type: ignore[arg-type, return-value]
    runtime.stop()
    with pytest.raises(ChannelUnavailable):
        runtime.start()
    runtime.reader.close()
    assert ("start_channel",) not in engine.calls
