"""`python -m tests.media`: list the families of tagged clips, make them by name, or make one clip of one's own."""

from __future__ import annotations

import argparse
import shutil
from fractions import Fraction
from pathlib import Path

from .clip import Clip
from .families import FAMILIES
from .making import AUDIO, LAYOUT, MUXER, VIDEO, make


def main() -> None:
    """Do what is asked and print a line per clip."""
    parser = argparse.ArgumentParser(prog="python -m tests.media", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="families to make, or `all`; without, they are listed")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="copy them here; otherwise they stay in the cache")
    own = parser.add_argument_group("a clip of one's own, made when any of these is given")
    own.add_argument("--codec", choices=VIDEO)
    own.add_argument("--container", choices=MUXER)
    own.add_argument("--audio", choices=[*AUDIO, "none"])
    own.add_argument("--channels", type=int, choices=LAYOUT)
    own.add_argument("--rate", type=rate, metavar="N/D")
    own.add_argument("--seconds", type=whole)
    own.add_argument("--size", metavar="WxH", type=size)
    own.add_argument("--gop", type=whole)
    given = vars(parser.parse_args())
    names, out = given.pop("names"), given.pop("out")
    clips = FAMILIES if names == ["all"] else {name: FAMILIES[name] for name in names if name in FAMILIES}
    if unknown := [name for name in names if name != "all" and name not in FAMILIES]:
        parser.error(f"no such family: {', '.join(unknown)}")
    fields = {name: value for name, value in given.items() if value is not None}
    if fields:
        own_clip = Clip(**{**fields, "audio": None} if fields.get("audio") == "none" else fields)
        clips = {**clips, own_clip.name: own_clip}
    if not clips:
        print(*FAMILIES, sep="\n")
    if out:
        out.mkdir(parents=True, exist_ok=True)
    for name, clip in clips.items():
        path = make(clip)
        print(f"{name}: {shutil.copy(path, out / f'{name}.{clip.container}') if out else path}", flush=True)


def whole(text: str) -> int:
    """A number from 1."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def size(text: str) -> tuple[int, int]:
    """`WxH`."""
    width, height = map(whole, text.split("x"))
    return width, height


def rate(text: str) -> Fraction:
    """`N/D` or `N`."""
    numerator, _, denominator = text.partition("/")
    return Fraction(whole(numerator), whole(denominator or "1"))


if __name__ == "__main__":
    main()
