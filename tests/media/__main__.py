"""`python -m tests.media [--codec hevc] [--container mkv] ...`: make one tagged clip and print its path."""

from __future__ import annotations

import argparse
import shutil
from fractions import Fraction
from pathlib import Path

from .clip import AUDIO, LAYOUT, MUXER, VIDEO, Clip, make


def main() -> None:
    """Read the description, make the clip, print where it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.media", description="Make one tagged clip.")
    parser.add_argument("--codec", choices=VIDEO, default="h264")
    parser.add_argument("--container", choices=MUXER, default="mp4")
    parser.add_argument("--audio", choices=[*AUDIO, "none"], default="aac")
    parser.add_argument("--channels", type=int, choices=LAYOUT, default=2)
    parser.add_argument("--rate", type=Fraction, default=Fraction(30), metavar="N/D")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--size", default="640x360", metavar="WxH")
    parser.add_argument("--gop", type=int, default=48)
    parser.add_argument("--out", type=Path, help="copy it here; otherwise it stays in the cache")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    clip = Clip(
        codec=given.codec,
        container=given.container,
        audio=None if given.audio == "none" else given.audio,
        channels=given.channels,
        rate=given.rate,
        seconds=given.seconds,
        size=(width, height),
        gop=given.gop,
    )
    path = make(clip)
    print(shutil.copy(path, given.out) if given.out else path)


if __name__ == "__main__":
    main()
