"""Lengths that `air_py.probe` tells are what the engine airs, for every family of clips."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

import air_py
from tests.media import FAMILIES, ODD, Clip, make, make_odd

CONSTANT = {
    name: clip
    for name, clip in FAMILIES.items()
    if clip.timing == "constant" and clip.codec != "png" and name not in ("truncated", "still")
}
SINK = air_py.SinkConfig(video_encoder="null", audio_encoder="null", video_bitrate=50_000, audio_bitrate=64_000)


@pytest.mark.parametrize("name", CONSTANT)
def test_a_clip_is_as_long_as_its_pictures(name: str) -> None:
    """PAINS 16: within a microsecond, in every container."""
    clip = FAMILIES[name]
    duration_ns = air_py.probe(make(clip)).duration_ns
    assert duration_ns is not None
    assert abs(Fraction(duration_ns, 10**9) - (clip.end - clip.first)) <= Fraction(1, 10**6)


@pytest.mark.parametrize(
    "name", ["rate-23.976", "vfr-phone", "vfr-misdeclared", "truncated", "edit-list", "sound-only"]
)
def test_the_engine_airs_as_long_as_that(name: str, tmp_path: Path) -> None:
    """Also what no description tells, by rendering to the clip's own end."""
    path, rate = make(FAMILIES[name]), Fraction(50)
    duration_ns = air_py.probe(path).duration_ns
    house = air_py.ProgramFormat(160, 90, "50/1")
    stats = air_py.render([path], tmp_path / "out.ts", format=house, sink=SINK)
    assert duration_ns is not None
    assert abs(stats.ticks - Fraction(duration_ns, 10**9) * rate) < 1


def test_what_a_file_holds_is_told() -> None:
    clip = Clip(codec="hevc", container="mkv", audio="ac3", rate=Fraction(30), seconds=2)
    info = air_py.probe(make(clip))
    assert (info.width, info.height, info.frame_rate) == (640, 360, "30/1")
    assert (info.video_codec, info.audio_codec, info.channels, info.sample_rate) == ("hevc", "ac3", 2, 48000)


def test_a_still_has_no_end() -> None:
    info = air_py.probe(make(FAMILIES["still"]))
    assert (info.is_still, info.duration_ns, info.frame_rate) == (True, None, None)


@pytest.mark.parametrize("name", [name for name in ODD if name != "hanging.mp4"])
def test_what_is_refused_is_refused_for_the_engine_s_reason(name: str, tmp_path: Path) -> None:
    odd, house = make_odd(name, tmp_path), air_py.ProgramFormat(160, 90, "25/1")
    if name == "unreadable.mp4" and os.access(odd, os.R_OK):
        pytest.skip("root reads everything")
    with pytest.raises(air_py.AirError) as probed:
        air_py.probe(odd)
    with pytest.raises(air_py.AirError) as aired:
        air_py.render([odd], os.devnull, format=house, sink=SINK)
    assert str(probed.value) == str(aired.value)
