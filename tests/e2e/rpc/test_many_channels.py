"""Several channels in one server: none notices another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import Client, expect, format_json, refused
from tests.e2e.host import Listener
from tests.e2e.server import judged
from tests.e2e.test_sink import assert_starts_clean
from tests.media import Clip, make

FORMAT = format_json(640, 360)
CLIPS = [Clip(seconds=10, earlier=1000 * number, marks=2 if number else 1) for number in range(2)]


class Recorder:
    """A reader that keeps up and keeps what it reads."""

    def __init__(self, listener: Listener) -> None:
        self.data = bytearray()
        self._over = Event()
        self._listener = listener
        self._thread = Thread(target=self._read, name="recorder")
        self._thread.start()

    def _read(self) -> None:
        while not self._over.is_set():
            self.data += self._listener.read_for(0.1)

    def stop(self) -> bytes:
        """All that has come."""
        self._over.set()
        self._thread.join()
        return bytes(self.data)


@contextmanager
def recorded(client: Client, channel_id: int, asset: str | Path) -> Iterator[Recorder]:
    """A channel on air, and what its reader gets."""
    with Listener() as listener:
        client.start(channel_id, FORMAT)
        client.attach(listener.endpoint, channel_id)
        recorder = Recorder(listener)
        try:
            client.take(asset, channel_id)
            yield recorder
        finally:
            recorder.stop()


def test_four_channels_are_clean_and_know_nothing_of_each_other() -> None:
    """CS-3, L-40: with two switches each, while a fifth comes and goes and hangs."""
    with AirServer("--max-channels", "8") as server, ExitStack() as stack:
        client, clips = server.client, [str(make(clip)) for clip in CLIPS]
        channels = {id: stack.enter_context(recorded(client, id, clips[id % 2])) for id in (1, 2, -3, 4)}
        for turn in range(2):
            with recorded(client, 5, "pattern:bars"):
                time.sleep(1)  # of programme
                for id in channels:
                    client.take(clips[(id + turn + 1) % 2], id)
                expect(client.StopChannel(channel_id=5))
        time.sleep(1)  # of programme
        for id, recorder in channels.items():
            stream = assert_starts_clean(recorder.stop())
            report = judged(recorder.data)
            assert report.is_clean, (id, report.findings)
            assert len(stream.video) > 80


def test_one_channel_more_is_refused_until_another_stops() -> None:
    """CS-3: eight are there; the ninth is told why, and who is there."""
    with AirServer("--max-channels", "8") as server:
        client = server.client
        for id in range(8):
            client.start(id)
        assert "0, 1, 2, 3, 4, 5, 6, 7" in refused(client.StartChannel(channel_id=8, program_format_json=FORMAT))
        client.start(3)
        expect(client.StopChannel(channel_id=3))
        client.start(8)
        refused(client.StartChannel(channel_id=3, program_format_json=FORMAT))
