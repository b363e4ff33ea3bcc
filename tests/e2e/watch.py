"""What a viewer would see and hear: a media file decoded, its frame numbers, flashes and beeps found.

Decoding is PyAV's, which brings its own libav. Knows the tagged layout (`tests.media.tags`); knows no transport stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tests.media import tags


@dataclass(frozen=True)
class Picture:
    """One decoded picture."""

    time: Fraction
    """Its PTS in seconds."""
    number: int | None
    """The frame number it carries; None when it is no tagged picture."""
    flash: bool
    black: bool


@dataclass(frozen=True)
class Sound:
    """All decoded sound, channels averaged, without the holes (which `seams` shows)."""

    rate: int
    start: Fraction
    samples: NDArray[np.float32]
    seams: list[Fraction]
    """For each decoded frame, its PTS minus the time its first sample has by counting, in seconds."""


@dataclass(frozen=True)
class Programme:
    """A whole file, decoded."""

    pictures: list[Picture]
    sound: Sound

    @property
    def numbered(self) -> list[Picture]:
        """The pictures that carry a frame number."""
        return [p for p in self.pictures if p.number is not None]


Area = tuple[int, int, int, int]
"""Part of a picture: left, top, width, height."""


def watch(path: Path | str, areas: Sequence[Area] = ()) -> Programme:
    """Decode a file to its end. Damaged data raises (av.FFmpegError).

    `areas` is where in each picture the tagged one is; it fills those for which none is given.
    """
    shown: list[Picture] = []
    sounds = []
    with _open(path) as media:
        for frame in media.decode(video=0, audio=0) if media.streams.audio else media.decode(video=0):
            if isinstance(frame, av.VideoFrame):
                shown.append(_picture(frame, areas[len(shown)] if len(shown) < len(areas) else None))
            elif isinstance(frame, av.AudioFrame):
                sounds.append(frame)
    return Programme(shown, _sound(sounds))


def pictures(path: Path | str) -> list[Picture]:
    """The pictures alone, whatever is with the sound. Damaged pictures raise (av.FFmpegError)."""
    with _open(path) as media:
        return [_picture(frame) for frame in media.decode(video=0)]


def first_shown(path: Path | str) -> Picture:
    """The first picture that is not black."""
    with _open(path) as media:
        return next(shown for frame in media.decode(video=0) if not (shown := _picture(frame)).black)


def beeps(sound: Sound) -> list[Fraction]:
    """When each beep starts, in seconds.

    The envelope at 1 kHz, averaged over 4 ms around each sample, passes half of its height exactly at the onset of a
    tone, whatever a lossy codec smears before and after it.
    """
    if not len(sound.samples):
        return []
    width = 4 * sound.rate // tags.BEEP_HZ
    turns = np.exp(-2j * np.pi * tags.BEEP_HZ / sound.rate * np.arange(len(sound.samples)))
    envelope = np.abs(np.convolve(sound.samples * turns, np.ones(width) / width, "same"))
    loud = envelope > 0.3 * envelope.max() if envelope.max() > 0.02 else np.zeros(len(envelope), bool)
    onsets = []
    for rough in np.flatnonzero(loud & ~np.concatenate(([False], loud[:-1]))):
        height = np.median(envelope[rough + width : rough + sound.rate * 3 // 100])
        window = envelope[max(rough - width, 0) : rough + 2 * width] > height / 2
        onsets.append(sound.start + Fraction(int(max(rough - width, 0) + window.argmax()), sound.rate))
    return onsets


def flashes(shown: list[Picture]) -> list[Fraction]:
    """The time of the first picture of each flash."""
    previous = [None, *shown[:-1]]
    pairs = zip(previous, shown, strict=True)
    return [now.time for before, now in pairs if now.flash and not (before and before.flash)]


def skews_ms(programme: Programme, rate: Fraction) -> list[float]:
    """For each beep, how late the sound is against the picture, in ms (negative: early).

    `rate` is that of the clip that was played. The picture is placed by the frame numbers around the beep, not by the
    flash itself: a flash can only start on an output frame, which says up to a frame period about the cadence and
    nothing about sync.
    """
    skews = []
    for onset in beeps(programme.sound):
        # Frame k is due from k/rate on: the output frame that comes soonest after that tells where the picture is.
        near = [p for p in programme.numbered if abs(p.time - onset) <= Fraction(1, 2)]
        if not near:
            continue
        picture = min(p.time - p.number / rate for p in near if p.number is not None)
        due = ceil(round(onset - picture) * rate) / rate
        skews.append(float(onset - picture - due) * 1000)
    return skews


def _open(path: Path | str) -> av.container.InputContainer:
    media = av.open(str(path))
    for stream in media.streams.video:
        stream.thread_type = "AUTO"
    return media


def _picture(frame: av.VideoFrame, area: Area | None = None) -> Picture:
    assert frame.pts is not None and frame.time_base is not None
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    left, top, width, height = area or (0, 0, plane.width, plane.height)
    tagged = luma[top : top + height, left : left + width]
    number = tags.read_number(tagged)
    time = frame.pts * frame.time_base
    return Picture(time, number, tags.is_flash(tagged), number is None and tags.is_black(luma))


def _sound(frames: list[av.AudioFrame]) -> Sound:
    if not frames:
        return Sound(0, Fraction(0), np.zeros(0, np.float32), [])
    rate, start = frames[0].sample_rate, _time(frames[0])
    blocks, seams, count = [], [], 0
    for frame in frames:
        seams.append(_time(frame) - start - Fraction(count, rate))
        count += frame.samples
        blocks.append(_mono(frame))
    return Sound(rate, start, np.concatenate(blocks), seams)


def _time(frame: av.AudioFrame) -> Fraction:
    assert frame.pts is not None and frame.time_base is not None
    return frame.pts * frame.time_base


def _mono(frame: av.AudioFrame) -> NDArray[np.float32]:
    samples: NDArray[Any] = frame.to_ndarray()
    if np.issubdtype(samples.dtype, np.integer):
        samples = samples / float(np.iinfo(samples.dtype).max)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    mono: NDArray[np.float32] = samples.mean(axis=0).astype(np.float32)
    return mono
