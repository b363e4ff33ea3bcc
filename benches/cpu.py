"""`python -m benches.cpu`: CPU seconds per second of programme, next to the ffmpeg command line at the same work.

Both decode the same 1080p30 clip, scale it to the house format, encode with the same x264 preset, threads, bitrate and
options and the same AAC, and write a transport stream to a file. They take turns, so that a busy machine is busy for
both; user and system time of each child process is what counts, start-up included.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.host import AIR_PY
from tests.media import Clip, make

SECONDS, ROUNDS = 20, 3
FORMATS = {"1280x720": 4_000_000, "1920x1080": 8_000_000}
THREADS = os.cpu_count() or 1
"""As many as the engine takes."""


def main() -> None:
    """Print one row per house format."""
    clip = str(make(Clip(size=(1920, 1080), seconds=SECONDS, noise=12)))
    print("| house format | Air | ffmpeg | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.ts"
        for size, bitrate in FORMATS.items():
            air = ffmpeg = 0.0
            for _ in range(ROUNDS):
                air += cpu_seconds(air_command(clip, size, bitrate, out))
                ffmpeg += cpu_seconds(ffmpeg_command(clip, size, bitrate, out))
            per_second = ROUNDS * SECONDS
            print(f"| {size} | {air / per_second:.3f} | {ffmpeg / per_second:.3f} | {air / ffmpeg:.3f} |")
            sys.stdout.flush()


def air_command(clip: str, size: str, bitrate: int, out: Path) -> list[str]:
    """The engine with its defaults, at the given size."""
    return [AIR_PY, "render", "--format", f"{size}@30/1", "--bitrate", str(bitrate), "-o", str(out), clip]


def ffmpeg_command(clip: str, size: str, bitrate: int, out: Path) -> list[str]:
    """The same by hand."""
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, *ffmpeg_options(size, bitrate, THREADS), str(out)]


def ffmpeg_options(size: str, bitrate: int, threads: int) -> list[str]:
    """What the engine does, by hand: a GOP of a second, neither B-frames nor lookahead, a VBV of the mux delay."""
    video = ["-c:v", "libx264", "-preset", "veryfast", "-threads", str(threads), "-g", "30", "-tune", "zerolatency"]
    video += ["-b:v", str(bitrate), "-maxrate", str(bitrate), "-bufsize", str(bitrate * 3 // 10)]
    video += ["-aud", "1", "-forced-idr", "1", "-sc_threshold", "0"]
    audio = ["-c:a", "aac", "-b:a", "192k", "-ar", "48000", "-ac", "2"]
    scale = ["-vf", f"scale={size.replace('x', ':')}:flags=bicubic,format=yuv420p"]
    return [*scale, *video, *audio, "-f", "mpegts"]


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
