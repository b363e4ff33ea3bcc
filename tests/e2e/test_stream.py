"""The stream itself, rendered on the virtual clock: tables, stamps, clock references, and the same bytes every time."""

from __future__ import annotations

import json
import random
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

import air_py
from tests.e2e.host import AIR_PY, FORMAT, FORMAT_25, QUICK
from tests.e2e.packets import PACKET, Stream, nal_types
from tests.e2e.watch import pictures, skews_ms, watch
from tests.media import Clip, make

SECONDS = 60
MUX_RATE = 3_000_000


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of numbered bars."""
    return render_bars(tmp_path_factory.mktemp("vbr"), SECONDS)


@pytest.fixture(scope="module")
def stream(capture: Path) -> Stream:
    """The minute, packet by packet."""
    return Stream(capture.read_bytes())


@pytest.fixture(scope="module")
def cbr_capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of numbered bars at a constant rate."""
    return render_bars(
        tmp_path_factory.mktemp("cbr"), SECONDS, air_py.SinkConfig(preset="ultrafast", mux_rate=MUX_RATE)
    )


def render_bars(folder: Path, seconds: int, sink: air_py.SinkConfig = QUICK) -> Path:
    out = folder / "bars.ts"
    air_py.render([air_py.Segment("pattern:bars", 0, seconds * 1000)], out, format=FORMAT, sink=sink)
    return out


def test_the_judge_finds_nothing(capture: Path, cbr_capture: Path) -> None:
    """MX-2…MX-8."""
    for path in (capture, cbr_capture):
        report = air_py.check(path)
        assert report.is_clean, report


def test_the_command_line_judge_tells_good_from_bad(capture: Path, stream: Stream, tmp_path: Path) -> None:
    assert subprocess.run([AIR_PY, "check", capture], capture_output=True).returncode == 0
    data = capture.read_bytes()
    bad = tmp_path / "bad.ts"
    lost = stream.video[100].packet * PACKET
    bad.write_bytes(data[:lost] + data[lost + PACKET :])
    found = subprocess.run([AIR_PY, "check", "--json", bad], capture_output=True)
    assert found.returncode == 1
    assert json.loads(found.stdout)


def test_ffprobe_sees_one_picture_and_one_sound_in_the_house_format(capture: Path) -> None:
    """MX-17, PF-6, L-15."""
    entries = "stream=codec_name,width,height,avg_frame_rate,sample_rate,channels"
    command = ["ffprobe", "-v", "warning", "-of", "json", "-show_entries", entries, str(capture)]
    probed = subprocess.run(command, capture_output=True, check=True)
    assert probed.stderr == b""
    video, audio = json.loads(probed.stdout)["streams"]
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", 640, 360)
    assert video["avg_frame_rate"] == "30000/1001"
    assert (audio["codec_name"], audio["sample_rate"], audio["channels"]) == ("aac", "48000", 2)


def test_ffmpeg_decodes_it_without_a_word(capture: Path, cbr_capture: Path) -> None:
    """SW-17, L-18, L-19."""
    for path in (capture, cbr_capture):
        command = ["ffmpeg", "-nostdin", "-v", "warning", "-i", str(path), "-f", "null", "-"]
        assert subprocess.run(command, capture_output=True, check=True).stderr == b""


