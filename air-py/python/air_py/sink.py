"""The sink: how a channel's programme is encoded and wrapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .integers import whole

__all__ = ["SinkConfig"]

_UNSIGNED = {
    "threads": 32,
    "gop_frames": 32,
    "mux_delay_ms": 32,
    "video_bitrate": 64,
    "audio_bitrate": 64,
    "mux_rate": 64,
}


@dataclass(frozen=True)
class SinkConfig:
    """Encoder and multiplex settings; ``None`` leaves the choice to the engine.

    Names and options are checked when a stream is attached: an encoder that does not exist, or an option it does not
    know, fails ``attach_stream`` with the reason.

    :raises TypeError: a number is no number.
    :raises ValueError: a number is negative, a fraction or too large.
    """

    video_encoder: str | None = None
    """libav encoder name; the engine's own is ``libx264``."""
    preset: str | None = None
    """Encoder preset; the engine's own is ``veryfast``."""
    video_bitrate: int | None = None
    """Bits per second; the engine's own is 4 Mb/s at 720p and 8 Mb/s at 1080p, scaled by size."""
    gop_frames: int | None = None
    """Frames from one IDR picture to the next; the engine's own is one second."""
    threads: int | None = None
    """Encoder threads; 0, the engine's own, is as many as there are cores."""
    video_options: Mapping[str, str] = field(default_factory=dict)
    """Further options of the video encoder, by libav's names."""
    audio_encoder: str | None = None
    """libav encoder name; the engine's own is ``aac``."""
    audio_bitrate: int | None = None
    """Bits per second; the engine's own is 192 000."""
    mux_rate: int | None = None
    """Bits per second of a constant-rate multiplex with null packets; none sends packets as they come."""
    mux_delay_ms: int | None = None
    """PTS minus PCR in milliseconds; the engine's own is 300."""
    service_name: str | None = None
    """Service name in the SDT."""
    provider_name: str | None = None
    """Provider name in the SDT."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "video_options", {str(k): str(v) for k, v in self.video_options.items()})
        for name, bits in _UNSIGNED.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, whole(name, value, 0, 2**bits - 1))

    def flags(self) -> list[str]:
        """The same as flags of ``air-server``."""
        settings = {name: value for name, value in vars(self).items() if name != "video_options" and value is not None}
        options = [f"--video-option={name}={value}" for name, value in self.video_options.items()]
        return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()] + options
