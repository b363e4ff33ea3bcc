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
HIDDEN = 7
"""Pictures that the edit list of the edited film hides."""
OTHERS = ("edited", "ten-hours", "open-gop")
"""An mp4 that begins with an edit list, a capture from 10 h on its clock, one in open GOPs; thumbnails only."""


def film(kind: str, size: tuple[int, int] = THUMBNAIL) -> Path:
    """The film's file, made when it is not there yet: a container, or one of the others."""
    clip = Clip(rate=RATE, seconds=SECONDS, size=size, gop=GOP, b_frames=3, noise=8)
    match kind:
        case "open-gop":
            return make(replace(clip, size=(160, 90), noise=0, container="ts", open_gop=True))
        case "edited":
            return _copied(make(clip), "edited.mp4", ["-ss", f"{float(HIDDEN / RATE):.6f}"], [])
        case "ten-hours":
            return _copied(make(clip), "ten-hours.ts", [], ["-output_ts_offset", "36000"])
    if size == THUMBNAIL:
        return make(clip) if kind == clip.container else _copied(make(clip), f"film.{kind}", [], [])
    once = make(replace(clip, seconds=REPEATED_SECONDS))
    return _copied(once, f"film.{kind}", ["-stream_loop", "-1"], ["-t", str(SECONDS)])


def _copied(source: Path, name: str, before: list[str], after: list[str]) -> Path:
    """The same coded streams in another file, read and written with these options."""
    path = source.with_name(f"{source.stem}-{name}")
    if not path.exists():
        part = path.with_suffix(".part")
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *before, "-i", str(source), "-c", "copy", *after]
        subprocess.run([*command, "-f", MUXER[path.suffix[1:]], str(part)], check=True)
        part.replace(path)
    return path
