"""Players that people have, without a screen or loudspeakers, and what each complained of.

A player that had to wait for the stream says so in a line, or takes longer than what it played: both are told. What a
browser sees is told by the page it shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.browser import Page

Command = Callable[[str, int], list[str]]
"""What plays a URL for so many seconds."""

_HARMLESS = re.compile(
    r"interface|packetizer: AAC channels|idummy demux|VLC media player|ALSA|libva|vdpau|hardware accelerated renderer"
    r"|^buffering\.\.\. |^Setting pipeline|^Pipeline is|^Got context|^Redistribute|^Prerolled|^New clock"
    r"|^handling interrupt|^Interrupt:|^Execution ended|^Freeing"
    r"|^ *nan |A-V:.* vq= *[1-9]",
    re.I,
)
"""What players say of themselves, of the machine they run on, and while all goes well. GStreamer fills its buffer once,
at the start; `Buffering, setting pipeline to PAUSED` is a stall, as is an empty queue (vq) of ffplay's."""
_NOBODY = 65534


def ffprobe(url: str, seconds: int) -> list[str]:
    """Looks at the stream, and does not play it."""
    return ["ffprobe", "-v", "warning", url]


def ffmpeg(url: str, seconds: int) -> list[str]:
    """Decodes as it comes."""
    return ["ffmpeg", "-nostdin", "-v", "warning", "-t", str(seconds), "-i", url, "-f", "null", "-"]


def ffplay(url: str, seconds: int) -> list[str]:
    """Is stopped after that time."""
    return ["timeout", "-s", "INT", str(seconds), "ffplay", "-v", "warning", "-stats", url]


def mpv(url: str, seconds: int) -> list[str]:
    """Says `stalled` whenever it waits for data."""
    silent = ["--no-config", "--vo=null", "--ao=null", "--msg-level=all=warn,statusline=status"]
    return ["mpv", *silent, "--term-status-msg=${?paused-for-cache==yes:stalled}", f"--length={seconds}", url]


def vlc(url: str, seconds: int) -> list[str]:
    """Ends after that time."""
    silent = ["--vout=dummy", "--aout=dummy", "--no-media-library", "--verbose=0"]
    return ["cvlc", *silent, f"--run-time={seconds}", url, "vlc://quit"]


def gstreamer(url: str, seconds: int) -> list[str]:
    """Is stopped after that time."""
    sinks = ["video-sink=fakesink sync=true", "audio-sink=fakesink sync=true"]
    return ["timeout", "-s", "INT", str(seconds), "gst-launch-1.0", "playbin3", f"uri={url}", *sinks]


@dataclass(frozen=True)
class Played:
    """How a player fared."""

    complaints: list[str]
    """The lines it printed, without those about itself and the machine it runs on."""
    seconds: float
    """From its start to its end."""
    status: int

    @property
    def is_fine(self) -> bool:
        """Nothing to complain of, and an end it was told to have; 124 is the one of `timeout`."""
        return not self.complaints and self.status in (0, 124)


def play(player: Command, url: str, seconds: int) -> Played:
    """Has it played for so long, in an empty home."""
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        dummies = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
        began = time.monotonic()
        done = subprocess.run(
            player(url, seconds),
            env=os.environ | dummies | {"HOME": home, "XDG_RUNTIME_DIR": home},
            user=_NOBODY if os.geteuid() == 0 and player is vlc else None,  # VLC refuses to run as root
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + 20,
        )
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stderr + done.stdout))
    complaints = [line for line in lines if line.strip() and not _HARMLESS.search(line)]
    return Played(complaints, time.monotonic() - began, done.returncode)


class Stalls:
    """What happens to the picture of a page from now on, and how its time keeps pace with the clock."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.run(
            """window.video = document.getElementById("video");
            window.seen = [];
            for (const name of ["waiting", "stalled", "ended", "error", "seeking"])
              video.addEventListener(name, () => seen.push(name));
            window.start = [video.currentTime, performance.now() / 1000];"""
        )

    def seen(self) -> list[str]:
        """The names of the events that are stalls, or may be."""
        events: list[str] = self._page.run("seen")
        return events

    def lag_s(self) -> float:
        """How far the picture has fallen behind the clock."""
        lag: float = self._page.run("performance.now() / 1000 - start[1] - (video.currentTime - start[0])")
        return lag
