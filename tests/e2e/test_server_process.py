"""`air-server` as a process: its flags, its sockets, what a supervisor hears of it, and its end.

In real time: it is about a process of its own.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from tests.e2e.air_server import BINARY, free_port
from tests.e2e.control_plane import OPTIONS
from tests.e2e.host import wait_until

ROOT = Path(__file__).parents[2]
NO_METRICS = "--metrics-port=0"

Start = Callable[..., "Process"]


class Process:
    """One `air-server`, whose log is read when it has ended."""

    def __init__(self, *flags: str, **environment: str) -> None:
        self.popen = subprocess.Popen(
            [BINARY, NO_METRICS, *flags], stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """After that signal: (exit status, log)."""
        self.popen.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """By itself: (exit status, log)."""
        _, log = self.popen.communicate(timeout=5)
        return self.popen.returncode, log


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and kills at the end those that are left."""
    started = []

    def one(*flags: str, **environment: str) -> Process:
        started.append(Process(*flags, **environment))
        return started[-1]

    yield one
    for process in started:
        process.popen.kill()
        process.popen.communicate()


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a socket: below 108 bytes."""
    return str(tmp_path_factory.mktemp("s") / "air.sock")


def version(target: str, seconds: float = 10) -> bytes:
    """What GetVersion answers, as bytes of the wire."""
    with grpc.insecure_channel(target, OPTIONS) as channel:
        call = channel.unary_unary("/retrovue.playout.PlayoutControl/GetVersion")
        return bytes(call(b"", timeout=seconds, wait_for_ready=True))


ONE_ZERO_ZERO = b"\x0a\x051.0.0"


def test_it_answers_on_the_port_it_is_given_and_says_nothing_on_stdout(start: Start) -> None:
    """PR-2. TD-8: SIGTERM ends it with 0 within a second."""
    port = free_port()
    process = start(f"--port={port}", "--control-surface-only", "--frobnicate", "7")
    assert version(f"127.0.0.1:{port}") == ONE_ZERO_ZERO
    began = time.monotonic()
    status, log = process.end()
    assert (status, time.monotonic() - began < 1) == (0, True)
    for told in (f"gRPC on 127.0.0.1:{port}", "ignored: --frobnicate", "ignored: 7", "SIGTERM: stopping"):
        assert told in log
    assert "control-surface-only" not in log and "authentication" not in log


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_it_listens_on_an_address_of_any_form(start: Start, host: str) -> None:
    port = free_port()
    process = start("-a", f"{host}:{port}")
    assert version(f"{host}:{port}") == ONE_ZERO_ZERO
    status, log = process.end(signal.SIGINT)
    assert status == 0 and "SIGINT: stopping" in log and "authentication" not in log


def test_an_address_beyond_loopback_is_said_to_be_open_to_all(start: Start) -> None:
    port = free_port()
    process = start(f"--address=0.0.0.0:{port}")
    assert version(f"127.0.0.1:{port}") == ONE_ZERO_ZERO
    _, log = process.end()
    assert re.search(r"WARN .*0\.0\.0\.0:\d+ is open to others, unencrypted and without authentication", log)


def test_the_socket_is_its_users_only_and_gone_at_the_end(start: Start, path: str) -> None:
    process = start(f"--uds={path}")
    assert version(f"unix:{path}") == ONE_ZERO_ZERO
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert process.end()[0] == 0
    assert not os.path.exists(path)


def test_a_killed_servers_socket_gives_way_and_a_living_ones_does_not(start: Start, path: str) -> None:
    first = start(f"--uds={path}")
    assert version(f"unix:{path}") == ONE_ZERO_ZERO
    first.end(signal.SIGKILL)
    assert os.path.exists(path)
    start(f"--uds={path}")
    assert version(f"unix:{path}") == ONE_ZERO_ZERO
    status, log = start(f"--uds={path}").ended()
    assert status == 1 and f"cannot listen on {path}: another process listens there" in log
    assert version(f"unix:{path}") == ONE_ZERO_ZERO


def test_a_server_that_ends_late_leaves_its_successors_socket(start: Start, path: str) -> None:
    first = start(f"--uds={path}")
    assert version(f"unix:{path}") == ONE_ZERO_ZERO
    os.unlink(path)
    start(f"--uds={path}")
    assert version(f"unix:{path}") == ONE_ZERO_ZERO
    assert first.end()[0] == 0
    assert version(f"unix:{path}") == ONE_ZERO_ZERO


@pytest.mark.parametrize(
    "name, reason",
    [("file", "there is a file already, which is no socket"), ("none/s", "No such file"), ("x" * 108, "SUN_LEN")],
)
def test_a_path_that_cannot_be_a_socket_is_told(start: Start, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("kept")
    status, log = start(f"--uds={tmp_path / name}").ended()
    assert status == 1 and f"cannot listen on {tmp_path / name}: " in log and reason in log
    assert (tmp_path / "file").read_text() == "kept"


def test_a_port_in_use_is_told(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, log = start(f"--port={port}").ended()
    assert status == 1 and f"cannot listen on 127.0.0.1:{port}: Address already in use" in log


def test_a_media_root_that_is_none_is_told(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, reason in (("none", "No such file or directory"), ("file", "Not a directory")):
        status, log = start(f"--media-root={tmp_path / name}").ended()
        assert status == 1 and f"media root {tmp_path / name}: {reason}" in log


def test_a_value_that_makes_no_sense_ends_it_with_2_before_it_listens(start: Start) -> None:
    status, log = start("--port=65536").ended()
    assert (status, log.splitlines()) == (
        2,
        ['air-server: --port "65536": number too large to fit in target type', "Try air-server --help."],
    )


def test_the_documentation_has_every_flag_and_no_other() -> None:
    told = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
    documented = (ROOT / "docs/server.md").read_text().partition("## Flags")[2].partition("\n## ")[0]
    flags = re.compile(r"--[a-z][a-z-]+")
    assert set(flags.findall(documented)) == set(re.findall(r"^ .{5}(--[a-z-]+)", told, re.M))


def test_the_image_has_the_libraries_that_the_program_wants() -> None:
    """Debian names a library's package after its soname; the rest of what it needs those packages depend on."""
    needed = subprocess.run(["readelf", "-d", BINARY], capture_output=True, text=True, check=True).stdout
    wanted = {"".join(match) for match in re.findall(r"NEEDED.*\[(lib(?:av|sw)\w+)\.so\.(\d+)\]", needed)}
    installed = (ROOT / "packaging/docker/Dockerfile").read_text().rpartition("FROM ")[2]
    assert wanted and wanted == set(re.findall(r"\blib(?:av|sw)\w+\d\b", installed))


