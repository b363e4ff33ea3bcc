"""What the engine answers: frozen, typed values.

Every reply is true when the operation succeeded, so ``if not engine.load_preview(...)`` reads as it should; a refusal
is a reply, not an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, TypeVar

__all__ = [
    "AsRun",
    "AttachStreamReply",
    "Counters",
    "Event",
    "EventKind",
    "LoadPreviewReply",
    "Reply",
    "ResultCode",
    "SourcePicture",
    "Status",
    "StreamTransport",
    "SwitchToLiveReply",
    "from_fields",
]


class ResultCode(IntEnum):
    """Outcome of a control operation, numbered as in the playout API."""

    UNSPECIFIED = 0
    OK = 1
    NOT_READY = 2
    """The switch is armed and completes by itself."""
    REJECTED_BUSY = 3
    """A switch is armed; nothing was changed."""
    PROTOCOL_VIOLATION = 4
    """The operation is not legal in this state; nothing was changed."""
    FAILED = 5


class StreamTransport(IntEnum):
    """Where a stream's bytes go, numbered as in the playout API."""

    UNSPECIFIED = 0
    UNIX_DOMAIN_SOCKET = 1
    """The endpoint is the path of a listening socket."""
    TCP_LOOPBACK = 2
    """The endpoint is ``127.0.0.1:port``."""
    FILE = 100
    """The endpoint is the path of a file to write; an extension of the API."""


@dataclass(frozen=True)
class Reply:
    """Answer of a control operation."""

    success: bool
    message: str
    """What happened, for people."""
    result_code: ResultCode

    def __bool__(self) -> bool:
        return self.success


@dataclass(frozen=True)
class LoadPreviewReply(Reply):
    """Answer of ``load_preview``."""

    shadow_decode_started: bool
    """The preview is decoding ahead of its switch."""


@dataclass(frozen=True)
class SwitchToLiveReply(Reply):
    """Answer of ``switch_to_live``."""

    pts_contiguous: bool
    """The new segment's first PTS is the successor of the old one's last."""
    live_start_pts: int
    """PTS of the first picture of the new segment, in 90 kHz units."""
    switch_completion_time_ms: int
    """When the cut fell, in UTC milliseconds; 0 while it is still to come."""
    violation_reason: str
    """Why the call was refused; empty when it was not."""


@dataclass(frozen=True)
class AttachStreamReply(Reply):
    """Answer of ``attach_stream``."""

    negotiated_transport: StreamTransport
    negotiated_endpoint: str


@dataclass(frozen=True)
class Counters:
    """What has happened on a channel since it was started."""

    content_frames: int
    """Ticks that showed a picture of the live segment for the first time or as its rate asks."""
    held_frames: int
    """Ticks that repeated a picture because the next was not there."""
    black_frames: int
    underruns: int
    failsafe_entries: int
    """Times the live segment ended and no other was switched to."""
    late_ticks: int
    pictures_dropped: int
    """Pictures left out because the reader was too slow."""
    decode_errors: int
    bytes_written: int
    writes: int
    stalls: int
    """Times the reader kept the writer waiting."""


@dataclass(frozen=True)
class Status:
    """A channel at one moment."""

    channel_id: int
    tick: int | None
    """Output ticks since the first switch; ``None`` before it."""
    preview: str
    """``empty``, ``cueing``, ``cued``, ``armed`` or ``failed``."""
    live: str
    """``vacant``, ``rolling`` or ``exhausted``."""
    live_asset: str | None
    sink: str
    """``idle``, ``starting``, ``running``, ``backpressure``, ``error``, ``stopping`` or ``stopped``."""
    counters: Counters


class EventKind(Enum):
    """What an :class:`Event` reports."""

    TAKEN = "taken"
    """A segment went live; ``segment`` and ``asset`` say which."""
    EXHAUSTED = "exhausted"
    """The live segment is read to its end; its last frames are still to be shown. A switch with ``end_time_ms`` as
    its boundary follows them without a gap."""
    COMPLETED = "completed"
    """The live segment's last frame has been shown; black and silence until the next switch."""
    AS_RUN = "as_run"
    """A segment that was live has left the air; ``record`` says what became of it."""
    CUE_FAILED = "cue_failed"
    """The preview cannot be played; ``reason`` says why."""
    UNDERRUN = "underrun"
    """The live segment did not keep up for a while."""
    LATE = "late"
    """``ticks`` were missed and sent at once."""
    SINK_LOST = "sink_lost"
    """The reader went away; the channel goes on and can be attached again."""
    OTHER = "other"
    """Something newer than this package; see ``message``."""


@dataclass(frozen=True)
class SourcePicture:
    """A picture of an asset."""

    number: int
    """In display order from 0; after a start in the middle, what the asset's rate makes of the time."""
    media_ms: int
    """Milliseconds from the start of the asset."""


@dataclass(frozen=True)
class AsRun:
    """What became of one segment that was live. Each of its ticks is one of content, held and black."""

    segment: int
    asset: str
    start_offset_ms: int
    planned_first_tick: int
    """The tick it was to go live at: that of its boundary, or the next one at the time of the command."""
    first_tick: int
    planned_last_tick: int | None
    """The last tick before its hard stop or its planned end; ``None`` when it had neither, or no tick is before it."""
    last_tick: int | None
    """``None`` when it left the air before its first tick."""
    first_time_ms: int
    """When its first tick was due, in UTC milliseconds; in a rendering, from the start of that."""
    first_source: SourcePicture | None
    """The first picture of the asset that was shown; ``None`` when it showed none."""
    last_source: SourcePicture | None
    content: int
    """Ticks that showed what was due in the asset."""
    repeated: int
    """How many of these showed the same picture as the tick before, by the cadence."""
    dropped: int
    """Pictures of the asset, between the first and the last, that no tick showed."""
    held: int
    """Ticks filled with the last picture because the next was late."""
    black: int
    """Ticks filled with black: late for longer, or after the end."""
    failure: str | None
    """Why it could not be played, or not to its end."""


@dataclass(frozen=True)
class Event:
    """Something that happened on a channel, at one of its ticks."""

    tick: int
    kind: EventKind
    message: str
    """The event in words."""
    segment: int | None = None
    asset: str | None = None
    reason: str | None = None
    ticks: int | None = None
    end_tick: int | None = None
    """The first tick an exhausted segment has nothing for."""
    end_time_ms: int | None = None
    """The boundary, in UTC milliseconds, that falls on that tick."""
    record: AsRun | None = None


_Result = TypeVar("_Result")


def _optional(result: type[Any]) -> Callable[[Mapping[str, Any] | None], object]:
    return lambda fields: None if fields is None else from_fields(result, fields)


_TYPED: Mapping[str, Callable[[Any], object]] = {
    "result_code": ResultCode,
    "negotiated_transport": StreamTransport,
    "kind": EventKind,
    "counters": lambda fields: Counters(**fields),
    "first_source": _optional(SourcePicture),
    "last_source": _optional(SourcePicture),
    "record": _optional(AsRun),
    "as_run": lambda records: tuple(from_fields(AsRun, record) for record in records),
}


def from_fields(result: type[_Result], fields: Mapping[str, Any]) -> _Result:
    """The ``result`` of the native half's plain fields."""
    return result(**{name: _TYPED[name](value) if name in _TYPED else value for name, value in fields.items()})
