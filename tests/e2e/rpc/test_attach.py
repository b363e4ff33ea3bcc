"""Sinks over gRPC: where they may go, and that none leaves anything behind."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import TCP, UDS, UNSPECIFIED, Client, expect, refused
from tests.e2e.host import Listener, unreachable, wait_until
from tests.e2e.packets import Stream
from tests.e2e.test_sink import assert_starts_clean

BARS = "pattern:bars"
CYCLES = int(os.environ.get("AIR_ATTACH_CYCLES", "200"))
CLOEXEC = 0o2000000


def test_success_means_connected(client: Client) -> None:
    """TR-2, TR-7: before the answer; transport and endpoint are echoed."""
    client.start()
    with Listener() as listener:
        attached = expect(client.AttachStream(channel_id=1, transport=UDS, endpoint=listener.endpoint))
        assert (attached.negotiated_transport, attached.negotiated_endpoint) == (UDS, listener.endpoint)
        assert listener.read_for(0.05) == b"", "nothing is on air"


def test_tcp_on_the_loopback_carries_the_same_stream(client: Client) -> None:
    """TR-3."""
    client.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"127.0.0.1:{server.getsockname()[1]}"
        attached = expect(client.AttachStream(channel_id=1, transport=TCP, endpoint=endpoint))
        assert (attached.negotiated_transport, attached.negotiated_endpoint) == (TCP, endpoint)
        client.take(BARS)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(2)
            data = b""
            while len(data) < 100 * 188:
                data += peer.recv(65536)
            assert_starts_clean(data)
            expect(client.StopChannel(channel_id=1))
            while peer.recv(65536):
                pass


def test_a_failed_attach_says_why_and_leaves_nothing_open(server: AirServer, tmp_path: Path) -> None:
    """TR-3, TR-4, TR-5, CS-13."""
    client = server.client
    client.start()
    before = server.settled()
    unnamed: list[tuple[int, str]] = [
        (UNSPECIFIED, str(tmp_path / "file")),
        (3, str(tmp_path / "output.ts")),  # the engine's own transport to files is not in the contract
        (77, str(tmp_path / "file")),
    ]
    for transport, endpoint in [*unnamed, *unreachable(tmp_path)]:
        began = time.monotonic()
        refused(client.AttachStream(channel_id=1, transport=transport, endpoint=endpoint))
        assert time.monotonic() - began < 3
    assert not (tmp_path / "output.ts").exists()
    assert server.comes_back_to(before), (before, server.holdings())
    with Listener() as listener:
        client.attach(listener.endpoint)
        client.take(BARS)
        assert_starts_clean(listener.read_for(0.5))


def test_a_second_attach_needs_leave_to_replace_the_first(client: Client) -> None:
    """TR-6."""
    client.start()
    with Listener() as listener, Listener() as second:
        client.attach(listener.endpoint)
        client.take(BARS)
        refused(client.AttachStream(channel_id=1, transport=UDS, endpoint=second.endpoint))
        assert Stream(listener.read_for(0.5)).continuity_faults() == []
        client.attach(second.endpoint, replace_existing=True)
        listener.read_to_end()
        assert_starts_clean(second.read_for(0.5))


@pytest.mark.parametrize("force", [False, True])
def test_detach_ends_the_stream_and_twice_is_fine(force: bool, client: Client) -> None:
    """TR-8, R-32: with a whole packet."""
    client.start()
    with Listener() as listener:
        client.attach(listener.endpoint)
        client.take(BARS)
        data = listener.read_for(0.5)
        expect(client.DetachStream(channel_id=1, force=force))
        data += listener.read_to_end()
        assert len(data) % 188 == 0
    expect(client.DetachStream(channel_id=1, force=force))


def test_a_reader_that_is_killed_ends_its_session_and_not_the_channel(client: Client) -> None:
    """TR-10: the next attach needs no leave, since nothing is attached any more."""
    client.start()
    with Listener() as listener, Listener() as second:
        client.attach(listener.endpoint)
        client.take(BARS)
        listener.read_for(0.3)
        listener.hang_up()
        assert wait_until(
            lambda: bool(client.AttachStream(channel_id=1, transport=UDS, endpoint=second.endpoint).success)
        )
        assert_starts_clean(second.read_for(0.5))


def test_sockets_are_not_inherited_by_programs(server: AirServer) -> None:
    """TR-12: each is close-on-exec, those of calls and of the stream."""
    client = server.client
    client.start()
    with Listener() as listener, client.connection() as connection:
        client.over(connection, "GetVersion")
        client.attach(listener.endpoint)
        client.take(BARS)
        sockets = [fd for fd in Path(f"/proc/{server.pid}/fd").iterdir() if os.readlink(fd).startswith("socket:")]
        assert len(sockets) >= 3
        for fd in sockets:
            flags = Path(f"/proc/{server.pid}/fdinfo/{fd.name}").read_text().split()[3]
            assert int(flags, 8) & CLOEXEC, fd.name


def test_attaching_again_and_again_leaves_nothing(server: AirServer) -> None:
    """TR-12, CS-5: AIR_ATTACH_CYCLES times, while on air; descriptors, threads and memory stay."""
    client = server.client
    client.start()
    client.take(BARS)
    with Listener() as listener, client.connection() as connection:

        def cycle() -> None:
            fields: dict[str, Any] = {"channel_id": 1, "transport": UDS, "endpoint": listener.endpoint}
            expect(client.over(connection, "AttachStream", **fields))
            listener.read_for(0.001)
            expect(client.over(connection, "DetachStream", channel_id=1))
            listener.hang_up()

        for _ in range(20):
            cycle()
        before, memory = server.settled(), server.resident_bytes()
        for _ in range(CYCLES):
            cycle()
        assert server.comes_back_to(before), (before, server.holdings())
        assert server.resident_bytes() - memory < 16 << 20
