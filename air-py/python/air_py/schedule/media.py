"""Media lists: what people name (files, folders, globs, patterns) as items of a known length."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

from ..media_info import MediaInfo
from .filler import SLOT_MS
from .library import Library
from .reel import Item

__all__ = ["Entry", "Media", "Trouble", "natural", "readable", "resolve"]

MEDIA_NAME = re.compile(
    r"[^.].*\.(3gp|aac|ac3|asf|avi|dv|flac|flv|m2ts?|m2v|m4[av]|mk[av]|mov|mp[234]|mpe?g|mts|mxf|og[agv]|opus|ts|vob"
    r"|wav|webm|wm[av])",
    re.IGNORECASE,
)
"""What is taken from a folder. Covers and notes lie there too, and a cover would be on air for an hour."""

SAME_INSTANT_NS = 1000
"""The engine's: an end so little after a frame has begun is no more of a picture."""


@dataclass(frozen=True)
class Entry:
    """What a media list names, and what is said of it."""

    source: str
    """A file, a folder (its files and those of folders in it), a glob, or a pattern."""
    title: str | None = None
    """By default the file's name, made readable."""
    description: str = ""
    start_offset_ms: int = 0
    duration_ms: int | None = None
    """By default to the end; an hour for what has none."""


@dataclass(frozen=True)
class Trouble:
    """Something of a media list that is left out."""

    entry: int
    """Its place in the list."""
    reason: str
    """Names the file."""
    is_outside: bool = False
    """Whether it is left out because it lies outside of the media roots."""


@dataclass(frozen=True)
class Media:
    """A media list resolved."""

    items: tuple[Item, ...]
    troubles: tuple[Trouble, ...]


def resolve(entries: Sequence[Entry], rate: Fraction, library: Library, roots: Sequence[Path] | None = None) -> Media:
    """The items of ``entries``, with lengths in frames of ``rate``. Opens the files that ``library`` does not know.

    :param roots: folders that files must really lie in; ``None`` allows all.
    """
    troubles: list[Trouble] = []
    found: list[tuple[int, str]] = []
    for number, entry in enumerate(entries):
        assets = list(_assets(entry.source))
        if not assets:
            troubles.append(Trouble(number, f"no media here: {entry.source}"))
        for asset in assets:
            if roots is None or _is_inside(asset, roots):
                found.append((number, asset))
            else:
                troubles.append(Trouble(number, f"outside of the media roots: {asset}", is_outside=True))
    known = library.examine(asset for _, asset in found)
    items = []
    for number, asset in found:
        info = known[asset]
        item = _item(entries[number], asset, info, rate) if isinstance(info, MediaInfo) else str(info)
        if isinstance(item, Item):
            items.append(item)
        else:
            troubles.append(Trouble(number, item))
    return Media(tuple(items), tuple(sorted(troubles, key=lambda trouble: trouble.entry)))


def _assets(source: str) -> Iterator[str]:
    if os.path.isdir(source):
        yield from sorted(_files_below(source), key=natural)
    elif not source.startswith("pattern:") and not os.path.lexists(source) and glob.has_magic(source):
        yield from sorted(_matches(source), key=natural)
    else:
        yield source


def _matches(pattern: str) -> Iterable[str]:
    """The files that ``pattern`` matches, each once: where a link leads to a folder above, there is no end of them."""
    once: dict[tuple[str, str], str] = {}
    for match in sorted(glob.glob(pattern, recursive=True), key=len):
        if not os.path.isdir(match):
            folder, name = os.path.split(match)
            once.setdefault((os.path.realpath(folder), name), match)
    return once.values()


def _files_below(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if MEDIA_NAME.fullmatch(name):
                yield os.path.join(path, name)


def _is_inside(asset: str, roots: Sequence[Path]) -> bool:
    real = Path(os.path.realpath(asset))
    return asset.startswith("pattern:") or any(real.is_relative_to(os.path.realpath(root)) for root in roots)


def _item(entry: Entry, asset: str, info: MediaInfo, rate: Fraction) -> Item | str:
    """The item of one asset, or what is wrong with it."""
    length_ns = entry.duration_ms and entry.duration_ms * 1_000_000
    if info.duration_ns is not None:
        rest_ns = info.duration_ns - entry.start_offset_ms * 1_000_000
        if rest_ns <= 0:
            return f"{asset}: is {info.duration_ms} ms long, and would begin at {entry.start_offset_ms} ms"
        length_ns = min(length_ns or rest_ns, rest_ns)
    length_ns = length_ns or SLOT_MS * 1_000_000
    frames = max(1, -((SAME_INSTANT_NS - length_ns) * rate // 1_000_000_000))
    picture_ms = ceil(1000 / Fraction(info.frame_rate)) if info.frame_rate else 0
    return Item(asset, entry.title or readable(asset), frames, entry.start_offset_ms, entry.description, picture_ms)


def natural(path: str) -> tuple[list[tuple[str, int]], str]:
    """Sorts as people do: part 2 before part 10, whatever the case."""
    pieces = re.findall(r"([^0-9]*)([0-9]*)", path)
    return [(text.casefold(), int(digits or -1)) for text, digits in pieces], path


def readable(asset: str) -> str:
    """A title from the name of a file: ``The_Late.Show.mp4`` is called ``The Late.Show``."""
    if asset.startswith("pattern:"):
        return asset.removeprefix("pattern:").capitalize()
    stem = Path(asset).stem
    words = stem.replace("_", " ")
    return " ".join((words if " " in words else words.replace(".", " ")).split()) or stem
