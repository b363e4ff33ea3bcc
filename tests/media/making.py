"""Turns the description of a clip into a file, by the ffmpeg command line. The same description gives the same file."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from . import clip as description
from . import tags
from .clip import Clip

VIDEO = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-sc_threshold", "0"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "20", "-x265-params", "log-level=none:bframes=2"],
    "mpeg2video": ["-c:v", "mpeg2video", "-b:v", "6M"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "3M"],
    "ffv1": ["-c:v", "ffv1"],
    "prores": ["-c:v", "prores_ks"],
    "mjpeg": ["-c:v", "mjpeg", "-q:v", "3"],
    "png": ["-c:v", "png"],
}
AUDIO = {
    "aac": ["-c:a", "aac", "-b:a", "192k"],
    "ac3": ["-c:a", "ac3", "-b:a", "384k"],
    "mp2": ["-c:a", "mp2", "-b:a", "192k"],
    "mp3": ["-c:a", "libmp3lame", "-b:a", "192k"],
    "opus": ["-c:a", "libopus", "-b:a", "192k"],
    "flac": ["-c:a", "flac"],
    "pcm": ["-c:a", "pcm_s16le"],
    "pcm24": ["-c:a", "pcm_s24le"],
}
MUXER = {
    "mp4": "mp4",
    "m4a": "ipod",
    "mkv": "matroska",
    "ts": "mpegts",
    "webm": "webm",
    "mov": "mov",
    "mp3": "mp3",
    "flac": "flac",
    "wav": "wav",
    "jpg": "image2",
    "png": "image2",
}
LAYOUT = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
TURN = {
    "90": ("transpose=cclock", (0, 1, -1, 0)),
    "180": ("hflip,vflip", (-1, 0, 0, -1)),
    "270": ("transpose=clock", (0, -1, 1, 0)),
    "mirror": ("hflip", (-1, 0, 0, 1)),
}
"""How to store it, and the display matrix that sets it right."""
COLOR = {
    "bt601": ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"],
    "bt709": ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
    "full": ["-color_range", "pc"],
    "pq": ["-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084"],
    "hlg": ["-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67"],
}
MATRIX_IN_TKHD = 44
"""Bytes from the type of an mp4 track header, version 0, to its display matrix."""


def cache_folder() -> Path:
    """Where made media stay: AIR_TEST_CACHE, or a folder of the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("AIR_TEST_CACHE") or Path(home) / "air" / "tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make(clip: Clip) -> Path:
    """The clip's file, made when it is not there yet."""
    makers = b"".join(Path(source).read_bytes() for source in (__file__, description.__file__, tags.__file__))
    key = hashlib.sha256(repr(clip).encode() + makers).hexdigest()[:12]
    path = cache_folder() / f"{clip.name}-{key}.{clip.container}"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
            part = Path(scratch) / path.name
            _encode(clip, part)
            _finish(clip, part)
            part.replace(path)
    return path


def _encode(clip: Clip, out: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-y"]
    if clip.codec:
        width, height = clip.size
        command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(clip.rate)]
        command += ["-i", "pipe:0"]
    if clip.audio:
        command += _sound_input(clip, out.with_suffix(".f32"))
    command += _video_output(clip) if clip.codec else []
    command += _audio_output(clip) if clip.audio else []
    if clip.start:
        command += ["-output_ts_offset", f"{float(clip.start):.6f}"]
    command += ["-f", MUXER[clip.container], str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin
        if clip.codec:
            numbers = range(clip.earlier, clip.earlier + int(clip.seconds * clip.rate) or 1)
            if clip.timing != "constant" or clip.cover:
                numbers = range(clip.frames)
            for picture in tags.pictures(numbers, clip.flashing, *clip.size, clip.noise, clip.scan):
                ffmpeg.stdin.write(picture)
    if ffmpeg.returncode:
        raise RuntimeError(f"ffmpeg could not make {clip.name}: exit {ffmpeg.returncode}")


def _sound_input(clip: Clip, raw: Path) -> list[str]:
    since = clip.starts[clip.earlier]
    onsets = [onset - since for onset in tags.beeps(clip.starts, clip.own_length, clip.marks) if onset >= since]
    mono = tags.sound(onsets, clip.own_length, clip.sample_rate)
    to_ms = clip.seconds * 1000 if clip.audio_to_ms is None else clip.audio_to_ms
    mono = mono[clip.audio_from_ms * clip.sample_rate // 1000 : int(to_ms * clip.sample_rate / 1000)]
    np.repeat(mono[:, None], clip.channels, axis=1).tofile(raw)
    late = ["-itsoffset", f"{clip.audio_from_ms}ms"] if clip.audio_from_ms else []
    source = ["-f", "f32le", "-ar", str(clip.sample_rate), "-ac", str(clip.channels), "-i", str(raw)]
    return [*late, "-channel_layout", LAYOUT[clip.channels], *source]


def _audio_output(clip: Clip) -> list[str]:
    assert clip.audio
    return [*AUDIO[clip.audio], *(["-frame_size", str(clip.block)] if clip.block else [])]


def _video_output(clip: Clip) -> list[str]:
    assert clip.codec
    output = [*VIDEO[clip.codec], "-g", str(clip.gop)]
    if clip.codec in ("h264", "mpeg2video"):
        output += ["-bf", str(clip.b_frames)]
    if clip.open_gop:
        output += ["-flags", "-cgop", "-b_strategy", "0", "-sc_threshold", "0"]
    if clip.scan != "progressive" and clip.scan_told:
        output += ["-flags", "+ildct+ilme"]
    if clip.timing != "constant":
        output += ["-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-video_track_timescale", "90000"]
    if clip.cover:
        output += ["-disposition:v", "attached_pic"]
    return [*output, *COLOR.get(clip.color, []), "-vf", ",".join(_filters(clip))]


def _filters(clip: Clip) -> list[str]:
    filters = [TURN[clip.turn][0]] if clip.turn else []
    if clip.timing != "constant":
        stamps = "+".join(f"eq(N,{n})*{int(start * 90_000)}" for n, start in enumerate(clip.starts))
        filters += ["settb=1/90000", f"setpts='{stamps}'"]
    if clip.color == "full":
        filters.append("scale=in_range=tv:out_range=pc")
    if clip.scan != "progressive" and clip.scan_told:
        filters.append(f"setfield={clip.scan}")
    return [*filters, f"format={clip.pixels}", f"setsar={clip.sar.numerator}/{clip.sar.denominator}:max=10000"]


def _finish(clip: Clip, path: Path) -> None:
    """What is done to a file when it is there."""
    if clip.edited:
        whole = path.rename(path.with_name(f"whole.{clip.container}"))
        hidden = f"{float(clip.edited / clip.rate):.6f}"
        subprocess.run(["ffmpeg", "-v", "error", "-ss", hidden, "-i", whole, "-c", "copy", path], check=True)
    data = bytearray(path.read_bytes())
    if clip.turn:
        a, b, c, d = TURN[clip.turn][1]
        at = data.index(b"tkhd") + MATRIX_IN_TKHD
        rows = ((a << 16, b << 16, 0), (c << 16, d << 16, 0), (0, 0, 1 << 30))
        data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for row in rows for value in row)
    for part in clip.appended:
        data += make(part).read_bytes()
    del data[len(data) * clip.kept_percent // 100 :]
    if clip.damaged_percent:
        draw = random.Random(1)
        for _ in range(len(data) // 188 * clip.damaged_percent // 100):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
