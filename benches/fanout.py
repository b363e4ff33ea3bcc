"""`python -m benches.fanout [VIEWERS]`: CPU that a viewer costs, beside what else could write the same bytes.

One stream of 6 Mb/s, paced as the engine paces it, goes to VIEWERS connections on loopback (default 500), which another
process drains. Of each writer only its own CPU time counts, user and system, per viewer and second of stream; a viewer
of 6 Mb/s who costs 0.15 ms a second leaves room for 6 500 on a core. In one run, one after the other:

- the fan-out, its thread alone, with entry points and judge;
- asyncio: one task that writes 15 KB batches to every `StreamWriter`;
- a C loop over epoll that writes 16 KiB blocks, the ceiling;
- nginx, as fast as the viewers take it, on a file of the same bytes: its cost per byte, and so per 6 Mb/s.

Gaps are between two reads at one viewer in 50. Memory is what the fan-out's process gains per viewer, and what the
kernel holds for sockets (`/proc/net/sockstat`).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benches.fanout_drain import drained, made_stream

RATE = 750_000
"""Bytes per second: 6 Mb/s."""
PIECE = 7 * 188
"""What the engine writes at a time."""
WARM, SECONDS = 2, 9
VIEWERS = 500
NGINX_PORT = 18_573


def main() -> None:
    """Print one row per writer."""
    viewers = int(sys.argv[1]) if len(sys.argv) > 1 else VIEWERS
    print(f"{viewers} viewers, {SECONDS} s\n")
    print("| writer | CPU per viewer-second | viewers per core | longest gap |\n|---|---|---|---|")
    for name, bench in (("fan-out", fanout), ("asyncio", asyncio_writer), ("C, epoll", c_loop), ("nginx", nginx)):
        try:
            cpu, seconds, gap_ms, note = bench(viewers)
        except FileNotFoundError as error:
            print(f"| {name} | – | – | {error} |")
            continue
        per_viewer = cpu / seconds / viewers
        print(f"| {name} | {per_viewer * 1e6:.1f} µs | {1 / per_viewer:.0f} | {gap_ms:.0f} ms |", note, flush=True)


Result = tuple[float, float, float, str]
"""CPU seconds, seconds of stream, longest gap in ms, and what else is to be told."""


def fanout(viewers: int) -> Result:
    """The native thread, by its own clock."""
    from air_py import Fanout

    made_stream()
    with Fanout(name="bench", ring_bytes=RATE) as fan, drained(viewers) as drain:
        wait_until(lambda: "bench-fanout" in map(comm, os.listdir("/proc/self/task")))
        thread = next(tid for tid in os.listdir("/proc/self/task") if comm(tid) == "bench-fanout")
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(fan.endpoint)
            pace(engine.sendall, 0, WARM)
            before = rss(), kernel_pages()
            for connection in drain.accepted:
                fan.hand_over(connection.fileno())
            wait_until(lambda: fan.stats().viewers == viewers)
            began = thread_cpu(thread)
            drain.reset()
            pace(engine.sendall, WARM, WARM + SECONDS)
            cpu = thread_cpu(thread) - began
        memory = (rss() - before[0]) / viewers, (kernel_pages() - before[1]) * 4096 / viewers
        note = f"{memory[0] / 1024:.1f} KiB in the process, {memory[1] / 1024:.1f} KiB in the kernel a viewer"
        return cpu, SECONDS, drain.longest_gap_ms(), note


def asyncio_writer(viewers: int) -> Result:
    """What a plain ASGI server does: a batch, and a write for each viewer."""

    async def run(sockets: list[socket.socket], reset: Callable[[], None]) -> float:
        writers = [(await asyncio.open_connection(sock=one))[1] for one in sockets]
        stream, batch = made_stream(), 15 * 1024
        began = time.monotonic()
        cpu, sent, warm = time.process_time(), 0, False
        while sent < RATE * (WARM + SECONDS):
            await asyncio.sleep(max(0.0, began + sent / RATE - time.monotonic()))
            if not warm and sent >= WARM * RATE:
                cpu, warm = time.process_time(), True
                reset()
            piece = stream[sent : sent + batch]
            for writer in writers:
                writer.write(piece)
            sent += len(piece)
        cpu = time.process_time() - cpu
        for writer in writers:
            writer.transport.abort()
        return cpu

    with drained(viewers) as drain:
        cpu = asyncio.run(run([one.dup() for one in drain.accepted], drain.reset))
        return cpu, SECONDS, drain.longest_gap_ms(), ""


def c_loop(viewers: int) -> Result:
    """The least that can be done: read 16 KiB, write it to everybody."""
    with tempfile.TemporaryDirectory() as folder, drained(viewers) as drain:
        source, binary = Path(folder) / "loop.c", Path(folder) / "loop"
        source.write_text(C_LOOP)
        subprocess.run(["cc", "-O2", "-o", binary, source], check=True)
        # one after the other, so that the first and their number say it all
        descriptors = [fcntl.fcntl(one, fcntl.F_DUPFD, 10_000) for one in drain.accepted]
        ours, theirs = socket.socketpair()
        command = [str(binary), str(theirs.fileno()), "10000", str(len(descriptors))]
        loop = subprocess.Popen(command, pass_fds=(*descriptors, theirs.fileno()))
        theirs.close()
        for descriptor in descriptors:
            os.close(descriptor)
        pace(ours.sendall, 0, WARM)
        began = process_cpu(loop.pid)
        drain.reset()
        pace(ours.sendall, WARM, WARM + SECONDS)
        cpu = process_cpu(loop.pid) - began
        gap_ms = drain.longest_gap_ms()
        ours.close()
        loop.wait()
        return cpu, SECONDS, gap_ms, ""


def nginx(viewers: int) -> Result:
    """As fast as it goes: seconds are those that the bytes would last at 6 Mb/s."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        (Path(folder) / "stream.ts").write_bytes(made_stream()[: RATE * SECONDS])
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=NGINX_PORT))
        server = subprocess.Popen([binary, "-p", folder, "-c", config])
        try:
            path = f"{folder}/http"
            wait_until(lambda: Path(path).exists())
            before = process_cpu(server.pid)
            with drained(viewers, port=NGINX_PORT) as drain:
                drain.wait(viewers * RATE * SECONDS)
            cpu = process_cpu(server.pid) - before
        finally:
            server.terminate()
            server.wait()
        return cpu, SECONDS, 0.0, "a file, as fast as it goes: sendfile, no gaps to speak of"


