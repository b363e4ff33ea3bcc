"""The library: what is known of files, so that each is opened once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from .._air import AirError
from ..media_info import MediaInfo, probe

__all__ = ["Library"]


class Library:
    """What was found out about media files; asked again when a file's time or size is another. Any thread may ask.

    :param threads: how many files are opened at a time; each may take three seconds.
    """

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self._known: dict[str, tuple[tuple[int, int], MediaInfo]] = {}
        self._lock = threading.Lock()

    def examine(self, assets: Iterable[str]) -> dict[str, MediaInfo | AirError]:
        """What each of ``assets`` is, or why it cannot be played. Returns when the last one is known."""
        wanted = list(dict.fromkeys(assets))
        pool = ThreadPoolExecutor(self._threads, "air-library")
        try:
            return dict(zip(wanted, pool.map(self._examine, wanted), strict=True))
        finally:
            pool.shutdown(cancel_futures=True)

    def _examine(self, asset: str) -> MediaInfo | AirError:
        if _is_not_unicode(asset):
            return AirError(f"not UTF-8, rename the file: {os.fsencode(asset)!r}")
        state = _state(asset)
        with self._lock:
            known_state, info = self._known.get(asset, (None, None))
        if info and state == known_state:
            return info
        try:
            info = probe(asset)
        except AirError as error:
            return error
        if state:
            with self._lock:
                self._known[asset] = state, info
        return info


def _state(asset: str) -> tuple[int, int] | None:
    """Changes when the file does; ``None``: there is no file."""
    try:
        stat = os.stat(asset)
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_size


def _is_not_unicode(name: str) -> bool:
    return name.encode(errors="replace").decode() != name
