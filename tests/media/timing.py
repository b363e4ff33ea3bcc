"""Long films for in-points: an hour-class programme with few key frames, in every container that is sought differently.

Pictures and sound come from libavfilter's own sources, coded once per size; the containers only wrap the same stream.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from .clip import cache_folder

SECONDS = 1030
"""Long enough to join seventeen minutes in."""
RATE = 24
CONTAINERS = ("mp4", "mkv", "ts")

_PICTURE = "testsrc2=size={size}:rate=24,noise=alls=6:allf=t"
_SOUND = "anoisesrc=color=pink:amplitude=0.2:sample_rate=48000"
_CODE = "-c:v libx264 -preset veryfast -crf 26 -g 250 -keyint_min 250 -sc_threshold 0 -bf 3 -pix_fmt yuv420p -c:a aac"


def long_film(size: str, container: str) -> Path:
    """A film of `SECONDS` at 24 frames per second with a key frame every 250, made when it is not there yet."""
    key = hashlib.sha256(f"{_PICTURE}{_SOUND}{_CODE}{SECONDS}".encode()).hexdigest()[:12]
    path = cache_folder() / f"long-{size}-{key}.{container}"
    if not path.exists():
        coded = ["-f", "lavfi", "-i", _PICTURE.format(size=size), "-f", "lavfi", "-i", _SOUND, "-t", str(SECONDS)]
        if container == CONTAINERS[0]:
            _ffmpeg([*coded, *_CODE.split()], path)
        else:
            _ffmpeg(["-i", str(long_film(size, CONTAINERS[0])), "-c", "copy"], path)
    return path


def _ffmpeg(arguments: list[str], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        part = Path(scratch) / path.name
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *arguments, str(part)], check=True)
        part.replace(path)
