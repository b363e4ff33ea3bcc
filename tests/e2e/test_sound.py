"""Sound of every coding and layout arrives whole, in time, at its level, and runs on over joins."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import product
from math import pi
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import air_py
from tests.e2e.host import FORMAT, FORMAT_25, QUICK
from tests.e2e.watch import beeps, flashes, skews_ms, watch
from tests.media import Clip, make
from tests.media.tool import ffmpeg

CODINGS = {
    "mp2": ["mkv", "-c:a", "mp2", "-b:a", "256k"],
    "ac3": ["mkv", "-c:a", "ac3", "-b:a", "384k"],
    "eac3": ["mkv", "-c:a", "eac3", "-b:a", "384k"],
    "dts": ["mkv", "-c:a", "dca", "-strict", "-2", "-b:a", "768k"],
    "truehd": ["mkv", "-c:a", "truehd", "-strict", "-2"],
    "vorbis": ["mkv", "-c:a", "libvorbis", "-q:a", "6"],
    "wavpack": ["mkv", "-c:a", "wavpack"],
    "flac of 512": ["mkv", "-c:a", "flac", "-frame_size", "512"],
    "latm": ["ts", "-c:a", "aac", "-b:a", "192k", "-mpegts_flags", "latm"],
    "alac": ["mov", "-c:a", "alac"],
    "8 bits": ["mov", "-c:a", "pcm_u8"],
    "24 bits": ["mov", "-c:a", "pcm_s24le"],
    "32 bits": ["mov", "-c:a", "pcm_s32le"],
    "float": ["mov", "-c:a", "pcm_f32le"],
    "mulaw at 8 kHz": ["mov", "-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"],
    "192 kHz": ["mov", "-c:a", "pcm_s24le", "-ar", "192000"],
}
LAYOUTS = ["mono", "stereo", "2.1", "quad", "5.0", "5.1", "5.1(side)", "6.1", "7.1"]
TONE_HZ = 997


@pytest.mark.parametrize(("coding", "rate"), list(product(CODINGS, (24, 60))))
def test_no_coding_gains_or_loses_a_frame_of_sound(coding: str, rate: int, tmp_path: Path) -> None:
    """L-05: every beep is heard, as far from its flash in the last second as in the first."""
    container, *options = CODINGS[coding]
    clip = Clip(audio="pcm", container="mkv", rate=Fraction(rate), seconds=6, size=(320, 180))
    coded = tmp_path / f"coded.{container}"
    ffmpeg("-i", make(clip), "-c:v", "copy", *options, coded)
    out = tmp_path / "out.ts"
    stats = air_py.render([coded], out, format=air_py.ProgramFormat(320, 180, f"{rate}/1"), sink=QUICK)
    assert abs(stats.ticks - clip.frames) <= 1
    skews = skews_ms(watch(out), clip.rate)
    assert len(skews) == clip.seconds
    assert max(map(abs, skews)) <= 20
    # The first frame of any AAC stream is faded in by its decoder.
    assert max(skews[1:]) - min(skews[1:]) <= 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dialogue_is_as_loud_from_any_layout(layout: str, tmp_path: Path) -> None:
    """L-36, PAINS 32: what is in the centre, or in front of the ears, keeps its level in stereo."""
    front = "FC" if layout in ("mono", "5.0", "5.1", "5.1(side)", "6.1", "7.1") else "FL"
    tone = f"sine=f={TONE_HZ}:r=48000:d=2,aformat=channel_layouts=mono,volume=2,pan={layout}|{front}=c0"
    film = tmp_path / "film.mkv"
    ffmpeg("-f", "lavfi", "-i", tone, "-c:a", "pcm_s16le", film)
    out = tmp_path / "out.ts"
    air_py.render([film], out, format=FORMAT_25, sink=QUICK)
    left = channels(out)[24_000:72_000, 0]
    # ffmpeg's sine is an eighth of full scale.
    assert np.abs(left).max() == pytest.approx(0.25, rel=0.05)


def test_layout_and_rate_may_change_within_a_file(tmp_path: Path) -> None:
    """PAINS 32, L-16: a capture that goes from stereo to 5.1, and on to another rate, with a hole each."""
    source, parts = make(Clip(audio="pcm", container="mkv", rate=Fraction(25))), []
    for number, options in enumerate((["-ac", "2"], ["-ac", "6"], ["-ac", "2", "-ar", "44100"])):
        part = tmp_path / f"{number}.ts"
        ffmpeg("-i", source, "-c:v", "copy", "-c:a", "ac3", *options, "-output_ts_offset", str(5 * number), part)
        parts.append(part.read_bytes())
    joined, out = tmp_path / "joined.ts", tmp_path / "out.ts"
    joined.write_bytes(b"".join(parts))
    air_py.render([joined], out, format=FORMAT_25, sink=QUICK)
    programme = watch(out)
    assert max(map(abs, programme.sound.seams)) < Fraction(1, 1000)
    seen, heard = flashes(programme.pictures), beeps(programme.sound)
    assert len(seen) == len(heard) == 12
    assert max(abs(flash - beep) for flash, beep in zip(seen, heard, strict=True)) <= Fraction(20, 1000)


def test_sound_runs_on_over_every_join(tmp_path: Path) -> None:
    """SW-8, PAINS 6: no neighbouring samples are further apart than in the tone itself, the ramp and the coder."""
    tone, out = tmp_path / "tone.wav", tmp_path / "out.ts"
    ffmpeg("-f", "lavfi", "-i", f"sine=f={TONE_HZ}:r=48000:d=20,volume=4", tone)
    draw = np.random.default_rng(3)
    plan: list[air_py.Segment] = []
    for _ in range(40):
        start, length = (int(value) for value in draw.integers((0, 60), (15_000, 400)))
        plan.append(air_py.Segment(tone, start, length))
        if draw.random() < 0.3:
            plan.append(air_py.Segment("pattern:black", 0, int(draw.integers(40, 200))))
    stats = air_py.render(plan, out, format=FORMAT, sink=air_py.SinkConfig(preset="ultrafast", audio_bitrate=320_000))
    left = channels(out)[:, 0]
    assert abs(len(left) - stats.ticks * 48_000 * 1001 // 30_000) < 2 * 1024
    steepest = 0.5 * 2 * pi * TONE_HZ / 48_000
    ramp = 1 / (48_000 * 5 // 1000)
    assert np.abs(np.diff(left)).max() <= 1.1 * steepest + ramp


def channels(path: Path) -> NDArray[np.float32]:
    """The stereo sound of a stream, decoded by the ffmpeg command line."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-ac", "2", "-f", "f32le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, 2)
