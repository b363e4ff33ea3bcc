"""The program format: the one picture and sound format in which a channel lives from start to stop.

It says nothing of codecs or bitrates; those belong to the sink (:class:`air_py.SinkConfig`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .integers import whole

__all__ = ["ProgramFormat"]

_SPELLING = re.compile(r"(\d+)x(\d+)@(\d+)(?:/(\d+))?", re.ASCII)
_RATE = re.compile(r"[1-9]\d*/[1-9]\d*", re.ASCII)


@dataclass(frozen=True)
class ProgramFormat:
    """Picture size, frame rate and sound format of a channel.

    :param width: picture width in pixels.
    :param height: picture height in pixels.
    :param frame_rate: frames per second as the exact ratio ``"N/D"``.
    :param sample_rate: sound samples per second.
    :param channels: sound channels.
    :raises ValueError: a value is not positive or ``frame_rate`` is no ratio. Whether the engine can carry the format
        is the engine's answer, at ``start_channel`` and ``attach_stream``.
    """

    width: int
    height: int
    frame_rate: str = "30000/1001"
    sample_rate: int = 48000
    channels: int = 2

    def __post_init__(self) -> None:
        for name in ("width", "height", "sample_rate", "channels"):
            object.__setattr__(self, name, whole(name, getattr(self, name), 1, 2**31 - 1))
        if not _RATE.fullmatch(self.frame_rate):
            raise ValueError(f'frame_rate must be a ratio such as "30000/1001" or "25/1", not {self.frame_rate!r}')

    @classmethod
    def parse(cls, text: str) -> ProgramFormat:
        """The format of ``WxH@N/D`` or ``WxH@N``, as in ``1280x720@30000/1001``; sound is 48 kHz stereo.

        :raises ValueError: ``text`` is not of that form.
        """
        match = _SPELLING.fullmatch(text)
        if match is None:
            raise ValueError(f"a format looks like 1280x720@30000/1001 or 1280x720@25, not {text!r}")
        width, height, numerator, denominator = match.groups(default="1")
        return cls(int(width), int(height), f"{int(numerator)}/{int(denominator)}")

    @classmethod
    def from_json(cls, document: str | Mapping[str, Any]) -> ProgramFormat:
        """The format of a program-format JSON text or of the object it holds; unknown fields are ignored.

        :raises ValueError: a field is missing or unusable, or the text is no JSON.
        """
        fields = json.loads(document) if isinstance(document, str) else document
        try:
            video, audio = fields["video"], fields["audio"]
            return cls(video["width"], video["height"], video["frame_rate"], audio["sample_rate"], audio["channels"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a program format: {error}") from error

    def to_json(self) -> str:
        """The JSON text that ``start_channel`` takes."""
        return json.dumps(
            {
                "video": {"width": self.width, "height": self.height, "frame_rate": self.frame_rate},
                "audio": {"sample_rate": self.sample_rate, "channels": self.channels},
            }
        )

    def __str__(self) -> str:
        return f"{self.width}x{self.height}@{self.frame_rate}"
