"""`air.playout.v1.PlayoutMonitor` as a client sees it; its stubs are made from the repository's own proto."""

from __future__ import annotations

import atexit
import importlib
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from grpc_tools import protoc

from tests.e2e.control_plane import OPTIONS

PROTOS = Path(__file__).parents[2] / "protos"
NAME = "air/playout/v1/playout"


@cache
def stubs() -> tuple[Any, Any]:
    """The modules of messages and of services, made for this process."""
    folder = tempfile.mkdtemp(prefix="air-stubs-")
    atexit.register(shutil.rmtree, folder)
    arguments = [f"-I{PROTOS}", f"--python_out={folder}", f"--grpc_python_out={folder}", f"{NAME}.proto"]
    if protoc.main(["protoc", *arguments]) != 0:
        raise RuntimeError("protoc refused the proto")
    sys.path.insert(0, folder)
    try:
        module = NAME.replace("/", ".")
        return importlib.import_module(f"{module}_pb2"), importlib.import_module(f"{module}_pb2_grpc")
    finally:
        sys.path.remove(folder)


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
