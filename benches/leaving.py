"""`python -m benches.leaving [TIMES]`: how soon a channel is gone when its last viewer is, and what is left of it.

Viewers leave at random moments of tune-in and play: by closing, by a reset, and after having stopped to read. Nothing
else should be running.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

from benches.start_stop import report
from benches.tune_in import CLIPS, serving
from tests.e2e.host import cpu_ms, resident_bytes
from tests.e2e.server import Server

RESET = struct.pack("ii", 1, 0)
IDLE_S = 60
WATCH_S = 0.3


def main() -> None:
    """Print the figures."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        os.environ["TMPDIR"] = sockets
        with serving(Path(folder), [[clip] for clip in CLIPS]) as server:
            for _ in range(20):  # Libraries and allocators settle.
                leave(server)
            held, memory = server.held(), resident_bytes(server.pid)
            report("last viewer's leaving to no thread of the channel", [leave(server) for _ in range(times)])
            print(f"descriptors and threads: {held} then {server.held()}")
            print(f"memory: {(resident_bytes(server.pid) - memory) / 2**20:+.1f} MiB over {times} tune-ins")
            print("socket paths left:", os.listdir(sockets))
            used_ms = cpu_ms(server.pid)
            time.sleep(IDLE_S)
            print(f"CPU over {IDLE_S} s without a viewer: {cpu_ms(server.pid) - used_ms} ms")
            status, seconds, text = server.interrupt()
            print(f"then Ctrl-C: exit {status} after {seconds:.2f} s; it had printed {text!r}")


def leave(server: Server) -> float:
    """A viewer of a random channel who leaves in a random way at a random moment: milliseconds to the last sight of a
    thread of the channel. A request may be answered after its viewer has left, so the watch goes on for a while."""
    assert server.is_off_the_air()
    host, port = server.base.removeprefix("http://").split(":")
    viewer = socket.create_connection((host, int(port)))
    viewer.sendall(f"GET /channels/{random.randint(1, len(CLIPS))}.ts HTTP/1.1\r\nHost: air\r\n\r\n".encode())
    moment = time.monotonic() + random.choice([random.uniform(0, 0.3), random.uniform(0, 2)])
    viewer.settimeout(0.01)
    reads = random.random() < 0.7
    while time.monotonic() < moment:
        try:
            if not reads:
                time.sleep(0.01)
            elif not viewer.recv(65536):
                break
        except TimeoutError:
            pass
    if random.random() < 0.5:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    began = last = time.monotonic()
    viewer.close()
    while (now := time.monotonic()) < last + WATCH_S:
        if not server.has_no_viewer():
            last = now
    return (last - began) * 1000


if __name__ == "__main__":
    main()
