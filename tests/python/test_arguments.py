"""L-51: what cannot be meant is refused by name, before anything has happened."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest

from air_py import Engine, ProgramFormat, ResultCode, Segment, SinkConfig, render
from air_py.integers import int32, int64


@pytest.mark.parametrize("value, number", [(0, 0), (-(2**31), -(2**31)), (2**31 - 1, 2**31 - 1), (3.0, 3), (True, 1)])
def test_whole_numbers_pass(value: float, number: int) -> None:
    result = int32("channel_id", value)
    assert result == number and type(result) is int


@pytest.mark.parametrize("value", [0.5, math.nan, math.inf, -math.inf, 2**63, -(2**63) - 1, 1e300])
def test_fractions_and_numbers_out_of_range_are_named_value_errors(value: float) -> None:
    with pytest.raises(ValueError, match="start_offset_ms"):
        int64("start_offset_ms", value)


@pytest.mark.parametrize("value", ["1", None, Fraction(1), b"1", [1]])
def test_what_is_no_number_is_a_named_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="channel_id"):
        int32("channel_id", value)  # type: ignore[arg-type]


def test_a_bad_argument_reaches_no_engine() -> None:
    with Engine() as engine:
        for channel_id in (0.5, 2**31, math.nan):
            with pytest.raises(ValueError):
                engine.start_channel(channel_id, program_format=ProgramFormat(640, 360))  # type: ignore[arg-type]
        assert engine.status() is None


def test_a_fractional_offset_leaves_the_preview_empty() -> None:
    with Engine() as engine:
        assert engine.start_channel(1, program_format=ProgramFormat(640, 360))
        with pytest.raises(ValueError, match="start_offset_ms"):
            engine.load_preview(1, asset_path="pattern:bars", start_offset_ms=0.5)  # type: ignore[arg-type]
        status = engine.status()
        assert status is not None and status.preview == "empty"


def test_sink_numbers_are_checked() -> None:
    for settings in ({"video_bitrate": -1}, {"gop_frames": 2**32}, {"mux_rate": 0.5}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            SinkConfig(**settings)
    assert SinkConfig(threads=2.0).threads == 2  # type: ignore[arg-type]


def test_segment_times_are_checked() -> None:
    for duration_ms in (-1, 0, 0.5):
        with pytest.raises(ValueError, match="duration_ms"):
            Segment("pattern:bars", duration_ms=duration_ms)  # type: ignore[arg-type]


def test_an_empty_plan_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        render([], tmp_path / "out.ts", format=ProgramFormat(640, 360))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("timeout", [-1, -0.001, math.inf, math.nan, 1e300])
def test_a_wait_that_cannot_be_is_a_named_value_error(timeout: float) -> None:
    with Engine() as engine, pytest.raises(ValueError, match="timeout"):
        engine.next_event(timeout)


def test_a_wait_that_is_no_number_is_a_named_type_error() -> None:
    with Engine() as engine, pytest.raises(TypeError, match="timeout"):
        engine.next_event("1")  # type: ignore[arg-type]


def test_a_path_object_is_a_path() -> None:
    """CS-10"""
    with Engine() as engine:
        engine.start_channel(1, program_format=ProgramFormat(640, 360))
        reply = engine.load_preview(1, asset_path=Path("/nonexistent/clip.mp4"))
        assert not reply and reply.result_code is ResultCode.FAILED
        assert "/nonexistent/clip.mp4" in reply.message
