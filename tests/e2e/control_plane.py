"""A control plane in any language, played by Python: stubs made from the tests' own proto, a connection for every call.

Knows nothing of the engine's own Python package.
"""

from __future__ import annotations

import atexit
import importlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import grpc
from grpc_tools import protoc

PROTO = Path(__file__).parents[1] / "protos" / "playout.proto"
SERVICE = "retrovue.playout.PlayoutControl"
RPCS = (
    "StartChannel",
    "UpdatePlan",
    "StopChannel",
    "GetVersion",
    "LoadPreview",
    "SwitchToLive",
    "AttachStream",
    "DetachStream",
)
OK, NOT_READY, REJECTED_BUSY, PROTOCOL_VIOLATION, FAILED = range(1, 6)
UNSPECIFIED, UDS, TCP = range(3)
ANSWERED_WITHIN = 6
"""Seconds after which a call counts as stuck: five that control planes wait, and room for a busy machine."""
OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own, not one that is shared with other channels
    ("grpc.enable_http_proxy", 0),
    # For a Unix socket gRPC's own clients send its path, percent-encoded, which is no authority; the Rust HTTP/2
    # library refuses that.
    ("grpc.default_authority", "localhost"),
)


def format_json(width: int = 320, height: int = 180, rate: str = "30000/1001") -> str:
    """A program format as StartChannel takes it."""
    video = {"width": width, "height": height, "frame_rate": rate}
    return json.dumps({"video": video, "audio": {"sample_rate": 48000, "channels": 2}})


SMALL = format_json()


def without_later_lines(proto: str) -> str:
    """The interface as control planes had it that were built before the extension."""
    return "".join(line for line in proto.splitlines(keepends=True) if "// later" not in line)


def compile_proto(folder: Path, root: Path, name: str) -> None:
    """Puts the stubs of the proto called `name` below `root` into a folder, as `python -m grpc_tools.protoc` does."""
    well_known = Path(protoc.__file__).with_name("_proto")
    paths = [f"-I{root}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(["protoc", *paths, name]) != 0:
        raise RuntimeError("protoc refused the proto")


def make_stubs(folder: Path, proto: str) -> None:
    """Puts `playout_pb2` and `playout_pb2_grpc` into a folder."""
    (folder / PROTO.name).write_text(proto)
    compile_proto(folder, folder, PROTO.name)


def folder_of_stubs() -> Path:
    """A new folder, gone when this process ends."""
    folder = tempfile.mkdtemp(prefix="air-stubs-")
    atexit.register(shutil.rmtree, folder)
    return Path(folder)


@cache
def stubs() -> tuple[Any, Any]:
    """The modules `playout_pb2` and `playout_pb2_grpc`, made for this process."""
    folder = folder_of_stubs()
    make_stubs(folder, PROTO.read_text())
    return load_stubs(str(folder))


def load_stubs(folder: str, module: str = "playout") -> tuple[Any, Any]:
    """The stubs in a folder: the module of messages and that of services."""
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(f"{module}_pb2"), importlib.import_module(f"{module}_pb2_grpc")
    finally:
        sys.path.remove(folder)


class Client:
    """The eight RPCs as methods that take the fields of their request: `client.StopChannel(channel_id=1)`."""

    def __init__(self, target: str, modules: tuple[Any, Any] | None = None) -> None:
        self.target = target
        self.messages, self._services = modules or stubs()

    def __getattr__(self, rpc: str) -> Callable[..., Any]:
        if rpc not in RPCS:
            raise AttributeError(rpc)
        return partial(self.call, rpc)

    def call(self, rpc: str, *, timeout: float = ANSWERED_WITHIN, **fields: Any) -> Any:
        """Calls over a connection of its own; raises grpc.RpcError for any answer that is none."""
        with self.connection() as channel:
            return self.over(channel, rpc, timeout=timeout, **fields)

    def connection(self) -> grpc.Channel:
        """A connection that is shared with nobody, made when it is first used."""
        return grpc.insecure_channel(self.target, OPTIONS)

    def over(self, channel: grpc.Channel, rpc: str, *, timeout: float = ANSWERED_WITHIN, **fields: Any) -> Any:
        """The same over a connection that there is."""
        call = getattr(self._services.PlayoutControlStub(channel), rpc)
        return call(self.request(rpc, **fields), timeout=timeout)

    def request(self, rpc: str, **fields: Any) -> Any:
        """The request of an RPC."""
        name = "ApiVersionRequest" if rpc == "GetVersion" else f"{rpc}Request"
        return getattr(self.messages, name)(**fields)

    def is_answered(self) -> bool:
        """Whether the server answers, now."""
        try:
            return bool(self.GetVersion(timeout=1).version == "1.0.0")
        except grpc.RpcError:
            return False

    def start(self, channel_id: int = 1, program_format_json: str = SMALL) -> None:
        """A started channel."""
        expect(self.StartChannel(channel_id=channel_id, program_format_json=program_format_json))

    def attach(self, endpoint: str, channel_id: int = 1, **fields: Any) -> None:
        """A sink to a Unix socket."""
        expect(self.AttachStream(channel_id=channel_id, transport=UDS, endpoint=endpoint, **fields))

    def take(self, asset: str | Path, channel_id: int = 1, **fields: Any) -> Any:
        """Cues the asset and puts it on air at once."""
        self.load(asset, channel_id, **fields)
        until = time.monotonic() + ANSWERED_WITHIN
        # A busy machine may need longer for the first picture than the call waits for it.
        while (reply := self.SwitchToLive(channel_id=channel_id)).result_code == NOT_READY and time.monotonic() < until:
            pass
        return expect(reply)

    def load(self, asset: str | Path, channel_id: int = 1, **fields: Any) -> Any:
        """An asset in preview."""
        return expect(self.LoadPreview(channel_id=channel_id, asset_path=str(asset), **fields))

    @contextmanager
    def channel(self, channel_id: int = 1, program_format_json: str = SMALL) -> Iterator[None]:
        """A started channel, stopped at the end."""
        self.start(channel_id, program_format_json)
        yield
        expect(self.StopChannel(channel_id=channel_id))


def expect(reply: Any) -> Any:
    """Fail with the server's own words when it refused."""
    assert reply.success, reply.message
    return reply


def refused(reply: Any, result_code: int | None = None) -> str:
    """The message of a refusal, which has to have one, and to be coded so where there are codes (CS-13)."""
    assert not reply.success and reply.message, reply
    assert result_code is None or reply.result_code == result_code, reply
    message: str = reply.message
    return message
