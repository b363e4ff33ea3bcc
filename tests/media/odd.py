"""Inputs that are not programme material, and that an engine must refuse with a reason and without harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from .clip import Clip
from .making import make


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("This is not a film.\n" * 200)


def _noise(path: Path) -> None:
    path.write_bytes(bytes((i * 2654435761 >> 11) & 255 for i in range(65536)))


def _no_moov(path: Path) -> None:
    path.write_bytes(make(Clip()).read_bytes()[:4096])


def _folder(path: Path) -> None:
    path.mkdir()


def _missing(path: Path) -> None:
    del path


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.mp4"))


def _unreadable(path: Path) -> None:
    path.write_bytes(make(Clip()).read_bytes())
    path.chmod(0)


def _playlist(path: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{make(Clip(container='ts'))}\n#EXT-X-ENDLIST\n")


def _concat_script(path: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{make(Clip())}'\n")


ODD: dict[str, Callable[[Path], None]] = {
    "empty.mp4": _empty,
    "text.mp4": _text,
    "noise.mkv": _noise,
    "no-moov.mp4": _no_moov,
    "folder.mp4": _folder,
    "missing.mp4": _missing,
    "hanging.mp4": _fifo,
    "dangling.mp4": _dangling,
    "unreadable.mp4": _unreadable,
    "playlist.m3u8": _playlist,
    "script.ffconcat": _concat_script,
}
"""Name to maker: called with the path where the odd thing should be."""


def make_odd(name: str, folder: Path) -> Path:
    """Make the odd input `name` in `folder`."""
    path = folder / name
    ODD[name](path)
    return path
