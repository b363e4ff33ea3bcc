"""`python -m benches.players [MINUTES]`: what people watch with, all at once on one channel, a join every ten seconds.

Clips of several codecs, containers and rates. A line for each player: how long it played, and what it complained of;
for Chromium, what its video element told, and how far it fell behind the clock. Nothing else should be running.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

from benches.tune_in import serving
from tests.e2e.browser import Browser
from tests.e2e.players import Command, Stalls, ffmpeg, ffplay, gstreamer, mpv, play, vlc
from tests.media import Clip

F = Fraction
CLIPS = [
    Clip(seconds=10),
    Clip(seconds=9, codec="hevc", container="mkv", audio="ac3", rate=F(24000, 1001)),
    Clip(seconds=11, codec="mpeg2video", container="ts", audio="mp2", rate=F(25)),
    Clip(seconds=10, codec="vp9", container="webm", audio="opus", rate=F(60000, 1001)),
    Clip(seconds=9, size=(1280, 720), rate=F(50)),
    Clip(seconds=11, container="mkv", rate=F(30000, 1001), gop=250),
]


def main() -> None:
    """Print a line for each player."""
    seconds = round(60 * float(sys.argv[1])) if len(sys.argv) > 1 else 600
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), [CLIPS]) as server,
        ThreadPoolExecutor() as pool,
    ):
        told = [pool.submit(fared, player, server.url, seconds) for player in (ffmpeg, ffplay, mpv, vlc, gstreamer)]
        told.append(pool.submit(chromium, f"{server.base}/#1", seconds))
        for line in told:
            print(line.result())
        print("off the air after them:", server.is_off_the_air())


def fared(player: Command, url: str, seconds: int) -> str:
    """How a player of the command line did."""
    played = play(player, url, seconds)
    lines = "".join(f"\n  {count} x {line}" for line, count in Counter(played.complaints).most_common(10))
    return f"{player.__name__}: {played.seconds:.1f} s, exit {played.status}, {len(played.complaints)} lines{lines}"


def chromium(url: str, seconds: int) -> str:
    """How the web page did."""
    with Browser() as browser, browser.page(url) as page:
        page.wait("document.getElementById('video').currentTime > 0.5", 20)
        stalls, lags = Stalls(page), []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(1)
            lags.append(stalls.lag_s())
        frames = page.run(
            "(({ droppedVideoFrames, totalVideoFrames }) => [droppedVideoFrames, totalVideoFrames])"
            "(video.getVideoPlaybackQuality())"
        )
        return (
            f"chromium: events {stalls.seen() or 'none'}, behind the clock by {min(lags):.2f} to {max(lags):.2f} s, "
            f"dropped {frames[0]} of {frames[1]} pictures, errors {page.complaints() or 'none'}"
        )


if __name__ == "__main__":
    main()
