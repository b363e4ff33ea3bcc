"""`air.playout.v1.PlayoutMonitor` as a client sees it; its stubs are made from the repository's own proto."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import grpc

from tests.e2e.control_plane import OPTIONS, compile_proto, folder_of_stubs, load_stubs

PROTOS = Path(__file__).parents[2] / "protos"
NAME = "air/playout/v1/playout"


@cache
def stubs() -> tuple[Any, Any]:
    """The modules of messages and of services, made for this process."""
    folder = folder_of_stubs()
    compile_proto(folder, PROTOS, f"{NAME}.proto")
    return load_stubs(str(folder), NAME.replace("/", "."))


class Monitor:
    """Looks at the channels of a server; keeps one connection."""

    def __init__(self, target: str) -> None:
        self.messages, services = stubs()
        self._connection = grpc.insecure_channel(target, OPTIONS)
        self._stub = services.PlayoutMonitorStub(self._connection)

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def status(self, channel_id: int = 1) -> Any:
        """How a channel stands; None if it is not there."""
        answer = self._stub.Status(self.messages.StatusRequest(channel_id=channel_id), timeout=5)
        return answer.channels[0] if answer.channels else None

    def events(self, *channel_ids: int) -> Any:
        """What happens on these channels, or on all, from now on: one after the other."""
        return self._stub.Events(self.messages.EventsRequest(channel_ids=channel_ids))

    def preview(self, channel_id: int = 1) -> str:
        """The preview slot in a word: `empty`, `cueing`, `cued`, `armed` or `failed`."""
        return self._word("PreviewState", self.status(channel_id).preview)

    def live(self, channel_id: int = 1) -> str:
        """The live slot in a word: `vacant`, `rolling` or `exhausted`."""
        return self._word("LiveState", self.status(channel_id).live)

    def _word(self, enum: str, value: int) -> str:
        name: str = getattr(self.messages, enum).Name(value)
        return name.rpartition("_")[2].lower()
