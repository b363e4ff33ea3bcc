"""What a tagged clip can be: its codec, container, sound and rate, and all that is odd in what people own.

A description, and what follows from it: when each picture starts, which of them flash, what shape it is shown in.
`making` turns it into a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from . import tags

WRAP = Fraction(2**33, 90_000)
"""Seconds after which the stamps of a transport stream begin again."""


@dataclass(frozen=True)
class Clip:
    """What a clip is. Every field is part of its cache key."""

    codec: str | None = "h264"
    """A key of `making.VIDEO`; None: no picture at all."""
    container: str = "mp4"
    audio: str | None = "aac"
    """A key of `making.AUDIO`; None: no sound at all."""
    channels: int = 2
    rate: Fraction = Fraction(30)
    seconds: Fraction | int = 4
    size: tuple[int, int] = (640, 360)
    """Width and height, upright."""
    gop: int = 48
    """Frames from one key frame to the next."""
    b_frames: int = 2
    """Pictures that are stored after one they precede; ignored by codecs that have none."""
    open_gop: bool = False
    sample_rate: int = 48000
    audio_from_ms: int = 0
    """Sound that would come before this is not in the file."""
    audio_to_ms: int | None = None
    """Sound that would come after this is not in the file."""
    block: int | None = None
    """Samples in a frame of sound, for FLAC."""
    noise: int = 0
    """Levels by which every pixel flickers, for streams that have to be large."""
    marks: int = 1
    """Flashes and beeps in a second."""
    timing: str = "constant"
    """`phone`: the rate wanders between 15 and 60; `misdeclared`: says 60 and has half of it; `constant`: `rate`."""
    scan: str = "progressive"
    """`tff` or `bff`: interlaced, the top or the bottom field first."""
    scan_told: bool = True
    """Whether the file says that it is interlaced."""
    sar: Fraction = Fraction(1)
    """Shape of a pixel, width over height."""
    turn: str = ""
    """A key of `making.TURN`: stored so, and told how to be set upright."""
    pixels: str = "yuv420p"
    color: str = ""
    """A key of `making.COLOR`."""
    cover: bool = False
    """The picture is the cover of a sound file."""
    start: Fraction | int = 0
    """Seconds at which the stamps begin."""
    edited: int = 0
    """Pictures at the beginning that an edit list hides."""
    parts: tuple[Clip, ...] = ()
    """More of the same programme, appended as it is: each a change of size or sound in mid-file."""
    kept_percent: int = 100
    """Where the file is cut off."""
    damaged_percent: int = 0
    """Of so many of a hundred blocks of 188 bytes one bit is wrong."""
    earlier: int = 0
    """Pictures of the same programme before this part of it."""

    @property
    def name(self) -> str:
        """Says what is in it at a glance: `h264-mp4-aac2-29.97`."""
        sound = f"{self.audio}{self.channels}" if self.audio else "mute"
        late = f"-late{self.audio_from_ms}" if self.audio_from_ms else ""
        return f"{self.codec or 'blind'}-{self.container}-{sound}{late}-{float(self.rate):.5g}"

    @property
    def length(self) -> Fraction:
        """Seconds of programme in the file, appended parts among them."""
        return self.own_length + sum(part.own_length for part in self.parts)

    @property
    def own_length(self) -> Fraction:
        """Seconds without appended parts: whole pictures, where there are any at a constant rate."""
        if self.codec is None or self.cover or self.timing != "constant":
            return Fraction(self.seconds)
        return int(self.seconds * self.rate) / self.rate

    @property
    def first(self) -> Fraction:
        """When the first picture that is not hidden starts."""
        return self.starts[self.earlier + self.edited]

    @property
    def end(self) -> Fraction:
        """When the last picture is over."""
        return self.starts[self.earlier] + self.length

    @property
    def frames(self) -> int:
        """How many pictures there are, hidden ones among them."""
        return len(self.starts) - self.earlier

    @cached_property
    def starts(self) -> list[Fraction]:
        """When each picture starts, by its number, in seconds from picture 0 of the programme."""
        if self.cover or self.codec is None:
            return [Fraction(0)]
        match self.timing:
            case "phone":
                return _phone(self.length)
            case "misdeclared":
                return [Fraction(n - 1, 60) for n in range(int(self.length * 60)) if _is_kept(n)]
            case _:
                return [n / self.rate for n in range(self.earlier + int(self.length * self.rate))]

    @cached_property
    def flashing(self) -> set[int]:
        """The numbers of the white pictures."""
        return tags.flash_frames(self.starts, self.marks)

    @cached_property
    def beeps(self) -> list[Fraction]:
        """When the beeps that are in the file start, in seconds from picture 0."""
        if self.audio is None:
            return []
        since, to = self.audio_from_ms, self.audio_to_ms
        onsets = tags.beeps(self.starts, self.length, self.marks)
        return [onset for onset in onsets if onset * 1000 >= since and (to is None or onset * 1000 + 40 <= to)]

    @property
    def appended(self) -> list[Clip]:
        """The parts after the first, each knowing how much of the programme came before it."""
        before, placed = replace(self, parts=()), []
        for part in self.parts:
            before = replace(part, earlier=len(before.starts), start=before.start + before.seconds)
            placed.append(before)
        return placed

    @property
    def aspect(self) -> Fraction:
        """Width over height as it is shown."""
        return Fraction(*self.size) * self.sar


def _phone(seconds: Fraction) -> list[Fraction]:
    """A phone slows down in the dark: nine pictures at each rate, in 90 kHz ticks."""
    starts, tick = [], 0
    while tick < seconds * 90_000:
        starts.append(Fraction(tick, 90_000))
        tick += 90_000 // (30, 28, 15, 60, 24, 50, 17)[len(starts) // 9 % 7]
    return starts


def _is_kept(n: int) -> bool:
    """Of 60 pictures a second every other one, less one in ten, and a stray one, which is also the first."""
    return (n % 2 == 0 and n % 21 > 0) or n % 60 == 1
