"""What a server is asked that it should not be, and what it is given to serve that it cannot: each has its answer."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from air_py import ProgramDirector
from tests.e2e.host import AIR_PY
from tests.e2e.server import Server, Viewer, channels_file, judged
from tests.media import Clip

OPEN = {"/healthz", "/readyz"}
"""What anybody may ask; and the files of the page, which are not told here."""
FILM = Clip(seconds=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One channel, of a film."""
    with Server("--channels", str(channels_file(tmp_path_factory.mktemp("film"), {1: [FILM]})), format=None) as server:
        yield server


def ask(server: Server, path: str, headers: str = "", method: str = "GET") -> tuple[int, bytes]:
    """(status, what came of the body within moments) of a request whose path is sent exactly as it is here."""
    with connect(server) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: air\r\nConnection: close\r\n{headers}\r\n".encode("latin-1"))
        answer = b""
        with contextlib.suppress(TimeoutError):
            while part := client.recv(65536):
                answer += part
                if len(answer) > 1_000_000:
                    break
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def connect(server: Server) -> socket.socket:
    """A connection that has asked nothing yet."""
    parts = urlsplit(server.base)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2)


@pytest.mark.parametrize(
    "path",
    [
        "/channels/7.ts",
        "/channels/0.ts",
        "/channels/-1.ts",
        "/channels/99999999999999999999999999.ts",
        "/channels/1",
        "/channels/one.ts",
        "/channels/1.ts/../../etc/passwd",
        "/channels/%31%00.ts",
        "/api/channels/7",
        "/page/../pages.py",
        "/page/../../../../../../../../etc/passwd",
        "/page/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/page/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/page//etc/passwd",
        "/page/..\\..\\etc\\passwd",
        "/page/main.js%00.css",
        "/page/",
        "//etc/passwd",
        "/" + "a" * 20_000,
    ],
)
def test_what_there_is_not_is_not_found(server: Server, path: str) -> None:
    """And starts nothing."""
    status, body = ask(server, path)
    assert status == 404
    assert b"root:" not in body and b"import" not in body
    assert server.has_no_viewer()


@pytest.mark.parametrize(
    "query", ["from_ms=x", "from_ms=-1", "from_ms=5&to_ms=4", "to_ms=999999999999999", "from_ms=" + "9" * 40]
)
def test_a_window_that_makes_no_sense_is_the_clients_fault(server: Server, query: str) -> None:
    for path in ("/xmltv.xml", "/api/guide"):
        assert ask(server, f"{path}?{query}")[0] == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_a_channel_is_only_read(server: Server, method: str) -> None:
    assert ask(server, "/channels/1.ts", method=method)[0] == 405
    assert server.has_no_viewer()


def test_without_the_token_every_route_but_health_answers_401(tmp_path: Path) -> None:
    """Of all there are; a wrong one is none."""
    file = channels_file(tmp_path, {1: [FILM]})
    routes = [route.path for route in ProgramDirector([])._app.routes]  # type: ignore[attr-defined]
    paths = {path.replace("{channel_id:int}", "1").replace("{name:path}", "none.js") for path in routes}
    with Server("--channels", str(file), "--token", "open", format=None) as server:
        for path in paths - OPEN:
            for query, headers in [
                ("", ""),
                ("?token=opem", ""),
                ("?token=open%20", ""),
                ("", "Authorization: Bearer x\r\n"),
            ]:
                assert ask(server, path + query, headers)[0] == 401, path
        assert server.has_no_viewer()
        assert all(ask(server, path)[0] == 200 for path in OPEN)
        assert ask(server, "/channels?token=open")[0] == 200


@pytest.mark.parametrize(
    "text, said",
    [
        ("[[channel]]\nid = 1\nname = \n", "channels.toml:3"),
        (
            "[[channel]]\nid = 1\nname = 'One'\n\nformat = 'large'\nplaylist.media = ['pattern:bars']\n",
            "channels.toml:5",
        ),
        ("[[channel]]\nid = 1\nname = 'One'\nplaylist.media = ['../secret.mp4']\n", "channels.toml:4"),
        ("[[channel]]\nid = 1\nname = 'One'\nplaylist.media = ['/etc/passwd']\n", "channels.toml:4"),
        ("[[channel]]\nid = 1\nname = 'One'\nplaylist.media = ['../*']\n", "channels.toml:4"),
        ("[[channel]]\nid = 1\nname = 'One'\nplaylist.media = ['link.mp4']\n", "channels.toml:4"),
        (
            "media_roots = ['gone']\n[[channel]]\nid = 1\nname = 'One'\nplaylist.media = ['pattern:bars']\n",
            "channels.toml:1",
        ),
        (
            "media_roots = ['locked']\n[[channel]]\nid = 1\nname = 'One'\nplaylist.media = ['pattern:bars']\n",
            "channels.toml:1",
        ),
        ("", "channels.toml"),
    ],
)
def test_a_channels_file_that_is_no_use_ends_it_with_2_and_the_line(text: str, said: str, tmp_path: Path) -> None:
    """Also one that reaches for files outside the media roots, by its own words or by a link's."""
    folder = tmp_path / "station"
    folder.mkdir()
    (folder / "locked").mkdir(mode=0)
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "channels.toml").write_text(text)
    if "locked" in text and os.access(folder / "locked", os.R_OK):
        pytest.skip("nothing is locked for who may do anything")
    done = subprocess.run(
        [AIR_PY, "serve", "--port", "0", "--channels", str(folder / "channels.toml")],
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_crowd_of_clients_that_do_nothing_is_not_noticed_by_who_watches(server: Server) -> None:
    """FO-2: 10 000 silent ones, 100 that send a byte now and then, 20 that do not read the stream they ask for."""
    with many_descriptors() as most, server.watch() as viewer, contextlib.ExitStack() as crowd:
        viewer.read_for(1)
        del viewer.arrivals[:-1]
        with watched(viewer):
            for _ in range(min(10_000, most - 500)):
                crowd.enter_context(connect(server))
            drips = [crowd.enter_context(connect(server)) for _ in range(100)]
            for _ in range(20):
                crowd.enter_context(connect(server)).sendall(b"GET /channels/1.ts HTTP/1.1\r\nHost: air\r\n\r\n")
            for byte in b"GET /channels/1":
                for drip in drips:
                    drip.sendall(bytes([byte]))
                time.sleep(0.1)  # what makes them slow
            assert ask(server, "/healthz")[0] == 200
            assert server.status()["viewers"] == 21
    assert viewer.longest_gap_ms < 500, "the contract's bound"
    assert judged(viewer.data).is_clean
    assert server.is_off_the_air()


@contextlib.contextmanager
def many_descriptors() -> Iterator[int]:
    """As many as the system lets a process have, which it says."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def watched(viewer: Viewer) -> Iterator[None]:
    """It reads meanwhile."""
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            viewer.read()

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield
    finally:
        over.set()
        reading.join()
