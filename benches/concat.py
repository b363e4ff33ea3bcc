"""`python -m benches.concat`: the speed of `air-py render` next to that of `ffmpeg -f concat` at the same transcode.

Both play the same 1080p30 clips one after the other, scale them to 720p, encode with the same x264 preset, one thread,
bitrate and options and the same AAC, and write a transport stream to a file. They take turns, so that a busy machine is
busy for both. The clips are alike, which is the one case that ffmpeg's concat does without a filter graph.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benches.cpu import cpu_seconds, ffmpeg_options
from tests.e2e.host import AIR_PY
from tests.media import Clip, make

CLIPS = [replace(Clip(size=(1920, 1080), seconds=5, noise=12), gop=gop) for gop in (30, 48, 60, 120)]
ROUNDS = 3
SIZE, BITRATE = "1280x720", 4_000_000


def main() -> None:
    """Print seconds of wall time and of CPU for both, and the ratios."""
    paths = [make(clip) for clip in CLIPS]
    length = ROUNDS * sum(clip.seconds for clip in CLIPS)
    with tempfile.TemporaryDirectory() as folder:
        out, script = Path(folder) / "out.ts", Path(folder) / "list.txt"
        script.write_text("".join(f"file '{path}'\n" for path in paths))
        air = [AIR_PY, "render", "--format", f"{SIZE}@30/1", "--bitrate", str(BITRATE), "-o", str(out)]
        air += [str(path) for path in paths]
        ffmpeg = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(script)]
        ffmpeg += [*ffmpeg_options(SIZE, BITRATE, threads=1), str(out)]
        wall, cpu = [0.0, 0.0], [0.0, 0.0]
        for _ in range(ROUNDS):
            for which, command in enumerate((air, ffmpeg)):
                began = time.monotonic()
                cpu[which] += cpu_seconds(command)
                wall[which] += time.monotonic() - began
    print("| per second of programme | Air | ffmpeg -f concat | ratio of speeds |\n|---|---|---|---|")
    for name, (ours, theirs) in {"wall time": wall, "CPU time": cpu}.items():
        print(f"| {name} | {ours / length:.3f} s | {theirs / length:.3f} s | {theirs / ours:.2f} |")


if __name__ == "__main__":
    main()
