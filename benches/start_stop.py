"""`python -m benches.start_stop`: how soon a take is seen, how soon a stop is over, and what 200 cycles leave behind.

A reader in the same process waits for the first IDR; the figure includes its wake-up. Nothing else should be running.
"""

from __future__ import annotations

import time

from air_py import SinkConfig
from tests.e2e.host import Holdings, Listener, channel, drained, expect, on_air, resident_bytes
from tests.e2e.packets import PACKET, Stream
from tests.media import Clip, make

STARTS, CYCLES = 50, 200
SINK = SinkConfig()


def main() -> None:
    """Print the three measurements."""
    clip = str(make(Clip(size=(1280, 720), seconds=10)))
    starts = [start_ms(clip) for _ in range(STARTS)]
    report("switch_to_live to the first whole IDR at the reader", starts)
    before, memory, stops = None, 0, []
    for cycle in range(CYCLES):
        stops.append(stop_ms(clip))
        if cycle == 9:  # libraries and allocators have settled
            before, memory = Holdings.now(), resident_bytes()
    report("stop_channel", stops)
    print(
        f"{CYCLES} cycles, from the tenth on: {before} then {Holdings.now()}, "
        f"memory {(resident_bytes() - memory) / 1024:+.0f} KiB"
    )


def start_ms(asset: str) -> float:
    """Milliseconds from the call of switch_to_live until the first IDR has come whole."""
    with Listener() as listener, channel(SINK) as engine:
        expect(engine.attach_stream(1, endpoint=listener.endpoint))
        expect(engine.load_preview(1, asset_path=asset))
        time.sleep(0.3)  # a primed preview, as a host that loads ahead has it
        began, data = time.monotonic(), b""
        expect(engine.switch_to_live(1))
        while not has_whole_picture(data):
            data += listener.read_for(0.001)
        return (time.monotonic() - began) * 1000


def has_whole_picture(data: bytes) -> bool:
    """Whether the first access unit, which is an IDR, has ended: the second has begun or other packets follow it."""
    if len(data) < 4 * PACKET:
        return False
    stream = Stream(data)
    pids = [p.pid for p in stream.packets]
    if stream.video_pid not in pids:
        return False
    return any(pid != stream.video_pid for pid in pids[pids.index(stream.video_pid) :])


def stop_ms(asset: str) -> float:
    """Milliseconds that stop_channel takes of a channel on air."""
    with Listener() as listener, on_air(asset, listener, SINK) as engine, drained(listener):
        time.sleep(0.1)
        began = time.monotonic()
        expect(engine.stop_channel(1))
        return (time.monotonic() - began) * 1000


def report(what: str, values: list[float]) -> None:
    """One line: median, 99th percentile, worst."""
    ranked = sorted(values)
    p50, p99 = (ranked[min(len(ranked) * p // 100, len(ranked) - 1)] for p in (50, 99))
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {ranked[-1]:.1f} ms of {len(ranked)}")


if __name__ == "__main__":
    main()
