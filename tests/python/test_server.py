"""The end of a server process: exit 0 within a second, whoever watches."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class ServerProcess:
    def __init__(self, temporary: Path, *wrapper: str, config: Path | None = None) -> None:
        arguments = [str(config)] if config else []
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, str(Path(__file__).with_name("fake_server.py")), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(temporary)},
            # The tests may themselves run under nohup, whose children inherit its deafness.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self.port = int(self.says())

    def says(self) -> str:
        """The next line on standard output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip()

    def complains(self) -> bytes:
        """The next line on standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def view(self) -> socket.socket:
        """A viewer that has read the first bytes and reads no more."""
        viewer = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        viewer.sendall(b"GET /channels/1.ts HTTP/1.1\r\nHost: air\r\n\r\n")
        head = viewer.recv(4096)
        assert head.startswith(b"HTTP/1.1 200"), head
        assert b"video/mp2t" in head and b"connection: close" in head.lower()
        return viewer

    def end(self, number: int) -> tuple[int, float, bytes]:
        """Sends a signal; the exit code, the seconds it took and what was on standard error."""
        begun = time.monotonic()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, time.monotonic() - begun, errors


INTERRUPTED = """
import os, signal, sys

class CtrlC:
    def find_spec(self, name, *_):
        if name == loading:
            os.kill(os.getpid(), signal.SIGINT)

loading = sys.argv.pop()
sys.meta_path.insert(0, CtrlC())
from air_py.__main__ import main

sys.exit(main())
"""
"""The command line with Ctrl-C at the moment it comes to load the module that is its last argument."""


@pytest.mark.parametrize("module", ["air_py.cli", "air_py._air", "asyncio", "starlette", "uvicorn"])
def test_ctrl_c_while_it_still_loads_ends_it_with_0(module: str) -> None:
    """TD-8, L-39"""
    command = [sys.executable, "-c", INTERRUPTED, "serve", "--port", "0", module]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path)
    yield server
    server.process.kill()
    server.process.communicate()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_with_0_within_a_second(server: ServerProcess, number: int, tmp_path: Path) -> None:
    """TD-8, L-39"""
    code, seconds, errors = server.end(number)
    assert (code, errors) == (0, b"") and seconds < 1


@pytest.mark.parametrize("number", SIGNALS)
def test_a_viewer_who_does_not_read_does_not_hold_it_up(server: ServerProcess, number: int, tmp_path: Path) -> None:
    """TD-2, TD-8"""
    with server.view():
        assert list(tmp_path.iterdir())
        code, seconds, errors = server.end(number)
    assert (code, errors) == (0, b"") and seconds < 1
    assert list(tmp_path.iterdir()) == []


def test_a_hang_up_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "nohup")
    try:
        server.process.send_signal(signal.SIGHUP)
        with server.view():
            pass
        assert server.end(signal.SIGTERM)[0] == 0
    finally:
        server.process.kill()
        server.process.communicate()


def test_a_hang_up_reloads_what_can_be_and_cuts_no_viewer(tmp_path: Path) -> None:
    config = tmp_path / "channels.toml"
    config.write_text("one")
    server = ServerProcess(tmp_path, config=config)
    try:
        with server.view() as viewer:
            server.process.send_signal(signal.SIGHUP)
            assert server.says() == "one"
            assert viewer.recv(100_000)
        code, _, errors = server.end(signal.SIGTERM)
        assert (code, errors) == (0, b"")
    finally:
        server.process.kill()
        server.process.communicate()


def test_a_changed_file_is_reloaded_and_a_failure_leaves_all_as_it_is(tmp_path: Path) -> None:
    """In real time, as the file system's own is."""
    config = tmp_path / "channels.toml"
    config.write_text("one")
    server = ServerProcess(tmp_path, config=config)
    try:
        config.unlink()
        assert b"reloading failed" in server.complains()
        replacement = tmp_path / "new.toml"
        replacement.write_text("two")
        replacement.rename(config)
        assert server.says() == "two"
        with server.view():
            pass
        assert server.end(signal.SIGTERM)[0] == 0
    finally:
        server.process.kill()
        server.process.communicate()


def test_a_viewer_who_vanishes_frees_the_channel_for_the_next(server: ServerProcess) -> None:
    """TD-7"""
    for _ in range(5):
        server.view().close()
    assert server.end(signal.SIGINT)[0] == 0
