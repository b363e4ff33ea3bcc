"""How a server ends, in every state it can be in: by a signal, and without warning."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.e2e.air_server import ENDS_WITHIN, AirServer
from tests.e2e.control_plane import NOT_READY, Client, expect, format_json, refused
from tests.e2e.hanging import FAR_MS, feed, never
from tests.e2e.host import Listener, wait_until
from tests.e2e.test_sink import assert_starts_clean

BARS = "pattern:bars"
Scene = Callable[[Client, Path, ExitStack], None]
"""Brings a server into a state; what has to be closed after the test goes onto the stack."""


def nothing(client: Client, folder: Path, stack: ExitStack) -> None:
    """Nothing was ever started."""


def started(client: Client, folder: Path, stack: ExitStack) -> None:
    """A channel without anything."""
    client.start()


def loading(client: Client, folder: Path, stack: ExitStack) -> None:
    """LoadPreview hangs on a file that nobody writes."""
    client.start()
    in_the_background(client, stack, "LoadPreview", asset_path=str(never(folder)))


def cued(client: Client, folder: Path, stack: ExitStack) -> None:
    """A preview that waits."""
    client.start()
    client.load(BARS)


def first_switch(client: Client, folder: Path, stack: ExitStack) -> None:
    """SwitchToLive waits for the first picture of a slow file."""
    client.start()
    client.load(stack.enter_context(feed(folder)).path, start_offset_ms=FAR_MS)
    in_the_background(client, stack, "SwitchToLive")


def armed(client: Client, folder: Path, stack: ExitStack) -> None:
    """On air, with a switch that waits for a slow file."""
    on_air(client, folder, stack)
    client.load(stack.enter_context(feed(folder)).path, start_offset_ms=FAR_MS)
    refused(client.SwitchToLive(channel_id=1), NOT_READY)


def armed_for_a_boundary(client: Client, folder: Path, stack: ExitStack) -> None:
    """On air, with a switch that waits for its time."""
    on_air(client, folder, stack)
    client.load(BARS)
    expect(client.SwitchToLive(channel_id=1, target_boundary_time_ms=int(time.time() * 1000) + 60_000))


def on_air(client: Client, folder: Path, stack: ExitStack) -> None:
    """A reader that reads."""
    listener = stack.enter_context(Listener())
    client.start()
    client.attach(listener.endpoint)
    client.take(BARS)
    listener.read_for(0.2)


def blocked(client: Client, folder: Path, stack: ExitStack) -> None:
    """On air in a picture size that fills the reader's socket at once, and the reader does not read."""
    client.start(1, format_json(1280, 720))
    listener = stack.enter_context(Listener())
    client.attach(listener.endpoint)
    client.take(BARS)
    time.sleep(0.5)  # until the socket is full


SCENES: list[Scene] = [nothing, started, loading, cued, first_switch, armed, armed_for_a_boundary, on_air, blocked]


def in_the_background(client: Client, stack: ExitStack, rpc: str, **fields: Any) -> None:
    """A call that is still waiting for its answer, whatever that will be."""

    def call() -> None:
        try:
            client.call(rpc, channel_id=1, **fields)
        except grpc.RpcError:
            pass  # the server has gone meanwhile

    stack.enter_context(ThreadPoolExecutor(1)).submit(call)
    time.sleep(0.3)  # until it is inside


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_a_second(number: signal.Signals, scene: Scene, tmp_path: Path) -> None:
    """TD-8, TD-2, SW-19: with exit code 0, nothing on standard output, and its socket taken away."""
    with ExitStack() as stack:
        server = stack.enter_context(AirServer())
        scene(server.client, tmp_path, stack)
        status, seconds = server.terminate(number)
        assert (status, server.stdout) == (0, ""), server.log
        assert seconds < ENDS_WITHIN
        assert not server.socket.exists()
        assert "panicked" not in server.log and "reconnect" not in server.log


@pytest.mark.parametrize("scene", SCENES[1:])
def test_stop_channel_answers_at_once(scene: Scene, tmp_path: Path) -> None:
    """CS-5, CS-16, CS-18, TD-2: a second is the contract's; and the channel can be started again."""
    with ExitStack() as stack:
        server = stack.enter_context(AirServer())
        scene(server.client, tmp_path, stack)
        began = time.monotonic()
        expect(server.client.StopChannel(channel_id=1))
        assert time.monotonic() - began < 1
        server.client.start()
        server.client.take(BARS)


@pytest.mark.parametrize("level", ["error", "trace"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_it_serves_and_ends_however_it_logs(level: str, form: str) -> None:
    """TD-8."""
    with AirServer("--log-level", level, "--log-format", form) as server:
        server.client.start()
        server.client.take(BARS)


def test_the_reader_sees_the_end_at_the_signal() -> None:
    """TD-5, TD-8: whole packets, then the end of the stream."""
    with Listener() as listener, AirServer() as server:
        server.client.start()
        server.client.attach(listener.endpoint)
        server.client.take(BARS)
        data = listener.read_for(0.5)
        server.terminate()
        data += listener.read_to_end()
        assert len(data) % 188 == 0
        assert_starts_clean(data)


@pytest.fixture(params=["socket", "port"])
def crashing(request: pytest.FixtureRequest) -> Iterator[AirServer]:
    """A server on a Unix socket or on a port."""
    with AirServer(tcp=request.param == "port") as server:
        yield server


def test_after_a_crash_it_is_started_in_the_same_place(crashing: AirServer) -> None:
    """L-41, TD-7: the same socket or port for calls, the same socket for the stream."""
    server = crashing
    with Listener() as listener:
        for _ in range(3):
            server.client.start()
            server.client.attach(listener.endpoint)
            server.client.take(BARS)
            assert_starts_clean(listener.read_for(0.3))
            server.kill()
            listener.read_to_end()
            listener.hang_up()
            server.start()
    assert wait_until(server.client.is_answered)
