"""The command ``air-server`` as the package brings it along; what it serves is in tests/e2e/rpc.

In real time, as processes are.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from air_py import _air

pytestmark = pytest.mark.engine

COMMAND = str(Path(sys.executable).with_name("air-server"))
SOON_S = 1.0
"""By contract, once it has noticed."""


def serve(*flags: str, stdin: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *flags], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


@pytest.mark.parametrize("end", ["hang up", "SIGTERM", "SIGINT"])
def test_a_server_on_a_socket_answers_there_and_ends_with_it(end: str) -> None:
    """TD-8: with 0, within a second, and without a word."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = serve("--stdin", "--log-level", "warn", stdin=theirs.fileno())
        theirs.close()
        engine = _air.RemoteEngine(ours.fileno())
        assert engine.get_version() == "1.0.0"
        began = time.monotonic()
        if end == "hang up":
            engine.hang_up()
        else:
            server.send_signal(signal.Signals[end])
        assert server.communicate(timeout=10) == ("", "")
        assert time.monotonic() - began < SOON_S
        assert server.returncode == 0
        with pytest.raises(ConnectionError):
            engine.get_version()
        engine.close()


def test_what_is_no_socket_is_refused_with_a_reason() -> None:
    server = serve("--stdin", stdin=subprocess.DEVNULL)
    _, said = server.communicate(timeout=10)
    assert server.returncode == 1 and "standard input is no connected stream socket" in said


def test_a_flag_that_makes_no_sense_is_told_as_one() -> None:
    server = serve("--max-channels=none", stdin=subprocess.DEVNULL)
    _, said = server.communicate(timeout=10)
    assert server.returncode == 2 and "--max-channels" in said
