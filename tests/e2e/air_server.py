"""`air-server` in a process of its own: started for a test, waited for until it answers, and looked at when it ends.

Knows nothing of what is asked of it; clients are in `control_plane`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests.e2e.control_plane import Client
from tests.e2e.host import Holdings, resident_bytes, wait_until
from tests.e2e.server import thread_names

_TARGET = Path(__file__).parents[2] / os.environ.get("CARGO_TARGET_DIR", "target")
BINARY: str = os.environ.get("AIR_SERVER") or str(_TARGET / "release" / "air-server")
QUICK = ("--preset", "ultrafast")
"""An encoder that costs little where a test does not look at it."""
ANSWERS_WITHIN = 10.0
"""Seconds from the start of the process; it takes a tenth, but for a wrapper that makes it slow."""
ENDS_WITHIN = 1.0
"""Seconds from SIGTERM to the end, by contract (TD-8)."""


class AirServer:
    """A server that answers, and at the end of its context is stopped; it has to leave with 0 and leave nothing.

    `tcp` has it listen on a port of 127.0.0.1 instead of a Unix socket. `wrapped_in` is a command to run it under.
    """

    def __init__(self, *flags: str, tcp: bool = False, wrapped_in: Sequence[str] = ()) -> None:
        # Not pytest's tmp_path: a socket's path has to stay under 108 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="air-")
        self.folder = Path(self._folder.name)
        self.socket = self.folder / "grpc"
        self.target = f"127.0.0.1:{free_port()}" if tcp else f"unix:{self.socket}"
        place = ["--port", self.target.rpartition(":")[2]] if tcp else ["--uds", str(self.socket)]
        self.metrics_port = free_port()
        place += ["--metrics-port", str(self.metrics_port)]
        self._command = [*wrapped_in, BINARY, *place, *QUICK, *flags]
        self.start()

    def start(self) -> None:
        """Starts the process, again with the same command if it has ended."""
        with open(self.folder / "out", "ab") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        self.client = Client(self.target)
        if not wait_until(self._is_there, ANSWERS_WITHIN):
            self.process.kill()
            raise RuntimeError(f"air-server did not answer:\n{self.log}")

    def _is_there(self) -> bool:
        assert self.process.poll() is None, f"air-server ended:\n{self.log}"
        return self.client.is_answered()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """All it has written to standard error."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def stdout(self) -> str:
        """All it has written to standard output: nothing, ever."""
        return (self.folder / "out").read_text(errors="replace")

    def holdings(self) -> Holdings:
        """What it holds now. The pool of threads that wait for calls comes and goes, and is left out."""
        threads = [name for name in thread_names(self.pid) if not name.startswith("air-grpc")]
        return Holdings(len(os.listdir(f"/proc/{self.pid}/fd")), len(threads))

    def settled(self) -> Holdings:
        """The same, once the connections of the calls before are closed: when it stays for a tenth of a second."""
        held = self.holdings()
        time.sleep(0.1)
        while (now := self.holdings()) != held:
            held = now
            time.sleep(0.1)
        return held

    def comes_back_to(self, before: Holdings, seconds: float = 2) -> bool:
        """Whether it holds no more than before, soon."""

        def is_back() -> bool:
            now = self.holdings()
            return now.descriptors <= before.descriptors and now.threads <= before.threads

        return wait_until(is_back, seconds)

    def resident_bytes(self) -> int:
        """The memory it has in use."""
        return resident_bytes(self.pid)

    def terminate(self, number: int = signal.SIGTERM, within: float = 5) -> tuple[int, float]:
        """A signal: (exit status, seconds it took)."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(within), time.monotonic() - began

    def kill(self) -> None:
        """Without warning, as a crash."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> AirServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self.process.poll() is None:
                status, seconds = self.terminate()
                if kind is None:
                    assert (status, self.stdout) == (0, ""), self.log
                    assert seconds < ENDS_WITHIN, f"{seconds:.3f} s to end"
                    assert not self.socket.exists()
            if kind is not None:
                print(self.log)  # pytest shows it with the failure
        finally:
            self.process.kill()
            self.process.wait()
            self._folder.cleanup()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
