"""Files whose timestamps have holes, jump or lie, and pictures that lie on their side."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import air_py
from tests.e2e.host import FORMAT_25, QUICK
from tests.e2e.watch import Programme, beeps, flashes, skews_ms, watch
from tests.media import Clip, make
from tests.media.tool import ffmpeg

PAL = Fraction(25)
CAPTURE = Clip(container="ts", rate=PAL, seconds=6)


@pytest.mark.parametrize(
    "dropped",
    ["not(mod(n,50))", "between(pts*tb,2.4,4.6)", "between(pts*tb,2.4,4.6)+not(mod(n,50))"],
    ids=["now and then", "for two seconds", "both"],
)
def test_lost_sound_leaves_a_hole_and_the_rest_in_its_place(tmp_path: Path, dropped: str) -> None:
    """AU-9: what is lost is silent, and no later sound comes early for it."""
    holed = tmp_path / "holed.mkv"
    ffmpeg("-i", make(CAPTURE), "-map", "0:v", "-map", "0:a", "-c", "copy", "-bsf:a", f"noise=drop='{dropped}'", holed)
    programme = play(holed, tmp_path)
    assert len(programme.pictures) == CAPTURE.frames
    # The packet in which a beep begins may be one of the lost.
    onsets = skews_ms(programme, PAL)
    assert onsets and max(map(abs, onsets)) <= 40
    assert abs(onsets[-1]) <= 20


@pytest.mark.parametrize("offsets", [(1000, 5000), (5000, 1000), (1000, 1003)], ids=["on", "back", "back a little"])
def test_joined_captures_play_on_in_sync(tmp_path: Path, offsets: tuple[int, int]) -> None:
    """AU-9, L-17: at a joint the clock of the file jumps, the programme does not."""
    joined = tmp_path / "joined.ts"
    with joined.open("wb") as out:
        for number, offset in enumerate(offsets):
            part = tmp_path / f"{number}.ts"
            ffmpeg("-i", make(CAPTURE), "-c", "copy", "-output_ts_offset", str(offset), part)
            out.write(part.read_bytes())
    programme = play(joined, tmp_path)
    assert len(programme.pictures) == pytest.approx(2 * CAPTURE.frames, abs=2)
    seen, heard = flashes(programme.pictures), beeps(programme.sound)
    assert len(seen) == len(heard) == 2 * CAPTURE.seconds
    assert max(abs(flash - beep) for flash, beep in zip(seen, heard, strict=True)) <= Fraction(40, 1000)


def test_an_absurd_first_stamp_of_the_sound_neither_mutes_nor_prolongs(tmp_path: Path) -> None:
    """L-17: sound that says it starts in an hour starts now."""
    late = tmp_path / "late.mkv"
    ffmpeg(
        "-i", make(CAPTURE), "-itsoffset", "3600", "-i", make(CAPTURE), "-map", "0:v", "-map", "1:a", "-c", "copy", late
    )
    programme = play(late, tmp_path)
    assert len(programme.pictures) == CAPTURE.frames
    assert len(beeps(programme.sound)) == CAPTURE.seconds


def test_pictures_far_from_their_sound_in_the_file_all_come(tmp_path: Path) -> None:
    """FP-6: a picture beyond the look-ahead is late, not the last."""
    sparse = tmp_path / "sparse.mov"
    tone = "sine=f=1000:r=96000:d=75,aformat=channel_layouts=7.1,aresample=osf=s32"
    slides = "color=black:s=320x180:r=1/25:d=75,geq=lum='60+60*N':cb=128:cr=128"
    ffmpeg("-f", "lavfi", "-i", slides, "-f", "lavfi", "-i", tone, "-c:v", "mjpeg", "-c:a", "pcm_s32le", sparse)
    out = tmp_path / "sparse.ts"
    air_py.render([sparse], out, format=air_py.ProgramFormat(320, 180, "2/1"), sink=QUICK)
    levels = luma(out, 320, 180)
    assert len(levels) == pytest.approx(150, abs=2)
    assert [round(levels[at], -1) for at in (10, 75, 140)] == pytest.approx([60, 120, 180], abs=10)


def test_a_clip_that_was_filmed_upright_is_shown_upright(tmp_path: Path) -> None:
    """L-35: a phone stores its pictures lying and says how to turn them."""
    lying, turned = tmp_path / "lying.mp4", tmp_path / "turned.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=white:s=640x360:r=25:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p", lying)
    ffmpeg("-i", lying, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    out = tmp_path / "out.ts"
    air_py.render([turned], out, format=FORMAT_25, sink=QUICK)
    # A white picture of 202 by 360 between black bars.
    assert luma(out, 640, 360)[5] == pytest.approx(16 + (235 - 16) * 202 / 640, abs=4)


def test_a_start_beyond_all_counting_is_refused(tmp_path: Path) -> None:
    """SG-1"""
    for asset in ("pattern:bars", make(CAPTURE)):
        with pytest.raises(air_py.AirError, match="no picture or sound"):
            segment = air_py.Segment(asset, start_offset_ms=2**63 - 1, duration_ms=1000)
            air_py.render([segment], tmp_path / "out.ts", format=FORMAT_25, sink=QUICK)


def play(asset: Path, folder: Path) -> Programme:
    """Render the asset to its own end and watch the result."""
    out = folder / "out.ts"
    air_py.render([asset], out, format=FORMAT_25, sink=QUICK)
    return watch(out)


def luma(path: Path, width: int, height: int) -> list[float]:
    """The mean luma of each picture."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-vf", f"scale={width}:{height},format=yuv420p"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    raw, size = subprocess.run(command, check=True, capture_output=True).stdout, width * height * 3 // 2
    return [sum(raw[at : at + width * height]) / (width * height) for at in range(0, len(raw), size)]
