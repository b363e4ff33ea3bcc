"""`python -m benches.soak [HOURS]`: one channel at 720p commanded over gRPC, with a switch every ten seconds.

Two hours by default, in real time. A line every minute says what the server holds and has counted; the last ones, when
each switch came, what became of every tick, and what the judge found in the whole stream. A machine that has other
things to do drops pictures: look at its load beside them.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from fractions import Fraction
from typing import Any

import grpc

from air_py import StreamReader
from air_py._air import Judge
from benches.evening import CLIPS
from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import UDS, expect, format_json
from tests.e2e.monitor import Monitor
from tests.media import make

SWITCH_EVERY_MS = 10_000
LOADED_AHEAD_S = 4
LATE_MS = 100
"""A reader that waits longer for bytes has seen a gap."""


class Viewer:
    """Reads what comes at once, has it judged, and knows the longest wait."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self.judge = Judge("house")
        self.bytes, self.longest_ms, self.late = 0, 0.0, 0
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        last = 0.0
        for chunk in self._reader:
            now = time.monotonic()
            if last:
                waited_ms = (now - last) * 1000
                self.longest_ms, self.late = max(self.longest_ms, waited_ms), self.late + (waited_ms > LATE_MS)
            last, self.bytes = now, self.bytes + len(chunk)
            self.judge.feed(chunk)


class Events:
    """Everything the server tells of its channels."""

    def __init__(self, monitor: Monitor) -> None:
        self.all: list[Any] = []
        self._monitor = monitor
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for event in self._monitor.events():
                self.all.append(event)
        except grpc.RpcError:  # The server has ended.
            pass


def main() -> None:
    """Print what was seen."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2
    with AirServer("--preset", "veryfast", tcp=True) as server, Monitor(server.target) as monitor:
        events = Events(monitor)
        with StreamReader.unix() as reader:
            viewer = Viewer(reader)
            planned = play(server, monitor, viewer, reader.endpoint, hours)
            viewer.thread.join()
        time.sleep(0.5)  # for the last events
        report(events.all, planned)
        judged = viewer.judge.finish()
        print("the stream:", "clean" if judged["is_clean"] else judged["checks"])


def play(server: AirServer, monitor: Monitor, viewer: Viewer, endpoint: str, hours: float) -> list[int]:
    """The channel from start to stop; the times at which its switches were due."""
    client, assets = server.client, [make(clip) for clip in CLIPS]
    client.start(1, format_json(1280, 720))
    client.load(assets[0])
    expect(client.AttachStream(channel_id=1, transport=UDS, endpoint=endpoint))
    began_ms = expect(client.SwitchToLive(channel_id=1)).switch_completion_time_ms
    planned = [began_ms]
    while planned[-1] < began_ms + hours * 3_600_000:
        if len(planned) % 6 == 1:
            look(server, monitor, viewer, (planned[-1] - began_ms) // 1000)
        due_ms = planned[-1] + SWITCH_EVERY_MS
        time.sleep(max(0.0, due_ms / 1000 - LOADED_AHEAD_S - time.time()))
        number = len(planned)
        client.load(assets[number % len(assets)], start_offset_ms=number * 700 % 5000)
        expect(client.SwitchToLive(channel_id=1, target_boundary_time_ms=due_ms))
        planned.append(due_ms)
    time.sleep(LOADED_AHEAD_S + 2)  # until the last one is on air
    look(server, monitor, viewer, (planned[-1] - began_ms) // 1000)
    expect(client.StopChannel(channel_id=1))
    return planned


def look(server: AirServer, monitor: Monitor, viewer: Viewer, at_s: int) -> None:
    """A line of how things stand."""
    held, status = server.settled(), monitor.status()
    counters = status.counters
    print(
        f"{at_s:5} s: {server.resident_bytes() >> 20} MiB, {held.descriptors} descriptors, {held.threads} threads,"
        f" ticks {counters.content_frames} content {counters.held_frames} held {counters.black_frames} black"
        f" {counters.late_ticks} late, {counters.pictures_dropped} dropped;"
        f" {viewer.bytes >> 20} MiB read, waited {viewer.longest_ms:.0f} ms at most, {viewer.late} times over"
        f" {LATE_MS}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def report(events: list[Any], planned: list[int]) -> None:
    """When switches came, and what became of every tick."""
    print(dict(Counter(event.WhichOneof("kind") for event in events)))
    aired = [event.as_run for event in events if event.WhichOneof("kind") == "as_run"]
    late = [record.first_time_ms - due for record, due in zip(aired[1:], planned[1:], strict=False)]
    off = Counter(record.first_tick - record.planned_first_tick for record in aired)
    ticks = {name: sum(getattr(record, name) for record in aired) for name in ("content", "held", "black")}
    print(f"{len(aired)} segments of {len(planned)}, {dict(off)} ticks from plan, {min(late)} to {max(late)} ms after")
    print(f"the time ordered (a tick lasts {float(Fraction(1001, 30)):.1f} ms); ticks: {ticks}")


if __name__ == "__main__":
    main()
