"""Schedules: what a channel airs when, by the clock on the wall. The engine knows nothing of them.

:class:`Schedule` is the question, :class:`Airing` the answer; :class:`Playlist` and :class:`Grid` answer it from lists
of media, which :func:`resolve` makes items of a known length, counted in frames.
"""

from .airing import Airing, Schedule
from .filler import Filler
from .grid import Blocks, DailyBlock, DatedBlock, Grid
from .library import Library
from .media import Entry, resolve
from .playlist import Playlist
from .reel import Item
from .rendering import segments

__all__ = [
    "Airing",
    "Blocks",
    "DailyBlock",
    "DatedBlock",
    "Entry",
    "Filler",
    "Grid",
    "Item",
    "Library",
    "Playlist",
    "Schedule",
    "resolve",
    "segments",
]
