"""The near side of an engine in a process of its own: starts it, asks it, notices its end, leaves nothing behind.

The process is an ``air-server`` whose only caller is at the other end of its standard input. What it says on standard
error is log records and, as it dies, last words.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from . import _air, air_server, log
from ._air import AirError
from .courier import Courier
from .sink import SinkConfig

__all__ = ["EngineLost", "EngineProcess"]

_EXIT_S = 0.2
"""What a process that has been hung up on may take to end by itself: with the kill after it, a quarter of a second."""

_FLAGS = ("-I", "-S", "-X", "faulthandler")
"""Of the interpreter. Nothing of the user's environment is loaded, and a crash says where it was."""

_SUPERVISORS = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}
"""Of the environment: where the host's supervisor hears of the host, and of nobody else."""

_LAST_WORDS = 4000
"""Bytes of what it said as it died."""

_LONGEST_LINE = 65_536
"""Bytes of a log record; what is longer is none."""

_RECORDS = 1024
"""Log records kept for handlers that are late."""

_LEVELS = {"ERROR": 40, "WARN": 30, "INFO": 20, "DEBUG": 10, "TRACE": 5}
"""The engine's levels, as numbers of ``logging``."""

_NO_FIELDS = {"timestamp", "level", "target", "threadName", "message"}
"""What every record has; all else in it are its fields."""

_CHANNEL_THREAD = re.compile(r"air-ch(-?\d+)-")
"""Whose channel's thread speaks."""

_Record = tuple[int, str, str, dict[str, int | str]]


class EngineLost(AirError):
    """The engine's process is gone; the text says how it ended."""


class EngineProcess:
    """An engine's process, which takes the calls of the native engine. They wait until it has begun; a stop does not.

    :raises OSError: no process can be started.
    """

    def __init__(self, sink: SinkConfig) -> None:
        self.lost = threading.Event()
        self._end: str | None = None
        """How it ended, once it has."""
        self._closing = False
        self._remote: _air.RemoteEngine | None = None
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = subprocess.Popen(
                _command(sink),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if name not in _SUPERVISORS},
                start_new_session=True,  # The terminal's Ctrl-C is for the host.
            )
            theirs.close()
            self._reader = threading.Thread(target=self._read, name="air-engine-read", daemon=True)
            self._reader.start()
            try:
                self._remote = _air.RemoteEngine(ours.fileno())
            except BaseException:
                ours.close()
                self.close()
                raise

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    def __getattr__(self, method: str) -> Any:
        """Any method of the native engine."""
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *arguments: self._ask(lambda: getattr(self._remote, method)(*arguments))

    def close(self) -> None:
        """Stops what goes on and ends the process, within a quarter of a second. Closing twice is no error."""
        self.abandon()
        self._await_end()
        if self._remote is not None:
            self._remote.close()

    def abandon(self) -> None:
        """Has the process end, and waits for nothing."""
        self._closing = True
        if self._remote is not None:
            self._remote.hang_up()

    def _ask(self, call: Callable[[], Any]) -> Any:
        if self._end is None:
            try:
                return call()
            except ConnectionError:
                self._await_end()
            except TimeoutError:
                self._process.kill()
                self._reader.join()
        raise EngineLost(self._end)

    def _await_end(self) -> None:
        """Waits for a process that has no caller any more; not for long."""
        self._reader.join(_EXIT_S)
        if self._reader.is_alive():
            self._process.kill()
            self._reader.join()

    def _read(self) -> None:
        """The reader's thread: takes what the process says, to its end, and tells of that."""
        assert self._process.stderr is not None
        words = b""
        with self._process.stderr as said:
            while line := said.readline(_LONGEST_LINE):
                if (record := _record(line)) is not None:
                    _records().offer(record)
                else:
                    words = (words + line)[-_LAST_WORDS:]
        code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if self._closing:
            self._end = "the engine is closed"
        else:
            self._end = f"the engine's process ended: {how}\n{words.decode(errors='replace')}".strip()
            self.lost.set()


def _command(sink: SinkConfig) -> list[str]:
    level = logging.getLogger("air").getEffectiveLevel()
    name = next((name for name, number in _LEVELS.items() if number <= level), "TRACE")
    flags = ["--stdin", "--die-with-parent", "--log-format=json", f"--log-level={name.lower()}"]
    return [sys.executable, *_FLAGS, air_server.__file__, *flags, *sink.flags()]


def _record(line: bytes) -> _Record | None:
    """The log record that ``line`` is."""
    try:
        said = json.loads(line)
        level, target, message = _LEVELS[said["level"]], said["target"], said.get("message", "")
    except (ValueError, TypeError, KeyError):
        return None
    fields = {name: _field(value) for name, value in said.items() if name not in _NO_FIELDS}
    if of_channel := _CHANNEL_THREAD.match(said.get("threadName", "")):
        fields.setdefault("channel", int(of_channel[1]))
    text = " ".join([message, *(f"{name}={value}" for name, value in fields.items())])
    return level, target, text, fields


def _field(value: object) -> int | str:
    return value if type(value) is int else str(value)


@lru_cache(maxsize=1)
def _records() -> Courier[_Record]:
    """Where log records go: the reader must not wait for a handler."""
    return Courier("air-log-engines", lambda record, dropped: log.hand_on(*record, dropped), _RECORDS)
