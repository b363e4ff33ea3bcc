"""A viewer who pauses: on resuming it is where the others are."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.packets import PACKET, Stream
from tests.e2e.server import Server, Viewer, channels_file, judged
from tests.media import Clip

RING_S = 10
"""What the server keeps."""
PAUSE_S = RING_S + 3
MUX_RATE = 8_000_000
"""What is missed is then more than the kernel holds for a connection."""


def newest_s(viewer: Viewer, since: int) -> float:
    """The time on the latest picture of what came after so many bytes."""
    begin = since - since % PACKET
    data = bytes(viewer.data[begin : len(viewer.data) // PACKET * PACKET])
    return max(pes.pts for pes in Stream(data).video) / 90_000


def test_a_viewer_who_resumes_is_at_the_live_edge_within_a_second(tmp_path: Path) -> None:
    """PAINS 24, FO-2: after a pause longer than the ring, which is in real time, as the stream is."""
    file = channels_file(tmp_path, {1: [Clip(seconds=60)]}, f"sink.mux_rate = {MUX_RATE}\n")
    with Server("--channels", str(file), format=None) as server, server.watch() as pausing, server.watch() as prompt:
        pausing.read_for(1)
        prompt.read_for(PAUSE_S)
        resumed, had, kept = time.monotonic(), len(pausing.data), len(prompt.data)
        pausing.read_for(1)
        prompt.read_for(0.1)
        assert time.monotonic() - resumed < 1.5
        # Of a picture that is not there in whole, and of a batch: far less than what was missed.
        assert newest_s(prompt, kept) - newest_s(pausing, had) < 0.5
        assert len(pausing.data) - had < MUX_RATE / 8 * PAUSE_S / 2, "what it had missed is left out"
        assert set(pausing.data[::PACKET]) == {0x47}
        pausing.read_for(1)
    assert judged(prompt.data).is_clean
