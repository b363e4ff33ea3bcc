"""What ``/api/…`` answers: channels and their guide in values that JSON has. Nothing here answers a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from ._air import __version__
from .channel import Channel
from .channel_status import ChannelStatus
from .lineup import stream_path

__all__ = ["channel", "channels", "guide"]


def channels(statuses: Iterable[ChannelStatus], time_ms: int) -> dict[str, Any]:
    """What ``/api/channels`` answers.

    :param time_ms: UTC milliseconds now, for clients whose clock is wrong.
    """
    return {"time_ms": time_ms, "version": __version__, "channels": [channel(status) for status in statuses]}


def channel(status: ChannelStatus) -> dict[str, Any]:
    """What ``/api/channels/{id}`` answers: the fields of :class:`ChannelStatus`, and the ``url`` of its stream."""
    return {**_plain(status), "url": stream_path(status.channel_id)}


def guide(channels: Iterable[Channel], start_ms: int, end_ms: int) -> dict[str, Any]:
    """What ``/api/guide`` answers: the airings of each channel from ``start_ms`` until before ``end_ms``, UTC."""
    return {
        "channels": [
            {
                "channel_id": channel.channel_id,
                "airings": [_plain(airing) for airing in channel.schedule.between(start_ms, end_ms)],
            }
            for channel in channels
        ]
    }


def _plain(value: object) -> Any:
    """``value`` as JSON has it: objects as their fields, enums as their values, any text as Unicode."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):  # names of files need not be Unicode
        return value.encode(errors="replace").decode()
    return value