def test_more_connections_than_it_takes_are_refused_and_disturb_nobody(start: Start) -> None:
    port = free_port()
    process = start(f"--port={port}")
    assert version(f"127.0.0.1:{port}") == ONE_ZERO_ZERO
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(256)]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as refused:
        assert refused.recv(1) == b""
    for one in held:
        one.close()
    assert wait_until(lambda: version(f"127.0.0.1:{port}", 1) == ONE_ZERO_ZERO)
    assert "a connection is refused" in process.end()[1]


def test_a_request_that_is_too_large_is_refused(start: Start) -> None:
    port = free_port()
    start(f"--port={port}")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/retrovue.playout.PlayoutControl/UpdatePlan")
        with pytest.raises(grpc.RpcError) as refused:
            call(bytes(1 << 21), timeout=10, wait_for_ready=True)
    assert refused.value.code() in (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED)


@contextmanager
def supervisor(address: str) -> Iterator[Callable[[], str]]:
    """What a service is told by `sd_notify`, a message a call."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        ear.settimeout(5)
        yield lambda: ear.recv(4096).decode()


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_a_supervisor_hears_that_it_is_ready_and_answers_and_stops(start: Start, path: str, abstract: bool) -> None:
    """READY=1 once it listens, WATCHDOG=1 at half the interval (here 100 ms; once it has come late, for that is real
    time on a machine that does other things), STOPPING=1."""
    address = f"@air-test-{os.getpid()}" if abstract else f"{path}.notify"
    with supervisor(address) as heard:
        process = start(f"--uds={path}", NOTIFY_SOCKET=address, WATCHDOG_USEC="200000")
        assert heard() == "READY=1"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        assert heard() == "WATCHDOG=1"
        began = time.monotonic()
        assert [heard() for _ in range(5)] == ["WATCHDOG=1"] * 5
        assert 0.35 < time.monotonic() - began < 2
        process.popen.terminate()
        while (told := heard()) != "STOPPING=1":
            assert told == "WATCHDOG=1"
        assert process.ended()[0] == 0


def test_a_stopped_process_reassures_nobody(start: Start, path: str) -> None:
    """What the watchdog is for. A second of silence is real time."""
    with supervisor(f"{path}.notify") as heard:
        process = start(f"--uds={path}", NOTIFY_SOCKET=f"{path}.notify", WATCHDOG_USEC="200000")
        assert [heard(), heard()] == ["READY=1", "WATCHDOG=1"]
        process.popen.send_signal(signal.SIGSTOP)
        told = 0
        with pytest.raises(TimeoutError):
            while heard():
                told += 1
        assert told <= 1, "beyond what was on its way"


def test_a_watchdog_of_another_process_hears_nothing(start: Start, path: str) -> None:
    with supervisor(f"{path}.notify") as heard:
        process = start(
            f"--uds={path}", NOTIFY_SOCKET=f"{path}.notify", WATCHDOG_USEC="1000", WATCHDOG_PID=str(os.getpid())
        )
        assert heard() == "READY=1"
        assert version(f"unix:{path}") == ONE_ZERO_ZERO
        process.popen.terminate()
        assert heard() == "STOPPING=1"


def test_a_supervisor_that_is_gone_stops_nothing(start: Start, path: str) -> None:
    process = start(f"--uds={path}", NOTIFY_SOCKET=f"{path}.none", WATCHDOG_USEC="1000000")
    assert version(f"unix:{path}") == ONE_ZERO_ZERO
    status, log = process.end()
    assert status == 0 and "READY=1 did not reach the supervisor" in log
