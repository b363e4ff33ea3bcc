"""Films to join far in: tagged, 24 pictures a second, a key picture every 250, in containers sought in their own ways.

The same coded streams in each container. A film above thumbnail size repeats itself, because coding seventeen minutes
of it would take longer than what it is for.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from . import tags
from .clip import cache_folder

RATE = Fraction(24)
GOP = 250
SECONDS = 1030
"""Long enough to be joined seventeen minutes in."""
REPEATED_SECONDS = 125
"""What a larger film repeats: a whole number of GOPs."""
THUMBNAIL = (320, 180)
CONTAINERS = {"mp4": "mp4", "mkv": "matroska", "ts": "mpegts"}

_CODING = "-c:v libx264 -preset veryfast -crf 23 -bf 3 -g 250 -keyint_min 250 -sc_threshold 0 -c:a aac -b:a 128k"


def film(container: str, size: tuple[int, int] = THUMBNAIL) -> Path:
    """The film's file, made when it is not there yet."""
    width, height = size
    made_by = _CODING.encode() + Path(tags.__file__).read_bytes()
    key = hashlib.sha256(made_by).hexdigest()[:12]
    path = cache_folder() / f"film-{width}x{height}-{key}.{container}"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
            part = Path(scratch) / path.name
            if container != "mp4":
                _ffmpeg("-i", film("mp4", size), "-c", "copy", "-f", CONTAINERS[container], part)
            elif size == THUMBNAIL:
                _encode(SECONDS, size, part)
            else:
                once = part.with_stem("once")
                _encode(REPEATED_SECONDS, size, once)
                _ffmpeg("-stream_loop", "-1", "-i", once, "-t", SECONDS, "-c", "copy", part)
            part.replace(path)
    return path


def _encode(seconds: int, size: tuple[int, int], out: Path) -> None:
    width, height = size
    frames = int(seconds * RATE)
    raw = out.with_suffix(".f32")
    tags.sound(RATE, frames, 48000).astype(np.float32).tofile(raw)
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
    command += ["-r", str(RATE), "-i", "pipe:0", "-f", "f32le", "-ar", "48000", "-i", str(raw), *_CODING.split()]
    with subprocess.Popen([*command, str(out)], stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin
        for picture in tags.pictures(RATE, frames, width, height, noise=8):
            ffmpeg.stdin.write(picture)
    if ffmpeg.returncode:
        raise RuntimeError(f"ffmpeg could not make {out.name}: exit {ffmpeg.returncode}")


def _ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)
