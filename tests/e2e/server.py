"""`air-py serve` in a process of its own, and viewers of it that measure what they get."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from air_py import Report, check
from tests.e2e.host import AIR_PY, wait_until
from tests.e2e.packets import PACKET
from tests.media import Clip, make

FORMAT = "640x360@30000/1001"


class Server:
    """One `air-py serve` on a port of its own; killed at the end of its context."""

    def __init__(self, *arguments: str, format: str | None = FORMAT, **environment: str) -> None:
        formatted = ["--format", format] if format else []
        self.process = subprocess.Popen(
            [AIR_PY, "serve", "--port", "0", *formatted, *arguments],
            env=os.environ | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.url = self._first_url()
        """Of the first channel."""
        self.base = self.url.rpartition("/channels/")[0]

    def _first_url(self) -> str:
        """The first line that is no record of the log."""
        assert self.process.stdout
        return next(line.strip() for line in self.process.stdout if line.startswith("http"))

    @property
    def pid(self) -> int:
        return self.process.pid

    def interrupt(self, number: int = signal.SIGINT) -> tuple[int, float, str]:
        """A signal, Ctrl-C by default: (exit status, seconds it took, all it printed)."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            text, _ = self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, time.monotonic() - began, text

    def watch(self, channel_id: int = 1) -> Viewer:
        """A viewer of a channel."""
        return Viewer(f"{self.base}/channels/{channel_id}.ts")

    def json(self, path: str) -> Any:
        """What is at `path`, which is JSON."""
        with get(self.base + path) as response:
            return json.load(response)

    def status(self, channel_id: int = 1) -> Any:
        """How a channel stands."""
        return self.json(f"/api/channels/{channel_id}")

    def has_no_viewer(self) -> bool:
        """Whether every engine is gone, by threads' names; Python's threads have none before Python 3.14."""
        return not any(name.startswith("air-ch") for name in thread_names(self.pid))

    def is_off_the_air(self) -> bool:
        """Waits until every engine is gone."""
        return wait_until(self.has_no_viewer)

    def held(self) -> tuple[int, int]:
        """(descriptors, threads) of the process."""
        return len(os.listdir(f"/proc/{self.pid}/fd")), len(os.listdir(f"/proc/{self.pid}/task"))

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()


class Viewer:
    """One GET on a socket of its own: the head of the answer, then bytes with the moments they came at."""

    def __init__(self, url: str, headers: str = "") -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self.began = time.monotonic()
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: air\r\n{headers}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            received = self.socket.recv(65536)
            if not received:
                break
            head += received
        self.answered_ms = (time.monotonic() - self.began) * 1000
        """From before the connection to the head of the answer."""
        self.head, _, rest = head.partition(b"\r\n\r\n")
        self.status = int(self.head.split(b" ", 2)[1]) if self.head else 0
        self.data = bytearray(rest)
        self.arrivals: list[tuple[int, float]] = [(len(rest), time.monotonic())] if rest else []
        """(bytes so far, when)."""

    def read(self, most: int = 262_144) -> bool:
        """Waits for the next bytes; false at the end of the stream."""
        received = self.socket.recv(most)
        self.data += received
        self.arrivals.append((len(self.data), time.monotonic()))
        return bool(received)

    def read_for(self, seconds: float) -> bytes:
        """All that comes in that time, or to the end of the stream."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.read():
            pass
        return bytes(self.data)

    def ms_until(self, size: int) -> float:
        """From the request until that many bytes had come."""
        return (next(when for have, when in self.arrivals if have >= size) - self.began) * 1000

    @property
    def longest_gap_ms(self) -> float:
        """Between two arrivals."""
        times = [when for _, when in self.arrivals]
        return max(((after - before) * 1000 for before, after in itertools.pairwise(times)), default=0.0)

    def leave(self) -> None:
        """Closes the connection."""
        self.socket.close()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()


def channels_file(folder: Path, playlists: dict[int, list[Clip]], extra: str = "") -> Path:
    """Channels at 640x360 that have been on since long ago; `extra` are lines for each."""
    text = 'media_roots = ["/"]\n'
    for number, clips in playlists.items():
        media = [str(make(clip)) for clip in clips]
        text += f'[[channel]]\nid = {number}\nname = "Channel {number}"\nformat = "640x360@30000/1001"\n'
        text += f"playlist = {{ media = {media}, epoch = 2026-01-01T00:00:00Z }}\n{extra}"
    file = folder / "channels.toml"
    file.write_text(text)
    return file


def judged(data: bytes | bytearray) -> Report:
    """What the judge says of a capture, a part of a packet at its end left out."""
    return check(bytes(data[: len(data) // PACKET * PACKET]), profile="house")


def get(url: str, method: str = "GET", **headers: str):  # type: ignore[no-untyped-def]
    """An answer of urllib's."""
    return urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=5)


def thread_names(pid: int) -> list[str]:
    """Of all threads of a process."""
    names = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            names.append((task / "comm").read_text())
        except OSError:  # ended meanwhile
            continue
    return names
