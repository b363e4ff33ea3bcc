"""Plans as TOML files: the segments of a rendering, one table each.

.. code-block:: toml

    [[segment]]
    asset = "Lights, camera, action.mp4"
    start_offset_ms = 1500
    duration_ms = 20000

    [[segment]]
    asset = "pattern:black"
    duration_ms = 2000
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from .rendering import Segment

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["load_plan"]

_KEYS = {"asset": str, "start_offset_ms": int, "duration_ms": int}


def load_plan(path: str | os.PathLike[str]) -> list[Segment]:
    """The segments of the plan at ``path``. Assets are named from where the plan is, unless their path is absolute.

    :raises OSError: the file cannot be read.
    :raises ValueError: it is no TOML, or no plan; the text says which segment is wrong, counted from 1.
    """
    with open(path, "rb") as file:
        try:
            document = tomllib.load(file)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from error
    tables = document.pop("segment", None)
    if document or not isinstance(tables, list) or not tables:
        raise ValueError(f"{os.fspath(path)}: a plan is tables [[segment]] and nothing else")
    folder = Path(path).parent
    return [_segment(table, folder, f"{os.fspath(path)}: segment {number}") for number, table in enumerate(tables, 1)]


def _segment(table: Any, folder: Path, place: str) -> Segment:
    if not isinstance(table, dict) or "asset" not in table:
        raise ValueError(f"{place}: has no asset")
    for key, value in table.items():
        if key not in _KEYS:
            raise ValueError(f"{place}: no such key: {key}; there are {', '.join(_KEYS)}")
        if type(value) is not _KEYS[key]:
            raise ValueError(f"{place}: {key} must be {_KEYS[key].__name__}, not {value!r}")
    asset = table["asset"]
    try:
        return Segment(**{**table, "asset": asset if asset.startswith("pattern:") else str(folder / asset)})
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
