"""The tagged picture and sound, written and read back.

The top eighth of the picture is a strip of 24 equal cells, white for 1 and black for 0: a start pair 1 0, the frame
number in 20 bits (most significant first), its even parity, and a stop 1. Below it is the programme picture, all white
while the flash lasts. A flash and a 1 kHz beep start together on the first frame of each whole second and last 40 ms.
`pattern:bars` of the engine has the same layout; nothing here is shared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

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


def flash_starts(rate: Fraction, frames: int) -> Iterator[int]:
    """The first frame of each whole second, among the first `frames`."""
    second = 0
    while (start := ceil(second * rate)) < frames:
        yield start
        second += 1


def flash_frames(rate: Fraction, frames: int) -> set[int]:
    """All frames that are white: those that start less than 40 ms after a flash began."""
    lasting = ceil(MARK * rate)
    return {start + i for start in flash_starts(rate, frames) for i in range(lasting) if start + i < frames}


def beep_samples(rate: Fraction, frames: int, sample_rate: int) -> list[int]:
    """The sample at which each beep starts."""
    return [int(start * sample_rate / rate) for start in flash_starts(rate, frames)]


def sound(rate: Fraction, frames: int, sample_rate: int) -> NDArray[np.float32]:
    """One channel of the tagged sound, as long as the picture: silence with beeps of half of full scale."""
    samples = np.zeros(int(frames * sample_rate / rate), np.float32)
    length = int(MARK * sample_rate)
    beep = 0.5 * np.sin(2 * np.pi * BEEP_HZ / sample_rate * np.arange(length))
    for start in beep_samples(rate, frames, sample_rate):
        room = samples[start : start + length]
        room[:] = beep[: len(room)]
    return samples


def pictures(rate: Fraction, frames: int, width: int, height: int, noise: int = 0) -> Iterator[bytes]:
    """The tagged pictures as planar 4:2:0: a gradient that moves, so that codecs have motion to follow.

    `noise` is the number of levels by which the programme picture flickers.
    """
    ramp = np.arange(width + 512, dtype=np.uint32)
    rows = np.arange(height, dtype=np.uint32)[:, None]
    field = (60 + (ramp + rows) // 2 % 64 + (ramp // 16 + rows // 16) % 2 * 24).astype(np.uint8)
    chroma = np.linspace(100, 156, width // 2).astype(np.uint8)[None, :].repeat(height // 2, 0).tobytes() * 2
    white = flash_frames(rate, frames)
    grain = np.random.default_rng(0)
    for number in range(frames):
        shift = number * 4 % 512
        luma = np.full((height, width), WHITE, np.uint8) if number in white else field[:, shift : shift + width].copy()
        if noise and number not in white:
            luma += grain.integers(0, noise, luma.shape, np.uint8)
        draw_strip(luma, number)
        yield luma.tobytes() + chroma
