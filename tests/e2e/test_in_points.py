"""A film is joined anywhere, to the frame, whatever it is wrapped in."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest

import air_py
from tests.e2e.host import QUICK
from tests.e2e.watch import beeps, flashes, watch
from tests.media.timing import CONTAINERS, HIDDEN, OTHERS, RATE, THUMBNAIL, film

HOUSE = air_py.ProgramFormat(*THUMBNAIL, "24/1")
OFFSETS_MS = (0, 1, 33, 41, 12_000, 120_000, 1_020_017)


@pytest.mark.parametrize("kind", [*CONTAINERS, *OTHERS])
def test_a_film_is_joined_at_the_exact_frame_with_its_sound(kind: str, tmp_path: Path) -> None:
    """SG-1, SG-2, SG-3, L-32: first the frame at or after the offset, then its successors, with their sound."""
    for offset_ms in OFFSETS_MS:
        assert_joined(film(kind), offset_ms, tmp_path, hidden=HIDDEN if kind == "edited" else 0)


def test_a_capture_whose_clock_starts_again_is_joined_on_either_side(tmp_path: Path) -> None:
    """SG-2: its 33 bits are full after seven minutes and a half."""
    wrapping = tmp_path / "wrapping.ts"
    copied = ["ffmpeg", "-v", "error", "-i", str(film("ts")), "-c", "copy", "-output_ts_offset", "95000"]
    subprocess.run([*copied, str(wrapping)], check=True)
    for offset_ms in (0, 442_000, 443_700, 1_020_017):
        assert_joined(wrapping, offset_ms, tmp_path)


def assert_joined(asset: Path, offset_ms: int, folder: Path, hidden: int = 0) -> None:
    """Fail unless the asset, which hides its first pictures, plays from the offset on, picture and sound."""
    out = folder / f"{offset_ms}.ts"
    segment = air_py.Segment(asset, start_offset_ms=offset_ms, duration_ms=2500)
    air_py.render([segment], out, format=HOUSE, sink=QUICK)
    programme = watch(out)
    first = hidden + ceil(offset_ms * RATE / 1000)
    assert [p.number for p in programme.pictures] == list(range(first, first + 60)), f"from {offset_ms} ms"
    seen, heard = flashes(programme.pictures), beeps(programme.sound)
    assert len(seen) == len(heard) >= 2
    skews = [abs(flash - beep) for flash, beep in zip(seen, heard, strict=True)]
    # A beep on the very first sample is heard through an encoder that has only just begun.
    assert skews[0] <= Fraction(20, 1000) and max(skews[1:]) <= Fraction(1, 1000), f"from {offset_ms} ms"
