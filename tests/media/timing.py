"""Films to join far in: tagged, 24 pictures a second, a key picture every 250, in containers sought in their own ways.

The same coded streams in each container. A film above thumbnail size repeats itself, because coding seventeen minutes
of it would take longer than what it is for.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from .clip import Clip
from .making import MUXER, make

RATE = Fraction(24)
GOP = 250
SECONDS = 1030
"""Long enough to be joined seventeen minutes in."""
REPEATED_SECONDS = 125
"""What a larger film repeats: a whole number of GOPs."""
THUMBNAIL = (320, 180)
CONTAINERS = ("mp4", "mkv", "ts")


def film(container: str, size: tuple[int, int] = THUMBNAIL) -> Path:
    """The film's file, made when it is not there yet."""
    clip = Clip(rate=RATE, seconds=SECONDS, size=size, gop=GOP, b_frames=3, noise=8)
    once = make(clip if size == THUMBNAIL else replace(clip, seconds=REPEATED_SECONDS))
    if size == THUMBNAIL and container == clip.container:
        return once
    path = once.with_name(f"film-{once.stem}.{container}")
    if not path.exists():
        part = path.with_suffix(".part")
        loop = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(once)]
        subprocess.run([*loop, "-t", str(SECONDS), "-c", "copy", "-f", MUXER[container], str(part)], check=True)
        part.replace(path)
    return path
