"""`python -m benches.tune_in [TIMES [--isolate]]`: how long a viewer waits for a picture.

Eight channels of different files, 1080p in GOPs of 250 frames among them, are joined in the middle of their programmes,
from another process than the server's. A picture is there when its last byte has come; a decoder of someone else's says
which ones are black. Nothing else should be running.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benches.start_stop import report
from tests.e2e.packets import PACKET, Stream
from tests.e2e.server import Server, Viewer, channels_file
from tests.e2e.watch import first_shown
from tests.media import Clip

CLIPS = [
    Clip(seconds=60),
    Clip(seconds=60, container="mkv", codec="hevc"),
    Clip(seconds=60, container="ts", codec="mpeg2video", audio="mp2"),
    Clip(seconds=60, size=(1280, 720)),
    Clip(seconds=60, size=(1280, 720), container="mkv", gop=250),
    Clip(seconds=60, size=(1920, 1080), gop=250),
    Clip(seconds=60, container="webm", codec="vp9", audio="opus"),
    Clip(seconds=60, size=(1920, 1080), container="ts"),
]
WATCH_S = 1.5
ZAPS = 100


def main() -> None:
    """Print the figures."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    playlists, arguments = [[clip] for clip in CLIPS], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), playlists, *arguments) as server:
        firsts = [tune_in(server, 1 + n % len(CLIPS), Path(folder)) for n in range(times)]
        report("cold: request to the head of the answer", [wait.answer_ms for wait in firsts])
        report("cold: request to the first decodable picture, whatever it shows", [wait.picture_ms for wait in firsts])
        report("cold: request to the first picture of the programme", [wait.programme_ms for wait in firsts])
        with server.watch() as kept:
            kept.read_for(2)
            seconds = [tune_in(server, 1, Path(folder), kept) for _ in range(times // 4)]
        report("second viewer: request to the first decodable picture", [wait.picture_ms for wait in seconds])
        zaps = [zap(server, 1 + n * 3 % len(CLIPS), Path(folder)) for n in range(ZAPS)]
        report("zapping at 1 Hz: request to the first decodable picture", [wait.picture_ms for wait in zaps])
        report("zapping at 1 Hz: request to the first picture of the programme", [wait.programme_ms for wait in zaps])
        print("after the zaps, off the air:", server.is_off_the_air())


@contextmanager
def serving(folder: Path, playlists: Sequence[Sequence[Clip]], *arguments: str) -> Iterator[Server]:
    """A server with a channel at 640x360 for each playlist, which it airs over and over."""
    file = channels_file(folder, {number: [*clips] for number, clips in enumerate(playlists, start=1)})
    with Server("--channels", str(file), *arguments, format=None) as server:
        yield server


class Waits:
    """What a viewer waited for, in milliseconds from the request."""

    def __init__(self, viewer: Viewer, folder: Path) -> None:
        self.answer_ms = viewer.answered_ms
        capture = folder / "capture.ts"
        capture.write_bytes(viewer.data[: len(viewer.data) // PACKET * PACKET])
        stream = Stream(bytes(viewer.data))
        ends = picture_ends(stream)
        self.picture_ms = viewer.ms_until(ends[stream.video[0].pts])
        self.programme_ms = viewer.ms_until(ends[int(first_shown(capture).time * 90_000)])


def picture_ends(stream: Stream) -> dict[int, int]:
    """By PTS, how many bytes of the stream hold the whole picture."""
    starts = [pes.packet for pes in stream.video]
    ends = {}
    for pes, following in zip(stream.video, [*starts[1:], len(stream.packets)], strict=True):
        last = max(p.index for p in stream.packets[pes.packet : following] if p.pid == stream.video_pid)
        ends[pes.pts] = (last + 1) * PACKET
    return ends


def tune_in(server: Server, channel_id: int, folder: Path, beside: Viewer | None = None) -> Waits:
    """One viewer of a channel nobody else watches, or of one that `beside` does."""
    time.sleep(random.uniform(0.1, 0.5))
    with server.watch(channel_id) as viewer:
        viewer.read_for(WATCH_S)
    if beside is None:
        assert server.is_off_the_air()
    else:
        beside.read_for(0.1)
    return Waits(viewer, folder)


def zap(server: Server, channel_id: int, folder: Path) -> Waits:
    """A second of a channel; the one before has been left this moment."""
    began = time.monotonic()
    with server.watch(channel_id) as viewer:
        viewer.read_for(1 - (time.monotonic() - began))
    return Waits(viewer, folder)


if __name__ == "__main__":
    main()
