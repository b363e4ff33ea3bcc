"""Long black, between programmes: the stream is as good as ever, and the encoder rests."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from shutil import which

import pytest

import air_py
from tests.e2e.packets import Stream, nal_types
from tests.e2e.watch import pictures

BEFORE, BLACK, AFTER = 1_500, 6_300, 2_000
"""Lengths of the parts in ms: the black begins and ends inside a GOP."""
PLAN = [
    air_py.Segment("pattern:bars", 0, BEFORE),
    air_py.Segment("pattern:black", 0, BLACK),
    air_py.Segment("pattern:bars", 0, AFTER),
]
RATES = ["24000/1001", "30000/1001", "50/1"]
MUX_RATES = {"capped": None, "constant": 3_000_000}


@pytest.fixture(scope="module", params=[(rate, mode) for rate in RATES for mode in MUX_RATES], ids=str)
def interval(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Programme, black, programme; and its frame rate."""
    rate, mode = request.param
    out = tmp_path_factory.mktemp("black") / f"{mode}.ts"
    render(out, rate, air_py.SinkConfig(preset="veryfast", mux_rate=MUX_RATES[mode]))
    return out, rate


def render(out: Path, rate: str, sink: air_py.SinkConfig) -> None:
    air_py.render(PLAN, out, format=air_py.ProgramFormat(640, 360, rate), sink=sink)


def test_every_picture_is_the_one_that_is_due(interval: tuple[Path, str]) -> None:
    """BF-2, L-28, L-47."""
    path, rate = interval
    first, last = (int(-(-at * Fraction(rate) // 1000)) for at in (BEFORE, BEFORE + BLACK))
    shown = pictures(path)
    assert [p.number for p in shown[:first]] == list(range(first))
    assert all(p.black for p in shown[first:last])
    assert [p.number for p in shown[last:]] == list(range(len(shown) - last))


def test_nobody_downstream_can_tell(interval: tuple[Path, str]) -> None:
    """MX-2…MX-8, L-18: the judge finds nothing, and two decoders say nothing."""
    path, _ = interval
    report = air_py.check(path, profile="house")
    assert report.is_clean, report
    decode = ["ffmpeg", "-nostdin", "-v", "warning", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(decode, capture_output=True, check=True).stderr == b""
    if gst := which("gst-launch-1.0"):
        elements = "tsdemux ! h264parse ! avdec_h264 ! fakesink"
        parse = [gst, "-q", "filesrc", f"location={path}", "!", *elements.split()]
        done = subprocess.run(parse, capture_output=True, check=True)
        assert b"WARN" not in done.stderr and b"ERROR" not in done.stderr


def test_a_second_of_black_is_sent_again_and_again(interval: tuple[Path, str]) -> None:
    """MX-8, PAINS 27: GOPs of a second, the same bytes from the second one of the black on; then an IDR."""
    path, rate = interval
    units = [bytes(pes.data) for pes in Stream(path.read_bytes()).video]
    keys = [i for i, unit in enumerate(units) if 5 in nal_types(unit)]
    assert max(b - a for a, b in pairwise(keys)) == round(Fraction(rate))
    assert all({9, 7, 8} <= set(nal_types(units[key])) for key in keys)
    whole = [b"".join(units[a:b]) for a, b in pairwise(keys)]
    assert max(whole.count(gop) for gop in whole) >= 4
    assert int(-(-(BEFORE + BLACK) * Fraction(rate) // 1000)) in keys


def test_the_same_plan_gives_the_same_bytes(interval: tuple[Path, str], tmp_path: Path) -> None:
    """TL-8."""
    path, rate = interval
    again = tmp_path / "again.ts"
    render(again, rate, air_py.SinkConfig(preset="veryfast", mux_rate=MUX_RATES[path.stem]))
    assert again.read_bytes() == path.read_bytes()
