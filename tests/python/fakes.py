"""An engine that plays no media: it connects, writes packets when told, and remembers what it was asked."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

from air_py import (
    AsRun,
    AttachStreamReply,
    Counters,
    Event,
    EventKind,
    LoadPreviewReply,
    Reply,
    ResultCode,
    SinkConfig,
    Status,
    StreamTransport,
    SwitchToLiveReply,
)
from air_py.channel import Channel
from air_py.isolated import EngineLost
from air_py.schedule import Airing

PACKET = b"\x47\x1f\xff\x10" + b"\xff" * 184

COUNTERS = Counters(**dict.fromkeys(Counters.__dataclass_fields__, 0))
OK = (True, "", ResultCode.OK)


class Always:
    """A schedule of one asset, an hour at a time or as long as is said."""

    def __init__(self, asset: str, length_ms: int = 3_600_000) -> None:
        self.asset = asset
        self.length_ms = length_ms

    def at(self, time_ms: int) -> Airing:
        start_ms = time_ms - time_ms % self.length_ms
        return Airing(start_ms, start_ms + self.length_ms, self.asset, self.asset)

    def between(self, start_ms: int, end_ms: int) -> Iterator[Airing]:
        while start_ms < end_ms:
            yield (airing := self.at(start_ms))
            start_ms = airing.end_ms


def channel_of(asset: str, channel_id: int = 1, length_ms: int = 3_600_000) -> Channel:
    """A channel that airs one asset for ever."""
    return Channel(channel_id, f"channel {channel_id}", Always(asset, length_ms))


def as_run(asset: str) -> AsRun:
    """A record of an asset that ran as planned."""
    return AsRun(1, asset, 0, 0, 0, None, 9, 0, None, None, 10, 0, 0, 0, 0, None)


def refusal(message: str, code: ResultCode = ResultCode.FAILED) -> tuple[bool, str, ResultCode]:
    return (False, message, code)


class FakeEngine:
    """Stands in for ``air_py.Engine``.

    A switch now is taken at once, one for a boundary by :meth:`take`. ``unplayable`` assets are refused, ``hanging``
    ones wait for the stop; ``raises`` is what loading anything but black raises, ``breaks`` what asking for an event
    does. A ``silent`` one does not say how it stands before its stop, which reports the record of
    ``on_air_at_the_stop``. With ``switches`` false, switches for a boundary are refused.
    """

    def __init__(
        self,
        sink: SinkConfig | None = None,
        *,
        unplayable: tuple[str, ...] = (),
        hanging: str = "",
        raises: Exception | None = None,
    ) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.events_asked = 0
        self.changed = threading.Condition()
        self.unplayable = unplayable
        self.hanging = hanging
        self.raises = raises
        self.breaks: Exception | None = None
        self.silent = False
        self.switches = True
        self.on_air_at_the_stop = ""
        self.stopped = threading.Event()
        self.closed = False
        self.stream: socket.socket | None = None
        self.lost = False
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._preview: str | None = None
        self._preview_state = "empty"
        self._live: str | None = None
        self._live_state = "vacant"
        self._segment = 0

    def _note(self, *call: Any) -> None:
        if self.lost:
            raise EngineLost("killed")
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def wait_for_call(self, *call: Any, count: int = 1) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.calls.count(call) >= count, 5), self.calls

    def wait_until_answered(self, events: int) -> None:
        """Waits until the host has dealt with that many events and asks for another."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.events_asked > events, 5), self.calls

    def start_channel(self, channel_id: int, *, program_format: object) -> Reply:
        self._note("start_channel")
        return Reply(*OK)

    def attach_stream(self, channel_id: int, *, transport: StreamTransport, endpoint: str) -> AttachStreamReply:
        self._note("attach_stream")
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(endpoint)
        return AttachStreamReply(*OK, transport, endpoint)

    def load_preview(self, channel_id: int, *, asset_path: str, start_offset_ms: int = 0) -> LoadPreviewReply:
        self._note("load_preview", asset_path)
        if self.raises is not None and asset_path != "pattern:black":
            raise self.raises
        if asset_path == self.hanging:
            self.stopped.wait()
            return LoadPreviewReply(*refusal("stopped"), False)
        if asset_path in self.unplayable:
            return LoadPreviewReply(*refusal(f"{asset_path}: not media"), False)
        self._preview, self._preview_state = asset_path, "cued"
        return LoadPreviewReply(*OK, True)

    def switch_to_live(self, channel_id: int, *, target_boundary_time_ms: int = 0) -> SwitchToLiveReply:
        self._note("switch_to_live", *([target_boundary_time_ms] if target_boundary_time_ms else []))
        if self._preview is None:
            return SwitchToLiveReply(*refusal("no preview", ResultCode.PROTOCOL_VIOLATION), False, 0, 0, "no preview")
        if target_boundary_time_ms:
            if not self.switches:
                return SwitchToLiveReply(*refusal("preview gave no picture"), False, 0, 0, "")
            self._preview_state = "armed"
            return SwitchToLiveReply(*OK, True, 0, 0, "")
        self.take()
        try:
            self.write(PACKET * 7)
        except OSError as error:
            if self.lost:
                raise EngineLost("killed") from error
            return SwitchToLiveReply(*refusal("no channel"), False, 0, 0, "")
        return SwitchToLiveReply(*OK, True, 0, 0, "")

    def take(self) -> None:
        """The switch happens."""
        self._live, self._live_state = self._preview, "rolling"
        self._preview, self._preview_state = None, "empty"
        self._segment += 1
        self.report(EventKind.TAKEN, asset=self._live)

    def exhaust(self, end_time_ms: int) -> None:
        """The live asset is read to its end, which is on air until then."""
        self.report(EventKind.EXHAUSTED, end_time_ms=end_time_ms)

    def fail_cue(self) -> None:
        """The preview turns out to have no picture."""
        self._preview_state = "failed"
        self.report(EventKind.CUE_FAILED)

    def lose(self) -> None:
        """Its process is killed."""
        self.lost = True
        assert self.stream is not None
        self.stream.close()
        self._events.put(None)

    def write(self, data: bytes) -> None:
        assert self.stream is not None
        self.stream.sendall(data)

    def report(self, kind: EventKind, **fields: Any) -> None:
        self._events.put(Event(0, kind, kind.value, segment=self._segment, **fields))

    def next_event(self, timeout: float) -> Event | None:
        with self.changed:
            self.events_asked += 1
            self.changed.notify_all()
        if self.lost:
            raise EngineLost("killed")
        if self.breaks is not None:
            raise self.breaks
        try:
            return self._events.get(timeout=timeout) if timeout else self._events.get_nowait()
        except queue.Empty:
            return None

    def status(self) -> Status | None:
        if self.silent:
            self.stopped.wait()
        if self.stopped.is_set():
            return None
        return Status(1, None, self._preview_state, self._live_state, self._live, "running", COUNTERS)

    def close(self) -> None:
        self.closed = True

    def stop_channel(self, channel_id: int) -> Reply:
        self._note("stop_channel")
        if not self.stopped.is_set():
            self.stopped.set()
            if self.on_air_at_the_stop:
                self.report(EventKind.AS_RUN, record=as_run(self.on_air_at_the_stop))
            self._events.put(None)
        if self.stream is not None:
            self.stream.close()
        return Reply(*OK)
