"""The progress bar of a rendering, on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from .rendering import Progress

__all__ = ["shown", "text"]

_WIDTH = 30
"""Cells of the bar."""


@contextmanager
def shown(frame_rate: Fraction) -> Iterator[Callable[[Progress], None] | None]:
    """What shows progress on the terminal's last line, gone again at the end; ``None`` when there is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():  # It is None where it was closed by who called.
        yield None
        return
    begun = time.monotonic()

    def show(progress: Progress) -> None:
        # What wraps could not be taken back. A terminal that does not know its width says 0.
        width = os.get_terminal_size(sys.stderr.fileno()).columns
        line = text(progress, frame_rate, time.monotonic() - begun)[: width - 1 if width else None]
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def text(progress: Progress, frame_rate: Fraction, seconds: float) -> str:
    """How far it is, how fast against real time, and how long it will take; ``seconds`` have passed."""
    speed = float(progress.ticks / frame_rate) / seconds if seconds else 0.0
    if not progress.total_ticks:
        return f"{progress.ticks} frames, {speed:.1f}x"
    done = min(progress.ticks / progress.total_ticks, 1.0)
    left = seconds / done * (1 - done) if done else 0.0
    bar = "#" * round(done * _WIDTH)
    minutes, rest = divmod(round(left), 60)
    return f"[{bar:.<{_WIDTH}}] {done:4.0%}  {progress.ticks} frames, {speed:.1f}x, {minutes}:{rest:02} left"
