"""L-39: Ctrl-C ends whatever the main thread waits for, at once and with ``KeyboardInterrupt``."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from air_py import Engine, ProgramFormat, check, probe

pytestmark = pytest.mark.engine


@contextmanager
def interrupted() -> Iterator[None]:
    """What is inside has to be ended by a Ctrl-C that comes when it is under way."""
    # A job in the background ignores Ctrl-C from its start, and the tests may be one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # A moment, because nothing outside a blocked call tells that it has begun to wait.
    ctrl_c = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    ctrl_c.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
        ctrl_c.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 1


def test_a_wait_for_an_event_is_ended() -> None:
    with Engine() as engine:
        assert engine.start_channel(1, program_format=ProgramFormat(640, 360))
        with interrupted():
            engine.next_event(20)


def test_judging_a_file_without_end_is_ended() -> None:
    with interrupted():
        check("/dev/zero")


def test_waiting_for_the_writer_of_a_pipe_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.ts")
    with interrupted():
        check(tmp_path / "never.ts")


def test_waiting_for_what_a_pipe_brings_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "silent.ts")
    silent_writer = os.open(tmp_path / "silent.ts", os.O_RDWR)
    try:
        with interrupted():
            check(tmp_path / "silent.ts")
    finally:
        os.close(silent_writer)


def test_probing_a_pipe_that_brings_nothing_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "silent.ts")
    silent_writer = os.open(tmp_path / "silent.ts", os.O_RDWR)
    try:
        with interrupted():
            probe(tmp_path / "silent.ts")
    finally:
        os.close(silent_writer)
