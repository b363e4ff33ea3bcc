"""The playout engine: one channel, its two slots and its stream."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar

from . import _air, log
from .formats import ProgramFormat
from .integers import int32, int64
from .results import (
    AttachStreamReply,
    Event,
    LoadPreviewReply,
    Reply,
    Status,
    StreamTransport,
    SwitchToLiveReply,
    from_fields,
)
from .sink import SinkConfig

__all__ = ["Engine"]

_Self = TypeVar("_Self", bound="Engine")


class Engine:
    """One playout engine, which runs one channel at a time.

    The operations are those of the playout API, one to one. They may be called from any thread and release the GIL
    while they wait. Refusals come back as replies; exceptions are for arguments that cannot be meant: a fraction where
    an integer belongs (``ValueError``), a wrong type (``TypeError``). Those are raised before anything has happened.

    As a context manager an engine stops its channel on leaving::

        with Engine() as engine:
            engine.start_channel(1, program_format=ProgramFormat(1280, 720))

    :param sink: how to encode and wrap; ``None`` takes the engine's defaults.
    """

    def __init__(self, sink: SinkConfig | None = None) -> None:
        log.connect()
        self._native = _air.Engine(sink or SinkConfig())

    def start_channel(
        self,
        channel_id: int,
        *,
        plan_handle: str = "",
        port: int = 0,
        program_format: ProgramFormat | str | Mapping[str, Any],
    ) -> Reply:
        """Makes the channel; nothing is opened and no byte leaves yet.

        Starting a running channel again succeeds and changes nothing; a second channel is refused.

        :param channel_id: any 32-bit integer; a label.
        :param plan_handle: kept for the host; not interpreted.
        :param port: kept for the host; not interpreted.
        :param program_format: the format, its JSON text, or the object of that JSON.
        """
        fields = self._native.start_channel(
            int32("channel_id", channel_id), plan_handle, int32("port", port), _format_json(program_format)
        )
        return from_fields(Reply, fields)

    def update_plan(self, channel_id: int, *, plan_handle: str) -> Reply:
        """Accepts a new plan handle; it drives nothing."""
        return from_fields(Reply, self._native.update_plan(int32("channel_id", channel_id), plan_handle))

    def load_preview(
        self,
        channel_id: int,
        *,
        asset_path: str | os.PathLike[str],
        start_offset_ms: int = 0,
        hard_stop_time_ms: int = 0,
    ) -> LoadPreviewReply:
        """Cues an asset in the preview slot, replacing what was there; what is live is not disturbed.

        Waits until the asset is open or refused, three seconds at most.

        :param asset_path: a media file, ``pattern:bars`` or ``pattern:black``.
        :param start_offset_ms: media time of the first frame to show.
        :param hard_stop_time_ms: UTC milliseconds after which nothing of it is shown; 0 is no stop.
        """
        fields = self._native.load_preview(
            int32("channel_id", channel_id),
            os.fspath(asset_path),
            int64("start_offset_ms", start_offset_ms),
            int64("hard_stop_time_ms", hard_stop_time_ms),
        )
        return from_fields(LoadPreviewReply, fields)

    def switch_to_live(
        self, channel_id: int, *, target_boundary_time_ms: int = 0, issued_at_time_ms: int = 0
    ) -> SwitchToLiveReply:
        """Takes the preview live.

        ``NOT_READY`` means armed: the switch completes by itself as soon as the preview has a picture.

        :param target_boundary_time_ms: UTC milliseconds of the cut; 0 is now.
        :param issued_at_time_ms: when the host decided, for its own records.
        """
        fields = self._native.switch_to_live(
            int32("channel_id", channel_id),
            int64("target_boundary_time_ms", target_boundary_time_ms),
            int64("issued_at_time_ms", issued_at_time_ms),
        )
        return from_fields(SwitchToLiveReply, fields)

    def attach_stream(
        self,
        channel_id: int,
        *,
        transport: StreamTransport = StreamTransport.UNIX_DOMAIN_SOCKET,
        endpoint: str | os.PathLike[str],
        replace_existing: bool = False,
    ) -> AttachStreamReply:
        """Connects the channel's stream to a listening endpoint, such as a :class:`air_py.StreamReader`.

        :param endpoint: a socket path, ``127.0.0.1:port`` or a file path, as ``transport`` says.
        :param replace_existing: whether to leave a stream that is attached already; refused otherwise.
        """
        fields = self._native.attach_stream(
            int32("channel_id", channel_id), int32("transport", transport), os.fspath(endpoint), replace_existing
        )
        return from_fields(AttachStreamReply, fields)

    def detach_stream(self, channel_id: int, *, force: bool = False) -> Reply:
        """Ends the stream; the reader sees its end. The channel goes on without it."""
        return from_fields(Reply, self._native.detach_stream(int32("channel_id", channel_id), force))

    def stop_channel(self, channel_id: int) -> Reply:
        """Stops the channel and returns when its threads, sockets and codecs are gone. Stopping twice succeeds."""
        return from_fields(Reply, self._native.stop_channel(int32("channel_id", channel_id)))

    def get_version(self) -> str:
        """Version of the playout API, ``1.0.0``."""
        return self._native.get_version()

    def status(self) -> Status | None:
        """The channel now; ``None`` when none is started."""
        fields = self._native.status()
        return None if fields is None else from_fields(Status, fields)

    def next_event(self, timeout: float) -> Event | None:
        """The next event, waiting up to ``timeout`` seconds; ``None`` when there was none or none can come.

        :raises ValueError: ``timeout`` is negative, not finite, or longer than a ``timedelta`` can be.
        """
        fields = self._native.next_event(_duration("timeout", timeout))
        return None if fields is None else from_fields(Event, fields)

    def close(self) -> None:
        """Stops the channel, if there is one. Closing twice is no error."""
        self._native.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        status = self.status()
        if status is None:
            return "<Engine: no channel>"
        return (
            f"<Engine: channel {status.channel_id}, live {status.live}, preview {status.preview}, sink {status.sink}>"
        )


def _duration(name: str, seconds: float) -> timedelta:
    try:
        duration = timedelta(seconds=seconds)
    except TypeError:
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}") from None
    except (OverflowError, ValueError):
        raise ValueError(f"{name} must be a finite number of seconds, not {seconds!r}") from None
    if duration < timedelta():
        raise ValueError(f"{name} must not be negative, but is {seconds!r}")
    return duration


def _format_json(program_format: ProgramFormat | str | Mapping[str, Any]) -> str:
    if isinstance(program_format, ProgramFormat):
        return program_format.to_json()
    return program_format if isinstance(program_format, str) else json.dumps(dict(program_format))
