"""A server whose Python stands still: any thread of the host may do that, so no viewer may notice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.e2e.server import Server

_STANDS_STILL = """
import ctypes, signal, threading

hold = ctypes.PyDLL(None).usleep  # which keeps the GIL

def again_and_again():
    while True:
        hold(200_000)

signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=again_and_again, daemon=True).start())
signal.signal(signal.SIGUSR2, lambda *_: hold(1_000_000))
"""
HOLDS_AGAIN_AND_AGAIN = signal.SIGUSR1
"""From then on the GIL is held for 200 ms, given up when another thread asks, and taken again."""
PAUSES = signal.SIGUSR2
"""For a second, as a collection of garbage may."""


def server_that_can(folder: Path, channels: Path, *arguments: str) -> Server:
    """A server that `stand_still` has an effect on. Its log, with all there is to tell, goes where nobody reads."""
    (folder / "sitecustomize.py").write_text(_STANDS_STILL)
    loud = ["--log-level", "debug", *arguments]
    return Server("--channels", str(channels), *loud, format=None, PYTHONPATH=str(folder))


def stand_still(server: Server, how: signal.Signals) -> None:
    """Has its Python do so."""
    os.kill(server.pid, how)
