"""The tagged picture and sound, written and read back.

The top eighth of the picture is a strip of 24 equal cells, white for 1 and black for 0: a start pair 1 0, the frame
number in 20 bits (most significant first), its even parity, and a stop 1. Below it is the programme picture, all white
while the flash lasts. A flash and a 1 kHz beep start together on the first frame of each whole second, or more often,
and last 40 ms.
`pattern:bars` of the engine has the same layout; nothing here is shared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

WHITE, BLACK = 235, 16
CELLS = 24
NUMBER_BITS = 20
MARK = Fraction(40, 1000)
"""How long a flash or a beep lasts, in seconds."""
BEEP_HZ = 1000

Luma = NDArray[np.uint8]


def cells(number: int) -> list[int]:
    """The 24 bits that say `number`."""
    bits = [number >> (NUMBER_BITS - 1 - i) & 1 for i in range(NUMBER_BITS)]
    return [1, 0, *bits, sum(bits) % 2, 1]


def draw_strip(luma: Luma, number: int) -> None:
    """Write the strip for `number` into the top eighth of a picture."""
    height, width = luma.shape
    for i, bit in enumerate(cells(number)):
        luma[: height // 8, i * width // CELLS : (i + 1) * width // CELLS] = WHITE if bit else BLACK


def read_number(luma: Luma) -> int | None:
    """The frame number of a picture, or None when it carries no intact strip."""
    height, width = luma.shape
    rows = luma[height // 32 : height * 3 // 32]
    middles = [(2 * i + 1) * width // (2 * CELLS) for i in range(CELLS)]
    levels = [float(rows[:, x - 2 : x + 3].mean()) for x in middles]
    if any(80 < level < 170 for level in levels):
        return None
    bits = [int(level > 125) for level in levels]
    number = int("".join(map(str, bits[2 : 2 + NUMBER_BITS])), 2)
    return number if bits == cells(number) else None


def is_flash(luma: Luma) -> bool:
    """Whether the programme part of the picture is white."""
    height = luma.shape[0]
    return float(luma[height // 4 :].mean()) > 210


def is_black(luma: Luma) -> bool:
    """Whether the whole picture is at black level."""
    return float(luma.mean()) < BLACK + 3 and int(luma.max()) < 40


def flash_starts(starts: Sequence[Fraction], marks: int = 1) -> list[int]:
    """The pictures with which flashes begin: the first of each second, or of each of its `marks` equal parts.

    `starts` is when each picture starts, in seconds.
    """
    first_of: dict[int, int] = {}
    for number, start in enumerate(starts):
        first_of.setdefault(int(start * marks), number)
    return list(first_of.values())


def flash_frames(starts: Sequence[Fraction], marks: int = 1) -> set[int]:
    """All pictures that are white: those that start less than 40 ms after a flash began."""
    began, white = starts[0] - MARK, set()
    flashes = set(flash_starts(starts, marks))
    for number, start in enumerate(starts):
        if number in flashes:
            began = start
        if start < began + MARK:
            white.add(number)
    return white


def beeps(starts: Sequence[Fraction], length: Fraction, marks: int = 1) -> list[Fraction]:
    """When each beep starts, in seconds: with a flash; without moving pictures, at each whole part of a second."""
    if len(starts) < 2:
        return [Fraction(mark, marks) for mark in range(int(length * marks))]
    return [starts[number] for number in flash_starts(starts, marks)]


def sound(onsets: Sequence[Fraction], length: Fraction, sample_rate: int) -> NDArray[np.float32]:
    """One channel of the tagged sound, `length` seconds: silence with beeps of half of full scale."""
    samples = np.zeros(int(length * sample_rate), np.float32)
    beep = 0.5 * np.sin(2 * np.pi * BEEP_HZ / sample_rate * np.arange(int(MARK * sample_rate)))
    for onset in onsets:
        room = samples[int(onset * sample_rate) :][: len(beep)]
        room[:] = beep[: len(room)]
    return samples


def pictures(
    numbers: range, white: set[int], width: int, height: int, noise: int = 0, scan: str = "progressive"
) -> Iterator[bytes]:
    """The tagged pictures as planar 4:2:0: a gradient that moves, so that codecs have motion to follow.

    `noise` is the number of levels by which the programme picture flickers. Interlaced (`scan` is `tff` or `bff`), the
    fields of a picture are half a picture's motion apart and carry the same number.
    """
    ramp = np.arange(width + 512, dtype=np.uint32)
    rows = np.arange(height, dtype=np.uint32)[:, None]
    scene = (60 + (ramp + rows) // 2 % 64 + (ramp // 16 + rows // 16) % 2 * 24).astype(np.uint8)
    colour = np.tile(np.linspace(100, 156, (width + 1) // 2).astype(np.uint8), ((height + 1) // 2, 1))
    colour[: (height // 8 + 1) // 2] = 128  # The strip is grey: a change of gamut moves the light of colours.
    chroma = colour.tobytes() * 2
    second_field = {"tff": 1, "bff": 0}.get(scan)
    grain = np.random.default_rng(0)
    for number in numbers:
        shift = number * 4 % 508
        luma = np.full((height, width), WHITE, np.uint8)
        if number not in white:
            luma[:] = scene[:, shift : shift + width]
            if second_field is not None:
                luma[second_field::2] = scene[second_field::2, shift + 2 : shift + 2 + width]
            if noise:
                luma += grain.integers(0, noise, luma.shape, np.uint8)
        draw_strip(luma, number)
        yield luma.tobytes() + chroma
