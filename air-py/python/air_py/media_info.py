"""What a file is, found without playing it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import _air, log
from .results import from_fields

__all__ = ["MediaInfo", "probe"]


@dataclass(frozen=True)
class MediaInfo:
    """What an asset holds; ``None`` is what it does not tell, or has not got."""

    duration_ns: int | None
    """Nanoseconds from the first picture to the end of the last one, or of the sound that goes on after it; ``None``
    for what has no end of its own (a still, a pattern), or none that shows."""
    width: int | None
    """Of the pictures as stored, in pixels."""
    height: int | None
    frame_rate: str | None
    """Pictures per second, as the ratio ``"N/D"``."""
    video_codec: str | None
    """libav's name."""
    audio_codec: str | None
    channels: int | None
    """Sound channels."""
    sample_rate: int | None
    """Sound samples per second."""
    is_still: bool
    """Whether it is one image, which is shown until something else is."""

    @property
    def duration_ms(self) -> int | None:
        """The duration in whole milliseconds, the last one begun counted."""
        return None if self.duration_ns is None else -(-self.duration_ns // 1_000_000)


def probe(path: str | os.PathLike[str]) -> MediaInfo:
    """What the file or pattern at ``path`` is; at most three seconds, with the GIL released and Ctrl-C answered.

    The duration is that of the packets at the end of the file, so it is exact to the picture, unless stamps jump in
    mid-file. It cannot be had from a FIFO.

    :raises AirError: it cannot be played, for the reason the engine would give, or it did not answer in time.
    """
    log.connect()
    return from_fields(MediaInfo, _air.probe(os.fspath(path)))
