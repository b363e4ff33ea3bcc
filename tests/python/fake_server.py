"""A server process whose engine plays no media but never stops writing: for tests of signals and endings.

With a file as its argument it reloads that: says what is in it, or fails when it is not there.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from air_py import server
from air_py.director import ProgramDirector
from fakes import PACKET, FakeEngine, channel_of


class Flood(FakeEngine):
    """Writes until the stream is closed, as fast as it is read."""

    def switch_to_live(self, channel_id: int, *, target_boundary_time_ms: int = 0) -> Any:
        reply = super().switch_to_live(channel_id, target_boundary_time_ms=target_boundary_time_ms)
        if not target_boundary_time_ms:
            threading.Thread(target=self._flood).start()
        return reply

    def _flood(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.write(PACKET * 300)

    def stop_channel(self, channel_id: int) -> Any:
        if self.stream is not None:
            with contextlib.suppress(OSError):
                self.stream.shutdown(socket.SHUT_RDWR)  # Closing alone would leave a blocked write blocked.
        return super().stop_channel(channel_id)


async def reload() -> None:
    print(Path(sys.argv[1]).read_text(), flush=True)


if __name__ == "__main__":
    listener = server.listen("127.0.0.1", 0)
    app = ProgramDirector([channel_of("pattern:bars")], make_engine=Flood)  # type: ignore[arg-type]
    watched = sys.argv[1:]
    server.run(
        app,
        listener,
        on_ready=lambda: print(listener.getsockname()[1], flush=True),
        reload=reload if watched else None,
        watch=watched,
    )
