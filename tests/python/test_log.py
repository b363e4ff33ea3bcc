"""Engine records in Python's logging."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from air_py import Engine, ProgramFormat
from air_py.isolated import IsolatedEngine
from air_py.log import logger_name

FORMAT = ProgramFormat(640, 360)


@pytest.mark.parametrize(
    "target, name",
    [("air_core::output::sink", "air.core.output.sink"), ("air_av::log", "air.av.log"), ("libav", "air.libav")],
)
def test_engine_modules_are_loggers_below_air(target: str, name: str) -> None:
    assert logger_name(target) == name


class Records(logging.Handler):
    """Keeps records; with ``gate`` it takes none before that opens."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        super().__init__()
        self.names: list[str] = []
        self.texts: list[str] = []
        self.came = threading.Event()
        self._gate = gate

    def emit(self, record: logging.LogRecord) -> None:
        if self._gate is not None:
            self._gate.wait(10)
        self.names.append(record.name)
        self.texts.append(record.getMessage())
        self.came.set()


@pytest.mark.engine
def test_engine_records_arrive_below_the_logger_air() -> None:
    handler, logger = Records(), logging.getLogger("air")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with Engine() as engine:
            engine.start_channel(1, program_format=FORMAT)
            engine.load_preview(1, asset_path="/nonexistent")
        assert handler.came.wait(5)
        assert all(name.startswith("air.") for name in handler.names)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


@pytest.mark.engine
def test_a_stop_while_a_file_opens_is_no_fault_of_the_files(tmp_path: Path) -> None:
    """TD-2: nothing is said of it; what is said next is of another."""
    fifo = tmp_path / "slow.ts"
    os.mkfifo(fifo)
    handler, logger = Records(), logging.getLogger("air")
    logger.addHandler(handler)
    try:
        with Engine() as engine:
            engine.start_channel(1, program_format=FORMAT)
            loading = threading.Thread(target=lambda: engine.load_preview(1, asset_path=fifo))
            loading.start()
            with fifo.open("wb"):  # which waits until it is being read
                assert engine.stop_channel(1)
                loading.join()
            engine.start_channel(2, program_format=FORMAT)
            engine.load_preview(2, asset_path="/nonexistent")
        assert handler.came.wait(5)
        assert "/nonexistent" in handler.texts[0]
    finally:
        logger.removeHandler(handler)


@pytest.mark.engine
@pytest.mark.parametrize("make", [Engine, IsolatedEngine])
def test_a_record_says_which_channel_and_what_of_it(make: type[Engine], caplog: pytest.LogCaptureFixture) -> None:
    """In its text for people, and as fields for machines."""
    caplog.set_level(logging.INFO, logger="air")
    with make() as engine:
        engine.start_channel(7, program_format=FORMAT)
        engine.load_preview(7, asset_path="pattern:bars")
        engine.switch_to_live(7)
        assert engine.next_event(5)
    taken = wait_for(lambda: [record for record in caplog.records if record.getMessage().startswith("taken ")])
    assert taken.fields == {"segment": 1, "asset": "pattern:bars", "tick": 0, "channel": 7}  # type: ignore[attr-defined]
    assert taken.getMessage() == "taken segment=1 asset=pattern:bars tick=0 channel=7"


def wait_for(look: Callable[[], list[logging.LogRecord]]) -> logging.LogRecord:
    """The first record found; a thread hands them on."""
    deadline = time.monotonic() + 5
    while not (found := look()):
        assert time.monotonic() < deadline
    return found[0]


@pytest.mark.engine
def test_a_stuck_handler_does_not_hold_the_engine_up() -> None:
    """L-44"""
    gate = threading.Event()
    handler, logger = Records(gate), logging.getLogger("air")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with Engine() as engine:
            for number in range(2000):
                assert engine.start_channel(number, program_format=FORMAT)
                assert engine.stop_channel(number)
    finally:
        gate.set()
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