def pace(write: Callable[[bytes], object], begin: int, end: int) -> None:
    """Writes the stream from one second to another at its rate, in the engine's pieces."""
    stream, began = made_stream()[: RATE * end], time.monotonic()
    sent = RATE * begin
    while sent < len(stream):
        due = RATE * begin + int((time.monotonic() - began) * RATE)
        while sent < min(due, len(stream)):
            write(stream[sent : sent + PIECE])
            sent += PIECE
        time.sleep(0.0017)


def thread_cpu(thread: str) -> float:
    """Seconds on a core, from the scheduler, which counts in nanoseconds."""
    return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[0]) / 1e9


def process_cpu(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def comm(thread: str) -> str:
    with suppress(FileNotFoundError):
        return Path(f"/proc/self/task/{thread}/comm").read_text().strip()
    return ""


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def kernel_pages() -> int:
    """Pages that TCP holds."""
    row = next(row for row in Path("/proc/net/sockstat").read_text().splitlines() if row.startswith("TCP:"))
    return int(row.split()[-1])


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError
        threading.Event().wait(0.01)


NGINX = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid; worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; root {folder};
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen unix:{folder}/http; listen 127.0.0.1:{port} backlog=4096; }}
}}
"""

C_LOOP = r"""
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int in = atoi(argv[1]), first = atoi(argv[2]), count = atoi(argv[3]), filled = 0;
  static char block[16384];
  int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(poll, EPOLL_CTL_ADD, in, &event);
  while (epoll_wait(poll, &event, 1, -1) >= 0) {
    ssize_t got = read(in, block + filled, sizeof block - filled);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return 0;
    filled += got > 0 ? got : 0;
    if (filled < (int)sizeof block) continue;
    for (int i = 0; i < count; i++) send(first + i, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
    filled = 0;
  }
}
"""

if __name__ == "__main__":
    main()
