"""A host in a few lines: puts assets on air, reads the stream at its own pace, counts what a process holds.

Reads with a plain socket where a test is about *when* bytes are read; everything else goes through `air_py`.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import air_py
from air_py import Engine, ProgramFormat, SinkConfig, StreamTransport

FORMAT = ProgramFormat(640, 360, "30000/1001")
FORMAT_25 = ProgramFormat(640, 360, "25/1")
QUICK = SinkConfig(preset="ultrafast")
"""An encoder that costs little where a test does not look at it."""
ENGINES: list[type[Engine]] = [Engine]
"""What engines are made of, the last one: see `engines_of`."""
AIR_PY = str(Path(sys.executable).with_name("air-py"))


class Listener:
    """The listening end of a Unix socket, which reads only when it is told to."""

    def __init__(self) -> None:
        # Not pytest's tmp_path: a socket's path has to stay under 108 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="air-")
        self.endpoint = f"{self._folder.name}/ts"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self.endpoint)
        self._server.listen(1)
        self._server.settimeout(2)
        self._peer: socket.socket | None = None

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._server.close()
        self._folder.cleanup()

    def read_for(self, seconds: float) -> bytes:
        """What comes in this time; less time if the peer closes."""
        data, until = bytearray(), time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._connected.settimeout(left)
            try:
                part = self._connected.recv(65536)
            except TimeoutError:
                break
            if not part:
                break
            data += part
        return bytes(data)

    def read_to_end(self) -> bytes:
        """Everything until the peer closes, which it has to do within two seconds."""
        data = bytearray()
        self._connected.settimeout(2)
        while part := self._connected.recv(65536):
            data += part
        return bytes(data)

    def hang_up(self) -> None:
        """Close the connection without reading what is in it."""
        if self._peer:
            self._peer.close()
            self._peer = None

    @property
    def _connected(self) -> socket.socket:
        if self._peer is None:
            self._peer, _ = self._server.accept()
        return self._peer


@contextmanager
def engines_of(kind: type[Engine]) -> Iterator[None]:
    """All engines made meanwhile are of this kind."""
    ENGINES.append(kind)
    try:
        yield
    finally:
        ENGINES.pop()


@contextmanager
def channel(sink: SinkConfig = QUICK, format: ProgramFormat = FORMAT) -> Iterator[Engine]:
    """An engine with channel 1 started, stopped at the end."""
    with ENGINES[-1](sink) as engine:
        expect(engine.start_channel(1, program_format=format))
        yield engine
        expect(engine.stop_channel(1))


@contextmanager
def on_air(asset: str | Path, listener: Listener, sink: SinkConfig = QUICK) -> Iterator[Engine]:
    """Channel 1 playing `asset` into the listener."""
    with channel(sink) as engine:
        expect(engine.attach_stream(1, endpoint=listener.endpoint))
        take(engine, asset)
        yield engine


def take(engine: Engine, asset: str | Path) -> None:
    """Cue the asset and put it on air at once."""
    expect(engine.load_preview(1, asset_path=asset))
    expect(engine.switch_to_live(1))


def expect(reply: air_py.Reply) -> None:
    """Fail with the engine's own words when it refused."""
    assert reply.success, reply.message


@contextmanager
def drained(listener: Listener) -> Iterator[None]:
    """A reader that keeps up, for tests that do not look at the bytes."""
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            listener.read_for(0.1)

    thread = threading.Thread(target=read, name="reader")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True)
class Holdings:
    """What this process holds of the system."""

    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Holdings:
        """Counted from /proc."""
        return cls(len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))


def resident_bytes(pid: int | str = "self") -> int:
    """The memory a process has in use; this one by default."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_ms(pid: int) -> int:
    """Milliseconds that a process has run, in steps of the system's, ten as a rule."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def wait_until(happened: Callable[[], bool], seconds: float = 2) -> bool:
    """Whether `happened()` comes true in time; asked every few milliseconds, because engines tell it by polling."""
    until = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def unreachable(folder: Path) -> list[tuple[StreamTransport, str]]:
    """Endpoints of each transport that cannot be attached to."""
    (folder / "file").touch()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(folder / "deaf"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    uds, tcp = StreamTransport.UNIX_DOMAIN_SOCKET, StreamTransport.TCP_LOOPBACK
    return [
        (uds, str(folder / "missing")),
        (uds, str(folder / "deaf")),
        (uds, str(folder / "file")),
        (uds, str(folder)),
        (uds, "/tmp/" + "x" * 108),
        (uds, ""),
        (tcp, f"127.0.0.1:{port}"),
        (tcp, "192.0.2.1:9000"),
        (tcp, "example.org:9000"),
        (tcp, "127.0.0.1:port"),
        (tcp, ""),
    ]
