"""`python -m benches.black`: CPU seconds per second of black at 1080p30, next to what the encoder would take for it.

The ffmpeg command line encodes black from its own generator with the same settings as the engine. The engine renders
it on the virtual clock, and airs it in real time to a reader in the same process, whose work is in the figure. All
sound is silence. Start-up is included, and the two GOPs that the engine encodes before it repeats the second.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from air_py import ProgramFormat, SinkConfig
from benches.cpu import THREADS, cpu_seconds
from tests.e2e.host import AIR_PY, Listener, channel, drained, expect, take

SECONDS, BITRATE = 60, 8_000_000


def main() -> None:
    """Print one row per way."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "black.ts"
        ffmpeg = cpu_seconds(ffmpeg_command(out))
        render = [AIR_PY, "render", "--format", "1920x1080@30/1", "-o", str(out), f"black,dur={SECONDS * 1000}"]
        rows = {"ffmpeg": ffmpeg, "Air, rendered": cpu_seconds(render), "Air, on air": on_air_seconds()}
    print("| 1080p30 black | CPU per second | ratio |\n|---|---|---|")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds / SECONDS:.4f} | {seconds / ffmpeg:.3f} |")


def ffmpeg_command(out: Path) -> list[str]:
    """Black and silence, with a GOP of a second, neither B-frames nor lookahead, as in `benches.cpu`."""
    source = ["-f", "lavfi", "-i", f"color=black:size=1920x1080:rate=30:duration={SECONDS},format=yuv420p"]
    source += ["-f", "lavfi", "-i", f"anullsrc=channel_layout=stereo:sample_rate=48000:duration={SECONDS}"]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-threads", str(THREADS), "-g", "30", "-tune", "zerolatency"]
    video += ["-b:v", str(BITRATE), "-maxrate", str(BITRATE), "-bufsize", str(BITRATE * 3 // 10)]
    video += ["-aud", "1", "-forced-idr", "1", "-sc_threshold", "0"]
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", *source, *video, "-c:a", "aac", "-b:a", "192k", str(out)]


def on_air_seconds() -> float:
    """User and system time of this process while black is on air."""
    house = ProgramFormat(1920, 1080, "30/1")
    with Listener() as listener, channel(SinkConfig(), house) as engine:
        before = resource.getrusage(resource.RUSAGE_SELF)
        expect(engine.attach_stream(1, endpoint=listener.endpoint))
        take(engine, "pattern:black")
        with drained(listener):
            time.sleep(SECONDS)
        after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
