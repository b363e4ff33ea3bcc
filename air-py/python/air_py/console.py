"""Log lines on standard error that can never hold the programme up."""

from __future__ import annotations

import logging
import select
import sys

__all__ = ["configure"]

_PIPE_BUF = 4096
"""A pipe that polls as writable takes this much without blocking (pipe(7))."""


class _NeverBlocking(logging.Handler):
    """Writes a line if its reader takes it and drops it otherwise, as when output goes to a pager left open."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode(errors="replace")[: _PIPE_BUF - 1] + b"\n"
            output = sys.stderr.fileno()
            poll = select.poll()
            poll.register(output, select.POLLOUT)
            if poll.poll(0):
                with open(output, "wb", buffering=0, closefd=False) as raw:
                    raw.write(line)
        except Exception:
            self.handleError(record)


def configure(level: str) -> None:
    """Sends log records of at least ``level`` (``debug``, ``info``, …) to standard error."""
    handler = _NeverBlocking()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # The event loop and the web server have little to say below a warning that concerns playout.
    for name in ("asyncio", "uvicorn"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
