"""Ordinary media files with tagged content, by codec, container, sound and rate.

Made by the ffmpeg command line from raw pictures and samples; the same description gives the same cached file.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from . import tags

VIDEO = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "20", "-x265-params", "log-level=none:bframes=2"],
    "mpeg2video": ["-c:v", "mpeg2video", "-b:v", "6M"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "3M"],
    "ffv1": ["-c:v", "ffv1"],
}
AUDIO = {
    "aac": ["-c:a", "aac", "-b:a", "192k"],
    "ac3": ["-c:a", "ac3", "-b:a", "384k"],
    "mp3": ["-c:a", "libmp3lame", "-b:a", "192k"],
    "opus": ["-c:a", "libopus", "-b:a", "192k"],
    "flac": ["-c:a", "flac"],
    "pcm": ["-c:a", "pcm_s16le"],
}
MUXER = {"mp4": "mp4", "mkv": "matroska", "ts": "mpegts", "webm": "webm", "mov": "mov"}
LAYOUT = {1: "mono", 2: "stereo", 6: "5.1"}


@dataclass(frozen=True)
class Clip:
    """What a clip is. Every field is part of its cache key."""

    codec: str = "h264"
    container: str = "mp4"
    audio: str | None = "aac"
    """None: no sound at all."""
    channels: int = 2
    rate: Fraction = Fraction(30)
    seconds: int = 4
    size: tuple[int, int] = (640, 360)
    gop: int = 48
    """Frames from one key frame to the next."""
    b_frames: int = 2
    """Pictures that are stored after one they precede; ignored by codecs that have none."""
    sample_rate: int = 48000
    audio_from_ms: int = 0
    """Sound that would come before this is not in the file."""
    noise: int = 0
    """Levels by which every pixel flickers, for streams that have to be large."""

    @property
    def frames(self) -> int:
        """How many pictures there are."""
        return int(self.seconds * self.rate)

    @property
    def name(self) -> str:
        """Says what is in it at a glance: `h264-mp4-aac2-29.97`."""
        sound = f"{self.audio}{self.channels}" if self.audio else "mute"
        late = f"-late{self.audio_from_ms}" if self.audio_from_ms else ""
        return f"{self.codec}-{self.container}-{sound}{late}-{float(self.rate):.5g}"


def cache_folder() -> Path:
    """Where made media stay: AIR_TEST_CACHE, or a folder of the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("AIR_TEST_CACHE") or Path(home) / "air" / "tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make(clip: Clip) -> Path:
    """The clip's file, made when it is not there yet."""
    makers = b"".join(Path(source).read_bytes() for source in (__file__, tags.__file__))
    key = hashlib.sha256(repr(clip).encode() + makers).hexdigest()[:12]
    path = cache_folder() / f"{clip.name}-{key}.{clip.container}"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
            part = Path(scratch) / path.name
            _encode(clip, part)
            part.replace(path)
    return path


def _encode(clip: Clip, out: Path) -> None:
    width, height = clip.size
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
    command += ["-r", str(clip.rate), "-i", "pipe:0"]
    if clip.audio:
        command += _sound_input(clip, out.with_suffix(".f32"))
    command += [*VIDEO[clip.codec], "-g", str(clip.gop)]
    if clip.codec in ("h264", "mpeg2video"):
        command += ["-bf", str(clip.b_frames)]
    command += ["-f", MUXER[clip.container], str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin
        for picture in tags.pictures(clip.rate, clip.frames, width, height, clip.noise):
            ffmpeg.stdin.write(picture)
    if ffmpeg.returncode:
        raise RuntimeError(f"ffmpeg could not make {clip.name}: exit {ffmpeg.returncode}")


def _sound_input(clip: Clip, raw: Path) -> list[str]:
    assert clip.audio
    mono = tags.sound(clip.rate, clip.frames, clip.sample_rate)[clip.audio_from_ms * clip.sample_rate // 1000 :]
    np.repeat(mono[:, None], clip.channels, axis=1).tofile(raw)
    late = ["-itsoffset", f"{clip.audio_from_ms}ms"] if clip.audio_from_ms else []
    source = ["-f", "f32le", "-ar", str(clip.sample_rate), "-ac", str(clip.channels), "-i", str(raw)]
    layout = ["-channel_layout", LAYOUT[clip.channels]]
    return [*late, *layout, *source, *AUDIO[clip.audio]]
