"""Viewers on loopback for `benches.fanout`: a process of their own that reads everything and keeps nothing."""

from __future__ import annotations

import multiprocessing
import select
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

from air_py import ProgramFormat, SinkConfig, render
from tests.media import Clip, make

WATCHED = 50
"""One in so many has its gaps measured."""


@dataclass
class Drain:
    """The host's ends of the connections, and a line to the process with the others."""

    accepted: list[socket.socket]
    line: Connection

    def reset(self) -> None:
        """Gaps are measured from now on."""
        self.line.send("reset")

    def longest_gap_ms(self) -> float:
        self.line.send("gap")
        gap: float = self.line.recv()
        return gap * 1000

    def wait(self, total: int) -> None:
        """Until so many bytes have come."""
        while True:
            self.line.send("bytes")
            if self.line.recv() >= total:
                return
            time.sleep(0.05)


@contextmanager
def drained(viewers: int, port: int | None = None) -> Iterator[Drain]:
    """So many connections: accepted here, or made to a server of ours at `port`."""
    ours, theirs = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        address = ("127.0.0.1", port or listener.getsockname()[1])
        process = multiprocessing.Process(target=drain, args=(address, viewers, bool(port), theirs), daemon=True)
        process.start()
        accepted = [] if port else [listener.accept()[0] for _ in range(viewers)]
    for one in accepted:
        one.setblocking(False)
    try:
        yield Drain(accepted, ours)
    finally:
        for one in accepted:
            one.close()
        process.terminate()
        process.join()


def drain(address: tuple[str, int], viewers: int, ask: bool, line: Connection) -> None:
    """The process: reads whatever there is into one buffer, and answers."""
    poll, buffer, watched = select.epoll(), bytearray(1 << 18), {}
    sockets = {}
    for number in range(viewers):
        one = socket.create_connection(address)
        if ask:
            one.sendall(b"GET /stream.ts HTTP/1.0\r\n\r\n")
        one.setblocking(False)
        sockets[one.fileno()] = one
        poll.register(one, select.EPOLLIN)
        if number % WATCHED == 0:
            watched[one.fileno()] = 0.0
    poll.register(line, select.EPOLLIN)
    total, longest = 0, 0.0
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == line.fileno():
                word = line.recv()
                if word == "reset":
                    longest, watched = 0.0, dict.fromkeys(watched, 0.0)
                else:
                    line.send(longest if word == "gap" else total)
                continue
            length = sockets[descriptor].recv_into(buffer)
            total += length
            if length == 0:
                poll.unregister(descriptor)
            elif descriptor in watched:
                now, last = time.monotonic(), watched[descriptor]
                longest, watched[descriptor] = max(longest, now - last if last else 0.0), now


@cache
def made_stream() -> bytes:
    """Twelve seconds of a real stream of 6 Mb/s."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "stream.ts"
        clip = make(Clip(size=(1280, 720), seconds=12, noise=12))
        sink = SinkConfig(mux_rate=6_000_000, video_bitrate=5_300_000, preset="ultrafast")
        render([clip], out, format=ProgramFormat(1280, 720), sink=sink)
        return out.read_bytes()
