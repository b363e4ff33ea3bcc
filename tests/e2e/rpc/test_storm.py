"""Random calls from many threads at once. AIR_STORM_SECONDS says for how long; ten by default, sixty for a release."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import ANSWERED_WITHIN, SMALL, TCP, UDS, Client
from tests.e2e.hanging import never
from tests.e2e.host import Listener
from tests.e2e.test_sink import assert_starts_clean
from tests.media import Clip, make

SECONDS = float(os.environ.get("AIR_STORM_SECONDS", "10"))
THREADS, CHANNELS = 16, (1, 2, 3)
"""One channel more than the server takes."""
SOME_GROWTH = 32 << 20
"""Bytes of memory by which one gust may be worse than another: allocators keep what the worst moment needed."""


class Storm:
    """What is called at random, how often, and how long the longest took."""

    def __init__(self, client: Client, folder: Path, endpoint: str) -> None:
        clips = [Clip(size=(320, 180)), Clip(size=(320, 180), container="ts"), Clip(codec=None, container="m4a")]
        self._client = client
        self.assets = [str(make(clip)) for clip in clips] + ["pattern:bars", "pattern:black", "/no/such", str(folder)]
        self._hanging = str(never(folder))
        self._endpoint = endpoint
        self.answers: Counter[str] = Counter()
        self.slowest = 0.0

    def blow(self, seed: int, until: float) -> None:
        """Calls until then; over one connection for a while, then over another."""
        draw = random.Random(seed)
        while time.monotonic() < until:
            with self._client.connection() as connection:
                for _ in range(draw.randrange(1, 100)):
                    if time.monotonic() > until:
                        return
                    self._call(connection, draw)

    def _call(self, connection: grpc.Channel, draw: random.Random) -> None:
        rpc, fields = self._any(draw)
        began = time.monotonic()
        answer = self._client.over(connection, rpc, timeout=ANSWERED_WITHIN, **fields)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers[f"{rpc} {'done' if getattr(answer, 'success', True) else 'refused'}"] += 1

    def _any(self, draw: random.Random) -> tuple[str, dict[str, Any]]:
        """An RPC and its fields. What hangs is rare, or nothing else would happen."""
        channel = {"channel_id": draw.choice(CHANNELS)}
        asset = self._hanging if draw.random() < 0.005 else draw.choice(self.assets)
        ahead_ms = draw.choice((0, 0, -1000, 50, 2000))
        boundary_ms = int(time.time() * 1000) + ahead_ms if ahead_ms else 0
        kinds: list[tuple[int, Callable[[], tuple[str, dict[str, Any]]]]] = [
            (3, lambda: ("StartChannel", {"program_format_json": draw.choice((SMALL, SMALL, "{}"))})),
            (1, lambda: ("StopChannel", {})),
            (1, lambda: ("UpdatePlan", {"plan_handle": "storm"})),
            (2, lambda: ("GetVersion", {})),
            (6, lambda: ("LoadPreview", {"asset_path": asset, "start_offset_ms": draw.choice((0, 500, 99_999, -1))})),
            (8, lambda: ("SwitchToLive", {"target_boundary_time_ms": boundary_ms})),
            (4, lambda: ("AttachStream", self._sink(draw))),
            (2, lambda: ("DetachStream", {"force": draw.random() < 0.5})),
        ]
        rpc, fields = draw.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0]()
        return rpc, fields if rpc == "GetVersion" else fields | channel

    def _sink(self, draw: random.Random) -> dict[str, Any]:
        where = draw.choice(((UDS, self._endpoint), (UDS, self._endpoint), (UDS, "/no/such"), (TCP, "127.0.0.1:1")))
        return {"transport": where[0], "endpoint": where[1], "replace_existing": draw.random() < 0.5}


def test_a_storm_of_calls_leaves_a_server_that_works(tmp_path: Path) -> None:
    """CS-17, CS-5, TD-3, L-40: no crash, no call that is not answered in time, nothing kept."""
    with AirServer("--max-channels", str(len(CHANNELS) - 1)) as server, Listener() as clean:
        with readers() as endpoint, ThreadPoolExecutor(THREADS) as pool:
            storm = Storm(server.client, tmp_path, endpoint)
            before = server.settled()
            memory = []
            for gust in range(2):
                until = time.monotonic() + SECONDS / 2
                for blown in [pool.submit(storm.blow, THREADS * gust + seed, until) for seed in range(THREADS)]:
                    blown.result()
                for channel_id in CHANNELS:
                    assert server.client.StopChannel(channel_id=channel_id).success
                assert server.comes_back_to(before, 5), (before, server.holdings())
                memory.append(server.resident_bytes())
            print(f"slowest {storm.slowest:.3f} s", dict(sorted(storm.answers.items())))
            assert storm.answers.keys() >= {"SwitchToLive done", "LoadPreview refused", "AttachStream done"}
        assert memory[1] - memory[0] < SOME_GROWTH, "the first gust pays for what is kept for good"
        assert "panicked" not in server.log, server.log
        server.client.start()
        server.client.attach(clean.endpoint)
        server.client.take("pattern:bars")
        assert_starts_clean(clean.read_for(0.5))


@contextmanager
def readers() -> Iterator[str]:
    """An endpoint whose readers read for a moment and leave, so that the next one's turn comes."""
    over, draw = Event(), random.Random(0)
    with Listener() as listener:

        def read() -> None:
            while not over.is_set():
                try:
                    listener.read_for(draw.random() / 2)
                except OSError:
                    pass  # nobody came, or the engine left first
                listener.hang_up()

        thread = Thread(target=read, name="readers")
        thread.start()
        try:
            yield listener.endpoint
        finally:
            over.set()
            thread.join()
