"""Assets that keep an engine waiting for as long as a test wants: FIFOs, fed by hand."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.media import Clip, make

CLIP = Clip(container="ts", size=(320, 180), seconds=30)
FAR_MS = 20_000
"""An offset that is not in the part that is fed at first."""


class Feed:
    """A FIFO that gives the beginning of a programme, and the rest when it is told to."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._rest = threading.Event()
        self._is_cut = False
        self._thread = threading.Thread(target=self._write, name="feed")
        self._thread.start()

    def finish(self) -> None:
        """Gives the rest: the asset can be cued."""
        self._rest.set()

    def cut(self) -> None:
        """Ends the file where it is: the offset is never reached."""
        self._is_cut = True
        self._rest.set()

    def _write(self) -> None:
        data = make(CLIP).read_bytes()
        try:
            with open(self.path, "wb", buffering=0) as pipe:  # waits for a reader
                pipe.write(data[: len(data) // 4])
                self._rest.wait()
                if not self._is_cut:
                    pipe.write(data[len(data) // 4 :])
        except BrokenPipeError:
            pass  # the reader has gone; it may

    def close(self) -> None:
        """Lets the writer end, whoever reads."""
        self.cut()
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)  # for a writer that still waits for one
        while self._thread.is_alive():
            with suppress(BlockingIOError):
                os.read(reader, 1 << 20)
            self._thread.join(0.005)
        os.close(reader)


@contextmanager
def feed(folder: Path) -> Iterator[Feed]:
    """A FIFO that is cleaned up."""
    fed = Feed(Path(tempfile.mkdtemp(dir=folder)) / "feed.ts")
    try:
        yield fed
    finally:
        fed.close()


def never(folder: Path) -> Path:
    """A FIFO that nobody writes: opening it as an asset takes as long as the engine waits."""
    path = folder / "never.ts"
    os.mkfifo(path)
    return path
