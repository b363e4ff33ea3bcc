"""The examples do what they say."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

import air_py
from tests.media import Clip, make

EXAMPLES = Path(__file__).parents[2] / "examples"
PACKET = 188


def is_clean(data: bytes) -> bool:
    """Whether it is a transport stream a viewer would have no complaint about."""
    return air_py.check(data[: len(data) // PACKET * PACKET], profile="house").is_clean


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """An example that goes on until it is interrupted."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # The tests may themselves run in the background of a shell, whose children inherit its deafness.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(5)
            finally:
                process.kill()


def test_recording(tmp_path: Path) -> None:
    out = tmp_path / "out.ts"
    film = make(Clip(seconds=1))
    ended = subprocess.run(
        [sys.executable, EXAMPLES / "record.py", film, out], capture_output=True, text=True, check=True
    )
    assert is_clean(out.read_bytes())
    assert len(ended.stdout.splitlines()) >= 3, ended.stdout


def test_recording_says_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "record.py"), "none.mp4", "out.ts"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 1 and "none.mp4" in ended.stderr


def test_switching() -> None:
    one, other = make(Clip(seconds=12)), make(Clip(seconds=6, rate=Fraction(50)))
    ended = subprocess.run([sys.executable, EXAMPLES / "switch.py", one, other], capture_output=True, check=True)
    assert is_clean(ended.stdout)
    told = ended.stderr.decode()
    assert told.index(one.name) < told.index(other.name)


def test_fanning_out() -> None:
    """FO-1: two viewers, of whom one comes later, see the same."""
    with running(str(EXAMPLES / "fan_out.py"), str(make(Clip(seconds=12))), "0") as process:
        assert process.stdout
        said = process.stdout.readline().decode()
        port = int(said.rsplit(":", 1)[1])
        streams = []
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as viewer:
                streams.append(read(viewer.recv, 400_000))
    assert all(map(is_clean, streams))
    assert process.returncode == 0


def test_embedding() -> None:
    """FO-5: mounted anywhere, and stopped with the application."""
    program = f"""
import runpy, socket, sys, uvicorn
application = runpy.run_path({str(EXAMPLES / "embed_director.py")!r})["application"]
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(application(sys.argv[1:]), log_level="error")).run(sockets=[listener])
"""
    with running("-c", program, str(make(Clip(seconds=12)))) as process:
        assert process.stdout
        base = f"http://127.0.0.1:{int(process.stdout.readline())}"
        with urllib.request.urlopen(base, timeout=10) as page:
            assert b"/tv/" in page.read()
        with urllib.request.urlopen(f"{base}/tv/channels.m3u", timeout=10) as playlist:
            assert re.search(r"^http\S+/tv/channels/1\.ts$", playlist.read().decode(), re.M)
        with urllib.request.urlopen(f"{base}/tv/channels/1.ts", timeout=10) as stream:
            assert is_clean(read(stream.read, 400_000))


def read(receive: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = receive(65536)
        assert part
        data += part
    return data


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_says_how_to_run_it(example: Path) -> None:
    documentation = example.read_text().split('"""')[1]
    assert f"python examples/{example.name}" in documentation
