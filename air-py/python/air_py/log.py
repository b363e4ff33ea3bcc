"""Engine records in Python's ``logging``, under the logger ``air``.

The engine never waits for a handler: it leaves records in a bounded queue and this module's one thread hands them
on. When handlers are slow, records are dropped and the next one says how many. The thread starts with the first
engine and ends with the interpreter.

The level of the ``air`` logger is looked at whenever an engine is made; below it nothing is even formatted.
"""

from __future__ import annotations

import atexit
import logging
import threading

from . import _air

__all__ = ["connect", "hand_on", "logger_name"]

_lock = threading.Lock()
_thread: threading.Thread | None = None


def connect() -> None:
    """Starts handing engine records to ``logging``, at the level the ``air`` logger has now."""
    global _thread
    with _lock:
        _air.log_install(min(logging.getLogger("air").getEffectiveLevel(), 255))
        if _thread is None:
            _thread = threading.Thread(target=_drain, name="air-log", daemon=True)
            _thread.start()
            atexit.register(_disconnect)


def _drain() -> None:
    while (record := _air.log_next()) is not None:
        (level, target, text, fields), dropped = record
        hand_on(level, target, text, fields, dropped)


def hand_on(level: int, target: str, text: str, fields: dict[str, int | str], dropped: int) -> None:
    """Logs an engine record, whose ``fields`` are in its text and also its attribute ``fields``."""
    logger = logging.getLogger(logger_name(target))
    if dropped:
        logger.warning("%d log records dropped before the next", dropped)
    logger.log(level, "%s", text, extra={"fields": fields})


def logger_name(target: str) -> str:
    """The logger of an engine module: ``air_core::output::sink`` is ``air.core.output.sink``."""
    return ".".join(target.replace("::", ".").split("_", maxsplit=1)) if target.startswith("air_") else f"air.{target}"


def _disconnect() -> None:
    _air.log_stop()
    if _thread is not None:
        # A handler stuck on a full pipe must not keep the interpreter from ending.
        _thread.join(timeout=0.2)
