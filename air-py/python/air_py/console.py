"""Log lines on standard error that can never hold the programme up: text for people, JSON for machines."""

from __future__ import annotations

import json
import logging
import os
import select
import sys
from datetime import datetime, timezone

from .courier import Courier

__all__ = ["configure"]

_LINES = 1000
"""Kept for a reader that is late."""

_END_S = 0.2
"""What the reader gets to take the last lines when the process ends."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""Attributes that every record has; any other was given with ``extra=``."""


class _JsonFormatter(logging.Formatter):
    """A record as one line of JSON: when, how grave, who, what, and what was given with ``extra=``."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        standard = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        given |= given.pop("fields", {})  # The engine's, together because their names are any.
        if record.exc_info:
            given["exception"] = self.formatException(record.exc_info)
        return json.dumps({**standard, **given, **standard}, default=str)


class _NeverBlocking(logging.Handler):
    """Has a thread write the lines; those that its reader does not take in time are dropped, and counted."""

    def __init__(self) -> None:
        super().__init__()
        self._courier = Courier("air-log-console", self._write, _LINES)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._courier.offer(self.format(record))
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        self._courier.close(_END_S)
        super().close()

    def _write(self, line: str, dropped: int) -> None:
        if dropped:
            text = "%d log lines dropped, since nobody took them"
            told = logging.LogRecord("air.console", logging.WARNING, __file__, 0, text, (dropped,), None)
            _write_line(self.format(told))
        _write_line(line)


def _write_line(line: str) -> None:
    data = memoryview(line.encode(errors="replace") + b"\n")
    try:
        output = sys.stderr.fileno()
        while data:
            # Another program may have left it non-blocking: then to wait is up to us.
            select.select([], [output], [])
            data = data[os.write(output, data) :]
    except (OSError, ValueError):
        pass  # It is closed, and there is nobody left to tell.


def configure(level: str, log_format: str = "text") -> None:
    """Sends log records of at least ``level`` (``debug``, ``info``, …) to standard error, unless they go elsewhere.

    :param log_format: ``text``, or ``json`` for a line of JSON per record.
    """
    if not logging.getLogger().handlers:
        handler = _NeverBlocking()
        text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        handler.setFormatter(_JsonFormatter() if log_format == "json" else text)
        logging.basicConfig(level=level.upper(), handlers=[handler])
    # The event loop and the web server have little to say below a warning that concerns playout.
    for name in ("asyncio", "uvicorn"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
