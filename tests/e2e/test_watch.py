"""The instruments themselves, against files that only ffmpeg has touched."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tests.e2e.watch import beeps, flashes, skews_ms, watch
from tests.media import Clip, make

F = Fraction
CLIPS = [
    Clip(),
    Clip(codec="hevc", container="mkv", audio="ac3", channels=6, rate=F(24000, 1001)),
    Clip(codec="mpeg2video", container="ts", audio="mp3", channels=1, rate=F(25)),
    Clip(codec="vp9", container="webm", audio="opus", rate=F(60000, 1001)),
]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_every_frame_number_flash_and_beep_of_a_clip_is_read_back(clip: Clip) -> None:
    programme = watch(make(clip))
    assert [p.number for p in programme.pictures] == list(range(clip.frames))
    assert {p.number for p in programme.pictures if p.flash} == clip.flashing
    assert len(flashes(programme.pictures)) == clip.seconds
    skews = skews_ms(programme, clip.rate)
    assert len(skews) == clip.seconds
    # ffmpeg before 6 writes Opus into Matroska one pre-skip, 6.5 ms, early.
    assert max(map(abs, skews)) < (8 if clip.audio == "opus" else 2)


@pytest.mark.parametrize("late_ms", [-60, 45])
def test_a_planted_offset_of_the_sound_is_measured(tmp_path: Path, late_ms: int) -> None:
    clip = make(Clip(audio="pcm", container="mkv"))
    shifted = tmp_path / "shifted.mkv"
    command = ["ffmpeg", "-v", "error", "-i", str(clip), "-itsoffset", f"{late_ms}ms", "-i", str(clip)]
    subprocess.run([*command, "-map", "0:v", "-map", "1:a", "-c", "copy", shifted], check=True)
    assert skews_ms(watch(shifted), F(30))[1:] == pytest.approx([late_ms] * 3, abs=1.5)


def test_a_change_of_frame_rate_is_not_taken_for_an_offset(tmp_path: Path) -> None:
    converted = tmp_path / "converted.ts"
    command = ["ffmpeg", "-v", "error", "-i", str(make(Clip(rate=F(24)))), "-vf", "fps=25:round=up", "-c:a", "copy"]
    subprocess.run([*command, converted], check=True)
    assert max(map(abs, skews_ms(watch(converted), F(24)))) < 4


def test_black_silence_and_a_damaged_strip_carry_no_tags(tmp_path: Path) -> None:
    black = tmp_path / "black.ts"
    sources = ["-f", "lavfi", "-i", "color=black:s=640x360:d=1", "-f", "lavfi", "-i", "anullsrc", "-shortest"]
    subprocess.run(["ffmpeg", "-v", "error", *sources, black], check=True)
    programme = watch(black)
    assert all(p.black and p.number is None for p in programme.pictures)
    assert beeps(programme.sound) == []

    blurred = tmp_path / "blurred.ts"
    subprocess.run(["ffmpeg", "-v", "error", "-i", make(Clip()), "-vf", "boxblur=30", blurred], check=True)
    assert watch(blurred).numbered == []