def test_every_stamp_is_the_formula_of_its_number(stream: Stream) -> None:
    """PF-8, FL-6, AU-8, L-06, L-17, L-19: from one base, computed from the index, never accumulated."""
    base = stream.video[0].pts
    assert [p.pts for p in stream.video] == [base + n * 90000 * 1001 // 30000 for n in range(len(stream.video))]
    assert all(p.dts == p.pts for p in stream.video)
    assert all(pts == base + 1024 * m * 90000 // 48000 for m, pts in stream.audio_frames())
    assert len(stream.video) == SECONDS * 30000 // 1001 + 1


def test_tables_and_clock_references_keep_their_intervals(stream: Stream) -> None:
    """MX-3, MX-5, MX-6."""
    assert max(stream.ms_between_psi(0)) <= 110
    assert max(stream.ms_between_psi(stream.pmt_pid)) <= 110
    gaps = [(b - a) / 27_000 for (_, a), (_, b) in pairwise(stream.pcrs)]
    assert min(gaps) > 0 and max(gaps) <= 40
    assert stream.continuity_faults() == []
    assert not any(p.discontinuity for p in stream.packets)


def test_each_idr_brings_its_parameter_sets_once_a_second(stream: Stream) -> None:
    """MX-8."""
    keys = [i for i, pes in enumerate(stream.video) if 5 in nal_types(bytes(pes.data))]
    assert keys[0] == 0
    assert max(b - a for a, b in pairwise(keys)) <= 30
    for key in keys:
        assert {9, 7, 8} <= set(nal_types(bytes(stream.video[key].data)))
        assert stream.video[key].random_access


def test_the_first_tenth_of_a_second_holds_all_a_viewer_needs(stream: Stream) -> None:
    """MX-10, MX-13, L-15: tables first, then a key picture, and sound."""
    assert [p.pid for p in stream.packets[:2]] == [0, stream.pmt_pid]
    opening = {p.pid for p in stream.packets if stream.time_of(p.index) - stream.time_of(0) <= Fraction(1, 10)}
    assert {stream.video_pid, stream.audio_pid} <= opening
    assert abs(stream.video[0].pts - stream.audio[0].pts) <= 9000


def test_a_viewer_who_joins_anywhere_has_a_picture_within_a_second(capture: Path, tmp_path: Path) -> None:
    """L-20."""
    data, cut = capture.read_bytes(), tmp_path / "cut.ts"
    draw = random.Random(1)
    for at in (draw.randrange(len(data) * 9 // 10) for _ in range(20)):
        cut.write_bytes(data[at : at + len(data) // 20])
        first = pictures(cut)[0]
        joined = Stream(data[at - at % PACKET + PACKET :][: len(data) // 20 // PACKET * PACKET])
        assert first.number is not None
        assert first.time * 90000 - min(joined.video[0].pts, joined.video[1].pts) <= 1.2 * 90000


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    """TL-8, CK-1. One encoder thread: with more, x264's rate control depends on how they are scheduled."""
    sink = air_py.SinkConfig(preset="ultrafast")
    plan = [air_py.Segment(make(Clip(rate=Fraction(25)))), air_py.Segment("pattern:bars", 1500, 2000)]
    first, second = tmp_path / "first.ts", tmp_path / "second.ts"
    for out in (first, second):
        air_py.render(plan, out, format=FORMAT_25, sink=sink)
    assert first.read_bytes() == second.read_bytes()


def test_at_a_constant_rate_every_clock_reference_is_its_byte_position(cbr_capture: Path) -> None:
    """MX-6: no error at all, and the same number of packets in every tenth of a second."""
    stream = Stream(cbr_capture.read_bytes())
    first_packet, first_pcr = stream.pcrs[0]
    for packet, pcr in stream.pcrs:
        due = Fraction((packet - first_packet) * PACKET * 8 * 27_000_000, MUX_RATE)
        assert abs(pcr - first_pcr - due) < 1
    per_window = MUX_RATE / 8 / PACKET / 10
    windows: dict[int, int] = {}
    for p in stream.packets:
        window = int((stream.time_of(p.index) - stream.time_of(0)) * 10)
        windows[window] = windows.get(window, 0) + 1
    assert len(windows) >= SECONDS * 10
    assert all(abs(windows[w] - per_window) <= 1 for w in range(len(windows) - 2))


def test_sound_and_picture_of_the_pattern_stay_together(capture: Path) -> None:
    """AU-9: the numbered bars, checked by a decoder of another build."""
    programme = watch(capture)
    assert [p.number for p in programme.pictures] == list(range(len(programme.pictures)))
    skews = skews_ms(programme, Fraction(30000, 1001))
    assert len(skews) == SECONDS
    # The very first beep begins in the first AAC frame, which a decoder fades in.
    assert abs(skews[0]) <= 20
    assert max(map(abs, skews[1:])) <= 1
