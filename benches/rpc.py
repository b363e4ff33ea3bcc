"""`python -m benches.rpc`: how long each call of `air-server` takes, and how soon what it asks for is seen.

A Python client over loopback TCP, on a connection that is there; about 0.3 ms of each figure are the client's own.
Nothing else should be running.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import NOT_READY, UDS, Client, expect, format_json
from tests.e2e.hanging import never
from tests.e2e.host import Listener, drained, wait_until
from tests.e2e.monitor import Monitor
from tests.media import Clip, make

CALLS, STARTS = 300, 50
FORMAT = format_json(1280, 720)
BARS = "pattern:bars"


def main() -> None:
    """Print all of it."""
    clip = str(make(Clip(size=(1280, 720), seconds=10)))
    each_call("idle", clip, busy=False)
    each_call("a channel on air at 720p", clip, busy=True)
    version_while_a_file_hangs()
    from_start_to_stop(clip)


def each_call(title: str, clip: str, busy: bool) -> None:
    """Every RPC on a channel of its own, with or without another one on air."""
    with AirServer("--max-channels", "2") as server, Listener() as sink, ExitStack() as stack:
        if busy:
            listener = stack.enter_context(Listener())
            put_on_air(server.client, listener, clip, 1)
            stack.enter_context(drained(listener))
        with server.client.connection() as connection:
            ask = timed(server.client, connection)
            server.client.GetVersion()
            figures: dict[str, list[float]] = {}

            def call(rpc: str, **fields: Any) -> None:
                figures.setdefault(rpc, []).append(ask(rpc, **fields))

            for _ in range(CALLS):
                call("GetVersion")
                call("StartChannel", channel_id=2, program_format_json=FORMAT)
                call("UpdatePlan", channel_id=2, plan_handle="plan")
                call("LoadPreview", channel_id=2, asset_path=clip)
                call("AttachStream", channel_id=2, transport=UDS, endpoint=sink.endpoint)
                call("SwitchToLive", channel_id=2)
                call("DetachStream", channel_id=2)
                call("StopChannel", channel_id=2)
                sink.read_to_end()
                sink.hang_up()
        for rpc, ms in figures.items():
            report(f"{title}: {rpc}", ms)


def version_while_a_file_hangs() -> None:
    """CS-16: GetVersion, while LoadPreview waits for a file that never comes."""
    with tempfile.TemporaryDirectory() as folder, AirServer() as server:
        server.client.start()
        hanging = str(never(Path(folder)))
        loading = threading.Thread(
            target=lambda: server.client.LoadPreview(channel_id=1, asset_path=hanging), name="loading"
        )
        loading.start()
        time.sleep(0.3)  # until it is inside
        with server.client.connection() as connection:
            ask, ms = timed(server.client, connection), []
            ask("GetVersion")
            while loading.is_alive():
                ms.append(ask("GetVersion"))
        report("GetVersion while LoadPreview hangs", ms)


def from_start_to_stop(clip: str) -> None:
    """CS-18: what an operator waits for."""
    first, primed, stops = [], [], []
    with AirServer() as server, Monitor(server.target) as monitor, server.client.connection() as connection:
        ask = timed(server.client, connection)
        for _ in range(STARTS):
            with Listener() as listener:
                began = time.monotonic()
                put_on_air(server.client, listener, clip, 1)
                while not listener.read_for(0.001):
                    pass
                first.append((time.monotonic() - began) * 1000)
                with drained(listener):
                    server.client.load(BARS)
                    assert wait_until(lambda: monitor.preview() == "cued")
                    primed.append(ask("SwitchToLive", channel_id=1))
                    stops.append(ask("StopChannel", channel_id=1))
    report("StartChannel to the first bytes, with LoadPreview, AttachStream and SwitchToLive between", first)
    report("SwitchToLive, primed, on air", primed)
    report("StopChannel, on air", stops)


def put_on_air(client: Client, listener: Listener, clip: str, channel_id: int) -> None:
    """The usual order of calls, each over a connection of its own."""
    client.start(channel_id, FORMAT)
    client.load(clip, channel_id)
    client.attach(listener.endpoint, channel_id)
    expect(client.SwitchToLive(channel_id=channel_id))


def timed(client: Client, connection: grpc.Channel) -> Callable[..., float]:
    """Calls that succeed, or promise to, and how many milliseconds they took."""

    def ask(rpc: str, **fields: Any) -> float:
        began = time.monotonic()
        answer = client.over(connection, rpc, **fields)
        took = (time.monotonic() - began) * 1000
        if rpc != "GetVersion" and getattr(answer, "result_code", None) != NOT_READY:
            expect(answer)
        return took

    return ask


def report(what: str, ms: list[float]) -> None:
    """One line: median, 99th percentile, worst."""
    ranked = sorted(ms)
    p50, p99 = (ranked[min(len(ranked) * p // 100, len(ranked) - 1)] for p in (50, 99))
    print(f"{what}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, worst {ranked[-1]:.2f} ms of {len(ranked)}", flush=True)


if __name__ == "__main__":
    main()
