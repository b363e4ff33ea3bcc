"""An engine whose crash is its own: in a child process, with the methods of :class:`air_py.Engine`."""

from __future__ import annotations

import threading
from typing import cast

from . import _air
from .engine import Engine
from .engine_process import EngineLost, EngineProcess
from .sink import SinkConfig

__all__ = ["EngineLost", "IsolatedEngine"]


class IsolatedEngine(Engine):
    """One playout engine in a process of its own; :class:`air_py.Engine` says what the methods do.

    Arguments are checked before they leave this process. Log records arrive in this process's ``logging``. The child
    dies with its parent, does not see the terminal's Ctrl-C, and inherits no descriptor.

    The child takes a moment to begin, in which calls wait for it; a stop does not, and refuses a start that waits.
    Events come beside the replies: what a call has caused may be told a moment after it, so that
    :meth:`~air_py.Engine.next_event` is better given some time.

    When the child is gone, or does not begin, every call, also one that is waiting, raises :class:`EngineLost`, which
    is an :class:`air_py.AirError`. So does every call after :meth:`close`. A child that does not answer is killed:
    after 150 ms where it is told to stop, else after ten seconds.

    :raises OSError: no process can be started.
    """

    def __init__(self, sink: SinkConfig | None = None) -> None:
        self._process = EngineProcess(sink or SinkConfig())
        self._native = cast(_air.Engine, self._process)

    @property
    def lost(self) -> threading.Event:
        """Set once the child has gone without being told to."""
        return self._process.lost

    @property
    def pid(self) -> int:
        """The child's process ID."""
        return self._process.pid

    def close(self) -> None:
        """Stops the channel and ends the child; it is gone, and nothing of it left, within a quarter of a second."""
        self._process.close()

    def __del__(self) -> None:
        if hasattr(self, "_process"):
            self._process.abandon()

    def __repr__(self) -> str:
        return f"<IsolatedEngine: process {self.pid}, lost>" if self.lost.is_set() else super().__repr__()
