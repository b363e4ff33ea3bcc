"""The tagged clips themselves, decoded by the ffmpeg command line alone: what the other tests believe of them is so."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media import FAMILIES, make, read_number

SIZE = (640, 360)
HARMED = ("truncated", "damaged")


@pytest.mark.parametrize("name", [name for name, clip in FAMILIES.items() if clip.codec and name not in HARMED])
def test_every_picture_of_a_family_says_its_number(name: str) -> None:
    clip = FAMILIES[name]
    assert numbers(make(clip)) == list(range(clip.edited, clip.frames))


def test_a_truncated_clip_has_lost_its_end() -> None:
    clip = FAMILIES["truncated"]
    assert clip.frames // 2 < len(numbers(make(clip))) < clip.frames


def test_a_damaged_clip_is_complained_of() -> None:
    command = ["ffmpeg", "-v", "error", "-i", str(make(FAMILIES["damaged"])), "-f", "null", "-"]
    assert subprocess.run(command, capture_output=True).stderr


@pytest.mark.parametrize("name", ["vfr-phone", "vfr-misdeclared"])
def test_the_stamps_of_a_variable_rate_are_those_its_description_knows(name: str) -> None:
    clip = FAMILIES[name]
    packets = probe(make(clip), "-select_streams", "v", "-show_packets")["packets"]
    stamps = sorted(Fraction(packet["pts"], 90_000) for packet in packets)
    assert stamps == clip.starts
    assert min(b - a for a, b in pairwise(stamps)) <= Fraction(1, 60)


STREAMS: dict[str, dict[str, Any]] = {
    "vfr-misdeclared": {"r_frame_rate": "60/1"},
    "interlaced-top-first": {"field_order": "tt"},
    "interlaced-bottom-first": {"field_order": "bb"},
    "interlaced-h264": {"field_order": "tt"},
    "interlaced-untold": {"field_order": "progressive"},
    "sar-odd": {"sample_aspect_ratio": "6525:8624"},
    "sar-pal-4-3": {"display_aspect_ratio": "4:3"},
    "size-odd": {"width": 853},
    "portrait": {"width": 480, "height": 360},
    "prores-422-10": {"pix_fmt": "yuv422p10le"},
    "hdr-pq": {"color_transfer": "smpte2084", "color_space": "bt2020nc", "pix_fmt": "yuv420p10le"},
    "hdr-hlg": {"color_transfer": "arib-std-b67"},
    "range-full": {"color_range": "pc"},
    "matrix-601": {"color_space": "smpte170m"},
    "start-at-ten-hours": {"start_time": "36001.400000"},
    "sound-only-with-cover": {"disposition": {"attached_pic": 1}},
}


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_odd_about_a_family_is_in_its_file(name: str) -> None:
    stream = probe(make(FAMILIES[name]), "-select_streams", "v", "-show_streams")["streams"][0]
    for key, value in STREAMS[name].items():
        found = stream[key]
        assert found == value or (isinstance(value, dict) and value.items() <= found.items()), (key, found)


def test_stamps_that_wrap_start_again_inside_the_file() -> None:
    packets = probe(make(FAMILIES["stamps-wrap"]), "-show_packets", "-correct_ts_overflow", "0")["packets"]
    stamps = [packet["pts"] for packet in packets]
    assert min(stamps) < 2 * 90_000 < 2**33 - 2 * 90_000 < max(stamps)


def test_the_key_pictures_of_an_open_gop_have_leading_ones() -> None:
    packets = probe(make(FAMILIES["gop-open"]), "-select_streams", "v", "-show_packets")["packets"]
    keys = [at for at, packet in enumerate(packets) if "K" in packet["flags"]]
    assert len(keys) > 2
    assert any(packets[at + 1]["pts"] < packets[at]["pts"] for at in keys[1:-1])


def numbers(path: Path) -> list[int | None]:
    """The number of every picture, set upright and scaled by ffmpeg."""
    width, height = SIZE
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-map", "0:v", "-vf", f"scale={width}:{height}"]
    command += ["-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return [read_number(luma) for luma in np.frombuffer(raw, np.uint8).reshape(-1, height, width)]


def probe(path: Path, *arguments: str) -> Any:
    """What ffprobe says."""
    command = ["ffprobe", "-v", "quiet", "-of", "json", *arguments, str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
