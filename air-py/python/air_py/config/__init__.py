"""The channels file, ``channels.toml``: every channel with its format, its encoder and its schedule.

``docs/channels.md`` describes it. All that is wrong with a file is told at once, each with its line. Whoever airs the
channels decides what a changed file means; equal channels air the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..channel import Channel
from ..schedule import Library
from .channels import Lookup, read_channel
from .document import ConfigError, ConfigProblem, parse
from .values import text

__all__ = ["Config", "ConfigError", "ConfigProblem", "load_config"]


@dataclass(frozen=True)
class Config:
    """What a channels file says."""

    path: Path
    channels: tuple[Channel, ...]
    """In the order of the file; their ids differ."""
    media_roots: tuple[Path, ...]
    """Folders that every file on air really lies in."""
    warnings: tuple[ConfigProblem, ...] = ()
    """What is skipped on air: media that are not there or cannot be played, blocks that another one hides."""


def load_config(path: str | os.PathLike[str], *, library: Library | None = None) -> Config:
    """Reads a channels file and opens the media it names, which may take a while; call it from a thread of its own
    where others wait.

    :param library: what is known of media already, so that a file read again opens only what is new.
    :raises OSError: the file cannot be read.
    :raises ConfigError: it is of no use; all reasons are in it.
    """
    document = parse(path)
    notes, folder = document.notes, Path(os.path.abspath(path)).parent
    roots = tuple(document.array("media_roots", lambda value: _media_root(value, folder))) or (folder,)
    lookup, taken = Lookup(folder, roots, library or Library()), set[int]()
    channels = [read_channel(table, lookup, taken) for table in document.tables("channel")]
    if not channels and "channel" not in document:
        notes.add((), "has no channel; one begins with [[channel]]")
    document.close()
    problems, warnings = _by_line(notes.problems), _by_line(lookup.warnings)
    if problems:
        raise ConfigError(path, problems, warnings)
    return Config(Path(path), tuple(channels), roots, tuple(warnings))


def _by_line(problems: list[ConfigProblem]) -> list[ConfigProblem]:
    return sorted(problems, key=lambda problem: problem.line)


def _media_root(value: Any, folder: Path) -> Path:
    root = folder / text(value)
    if not root.is_dir():
        raise ValueError(f"no such folder: {root}")
    if not os.access(root, os.R_OK | os.X_OK):
        raise ValueError(f"not readable: {root}")
    return root
