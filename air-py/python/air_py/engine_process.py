"""The near side of an engine in a process of its own: starts it, asks it, notices its end, leaves nothing behind.

Answers are the plain fields that the native half gives. The thread that starts the process is the one that reads from
it, so it ends when the process has: ``PR_SET_PDEATHSIG`` is about threads, not processes.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from functools import lru_cache
from typing import Any

from . import engine_child, log, wire
from ._air import AirError
from .courier import Courier

__all__ = ["EngineLost", "EngineProcess"]

_ANSWER_S = 10.0
"""A call that has no answer by then never gets one: the slowest, loading, takes three seconds."""

_STOP_S = 0.15
"""What a stop may take, so that with the kill after it a channel is gone within a quarter of a second."""

_EXIT_S = 0.05
"""What a process that has been stopped, or has hung up, may take to end by itself."""

_FLAGS = ("-I", "-S", "-X", "faulthandler")
"""Nothing of the user's environment is loaded, and a crash says where it was."""

_LAST_WORDS = 4000
"""Characters of what it said as it died."""

_RECORDS = 1024
"""Log records kept for handlers that are late."""

_KINDS: dict[str | None, type[Exception]] = {kind.__name__: kind for kind in (TypeError, OverflowError, ValueError)}


class EngineLost(AirError):
    """The engine's process is gone; the text says how it ended."""


class EngineProcess:
    """An engine's process, which takes the calls of the native engine.

    :raises OSError: no process can be started.
    :raises AirError: the engine does not start.
    """

    def __init__(self, sink: dict[str, Any]) -> None:
        self.lost = threading.Event()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.RLock()  # The garbage collector may have this thread abandon what it is busy with.
        self._end: str | None = None
        """How it ended, once it has."""
        self._closing = False
        self._process: subprocess.Popen[bytes] | None = None
        self._socket, theirs = socket.socketpair()
        started: Future[None] = Future()
        self._reader = threading.Thread(target=self._run, args=(theirs, started), name="air-engine-read", daemon=True)
        self._reader.start()
        started.result()
        try:
            self._ask("open", [sink, min(logging.getLogger("air").getEffectiveLevel(), 255)])
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process ID."""
        assert self._process is not None  # Or there were no such object.
        return self._process.pid

    def __getattr__(self, method: str) -> Any:
        """Any method of the native engine."""
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *arguments: self._ask(method, list(arguments))

    def next_event(self, timeout: timedelta) -> Any:
        """The next event; waits for it on the far side."""
        return self._ask("next_event", [timeout.total_seconds()], _ANSWER_S + timeout.total_seconds())

    def stop_channel(self, channel_id: int) -> Any:
        """Stops the channel, or else the process."""
        return self._ask("stop_channel", [channel_id], _STOP_S)

    def close(self) -> None:
        """Stops what goes on and ends the process, within a quarter of a second. Closing twice is no error."""
        self._closing = True
        try:
            self._ask("close", [], _STOP_S)
        except AirError:
            pass  # It has ended, one way or the other.
        self.abandon()
        self._reader.join()

    def abandon(self) -> None:
        """Has the process end, and waits for nothing."""
        self._closing = True
        with self._lock:
            if self._end is None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It hung up first.

    def _ask(self, method: str, arguments: list[Any], patience_s: float = _ANSWER_S) -> Any:
        answer: Future[Any] = Future()
        with self._lock:
            if self._end is not None:
                raise EngineLost(self._end)
            number = next(self._numbers)
            self._waiting[number] = answer
            try:
                wire.send(self._socket.fileno(), [number, method, arguments])
            except OSError:
                pass  # The reader knows why, or will in a moment.
        try:
            return answer.result(min(patience_s, threading.TIMEOUT_MAX))
        except FutureTimeoutError:
            if self._process is not None:
                self._process.kill()
            return answer.result()  # The end of the process is one.
        finally:
            with self._lock:
                self._waiting.pop(number, None)

    def _run(self, theirs: socket.socket, started: Future[None]) -> None:
        try:
            complaints = self._start(theirs)
        except BaseException as error:
            self._socket.close()
            started.set_exception(error)
            return
        started.set_result(None)
        while (message := wire.receive(self._socket.fileno())) is not None:
            self._take(*message)
        self._finish(complaints)

    def _start(self, theirs: socket.socket) -> int:
        """Starts the process; the descriptor at which its last words can be read."""
        complaints, said = os.pipe()
        os.set_blocking(said, False)  # Nobody reads before the end: what is too much is lost.
        command = [sys.executable, *_FLAGS, engine_child.__file__, str(theirs.fileno()), str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # The terminal's Ctrl-C is for the host.
            )
        except BaseException:
            os.close(complaints)
            raise
        finally:
            os.close(said)
            theirs.close()
        return complaints

    def _take(self, number: int, *message: Any) -> None:
        if not number:
            _records().offer(message)
            return
        with self._lock:
            answer = self._waiting.pop(number, None)
        if answer is None:
            return  # Whoever asked was interrupted.
        fields, error = message
        if error is None:
            answer.set_result(fields)
        else:
            kind, text = error
            answer.set_exception(_KINDS.get(kind, AirError)(text))

    def _finish(self, complaints: int) -> None:
        assert self._process is not None  # It has been started: there was something to read from.
        try:
            self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.set_blocking(complaints, False)
        with open(complaints, "rb") as words:
            last = (words.read() or b"").decode(errors="replace")[-_LAST_WORDS:]
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        with self._lock:
            closed = self._closing
            self._end = "the engine is closed" if closed else f"the engine's process ended: {how}\n{last}".strip()
            answers = list(self._waiting.values())
            self._socket.close()
        if not closed:
            self.lost.set()
        for answer in answers:
            answer.set_exception(EngineLost(self._end))


@lru_cache(maxsize=1)
def _records() -> Courier[Any]:
    """Where log records go: the reader of an engine's answers must not wait for a handler."""
    return Courier("air-log-engines", _log, _RECORDS)


def _log(record: tuple[int, str, str, dict[str, int | str], int], dropped_here: int) -> None:
    level, target, text, fields, dropped = record
    log.hand_on(level, target, text, fields, dropped + dropped_here)
