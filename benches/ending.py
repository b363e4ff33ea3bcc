"""`python -m benches.ending [TIMES]`: a server is told to end, at random moments of its viewers' coming and watching.

By SIGTERM and SIGINT, half of the times with every engine in a process of its own. Nothing else should be running.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benches.start_stop import report
from benches.tune_in import serving
from tests.e2e.server import Server
from tests.e2e.test_isolation import engines, has_ended
from tests.media import Clip

PLAYLISTS = [[Clip(seconds=60)], [Clip(seconds=3), Clip(seconds=2, container="mkv"), Clip(seconds=4)]]
LATEST_S = 2


def main() -> None:
    """Print the figures."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        os.environ["TMPDIR"] = sockets
        for isolated in ((), ("--isolate",)):
            taken, outcomes = [], Counter[str]()
            for n in range(times):
                seconds, outcome = end(Path(folder), (signal.SIGTERM, signal.SIGINT)[n % 2], *isolated)
                taken.append(seconds * 1000)
                outcomes[outcome] += 1
            report(f"{' '.join(isolated) or 'in process'}: signal to exit", taken)
            print(dict(outcomes), "socket paths left:", os.listdir(sockets))


def end(folder: Path, number: signal.Signals, *arguments: str) -> tuple[float, str]:
    """Three viewers come at random moments, and the signal does: (seconds to the exit, how it was)."""
    with serving(folder, PLAYLISTS, *arguments) as server:
        viewers = [threading.Thread(target=watch_to_the_end, args=(server, channel)) for channel in (1, 2, 1)]
        for viewer in viewers:
            viewer.start()
        time.sleep(random.choice([random.uniform(0, 0.3), random.uniform(0, LATEST_S)]))
        running = engines(server.pid)
        status, seconds, text = server.interrupt(number)
        for viewer in viewers:
            viewer.join()
    left = [pid for pid in running if not has_ended(pid)]
    return seconds, f"exit {status}, {len(left)} processes left{', said ' + text.strip() if text.strip() else ''}"


def watch_to_the_end(server: Server, channel_id: int) -> None:
    """Also by a server that goes first."""
    time.sleep(random.uniform(0, 0.3))
    try:
        with server.watch(channel_id) as viewer:
            viewer.read_for(LATEST_S + 5)
    except OSError:
        pass


if __name__ == "__main__":
    main()
