"""Sources that starve, hang, break or lie, and a process that is stopped: output goes on, and every lapse is counted.

In real time, because a clock that waits for nobody is what these are about.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path

import pytest

import air_py
from air_py import EventKind, ResultCode
from tests.e2e.host import FORMAT_25, QUICK, expect
from tests.e2e.plan import Part
from tests.e2e.recording import RATE, course, recording, tick_at
from tests.e2e.switching import ONE
from tests.e2e.watch import watch
from tests.media import FAMILIES, make

CAPTURE = replace(FAMILIES["gop-open"], seconds=6, open_gop=False, noise=20)
"""Plays from a pipe, picture by picture."""
HOLD = Fraction(1, 4)
"""How long a picture is held before black, in seconds."""


@contextmanager
def fed(path: Path, pauses: dict[int, float], to_percent: int = 100) -> Iterator[None]:
    """A pipe at `path` that is given the capture, with a pause at each of these percentages of it, in seconds."""
    os.mkfifo(path)
    data = make(CAPTURE).read_bytes()
    marks = [0, *pauses, to_percent]
    over = threading.Event()

    def feed() -> None:
        # The engine may hang up before all is read.
        with suppress(BrokenPipeError), path.open("wb", buffering=0) as pipe:
            for since, to in pairwise(marks):
                over.wait(pauses.get(since, 0))
                pipe.write(data[len(data) * since // 100 : len(data) * to // 100])
            if to_percent < 100:
                over.wait(10)  # hangs, and does not end

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        over.set()
        with suppress(OSError):  # frees a feeder that nobody reads any more
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        feeder.join()


def test_a_starved_part_is_held_then_black_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """R-34, TL-11, L-22, L-33, BF-4: two pauses are two underruns; no picture is lost, doubled or out of order."""
    with fed(tmp_path / "slow.ts", {30: 2.5, 60: 2.5}), recording(tmp_path / "out.ts") as kept:
        expect(kept.engine.load_preview(1, asset_path=tmp_path / "slow.ts"))
        expect(kept.engine.switch_to_live(1))
        time.sleep(11)  # six seconds of content and two pauses, less what was read ahead
    pictures = kept.pictures()
    seen = course(Part(CAPTURE), pictures, 0, len(pictures))
    assert seen.wrong == []
    assert [number for number, _ in groupby(n for n in pictures if n is not None)] == list(range(CAPTURE.frames))
    assert kept.counters
    assert kept.counters.underruns == 2
    assert kept.counters.failsafe_entries == 1, "the end of the file; hunger is no end"
    holes = [len(list(run)) for black, run in groupby(pictures, lambda number: number is None) if black]
    assert len(holes) == 3, "each pause goes black after its hold, and so does the end"
    assert kept.counters.held_frames <= 2 * HOLD * RATE + 2


def test_a_part_that_hangs_for_good_leaves_the_channel_alive(tmp_path: Path) -> None:
    """L-45, L-22, SL-5: hold, black, and the next switch works; the stop does not wait for it."""
    with fed(tmp_path / "hung.ts", {}, to_percent=40), recording(tmp_path / "out.ts") as kept:
        expect(kept.engine.load_preview(1, asset_path=tmp_path / "hung.ts"))
        expect(kept.engine.switch_to_live(1))
        time.sleep(4)  # until it hangs and the hold is over
        assert kept.status.counters.underruns == 1
        assert kept.status.counters.failsafe_entries == 0
        kept.cue(Part(ONE))
        expect(kept.engine.switch_to_live(1))
        time.sleep(0.5)  # seen for a moment
        _, resumed = kept.taken()
    pictures = kept.pictures()
    assert pictures[resumed - 1] is None
    seen = course(Part(ONE), pictures, resumed, len(pictures))
    assert (seen.wrong, seen.black) == ([], 0)


def test_a_preview_whose_pictures_cannot_be_decoded_never_goes_on_air(tmp_path: Path) -> None:
    """L-23, FP-9, R-2: what is live plays on, the switch says why not, and a good preview works after it."""
    whole = bytearray(make(ONE).read_bytes())
    body = whole.index(b"mdat") + 4
    end = whole.index(b"moov") - 4
    whole[body:end] = bytes(end - body)
    dead = tmp_path / "dead.mp4"
    dead.write_bytes(whole)
    with recording(tmp_path / "out.ts") as kept:
        kept.cue(Part(ONE))
        expect(kept.engine.switch_to_live(1))
        loaded = kept.engine.load_preview(1, asset_path=dead)
        switched = kept.engine.switch_to_live(1) if loaded else None
        time.sleep(0.5)  # while one that is armed would go on air
        assert not loaded or switched is None or switched.result_code in (ResultCode.NOT_READY, ResultCode.FAILED)
        kept.cue(Part(ONE, 3000))
        expect(kept.engine.switch_to_live(1))
        time.sleep(0.2)  # seen for a moment
        first, second = kept.taken()
    pictures = kept.pictures()
    before, after = course(Part(ONE), pictures, first, second), course(Part(ONE, 3000), pictures, second, len(pictures))
    assert (before.wrong, before.black, after.wrong, after.black) == ([], 0, [], 0)


@pytest.mark.parametrize("name", ["damaged", "truncated"])
def test_damage_costs_pictures_and_not_the_programme(name: str, tmp_path: Path) -> None:
    """FP-9, L-22: in order to the end, as long as the file, and what follows is exact."""
    clip, out = FAMILIES[name], tmp_path / "out.ts"
    after = Part(FAMILIES["rate-25"], 0, 400)
    stats = air_py.render([make(clip), after.segment], out, format=FORMAT_25, sink=QUICK)
    pictures = [picture.number for picture in watch(out).pictures]
    harmed = [number for number in pictures[:-10] if number is not None]
    assert harmed == sorted(harmed)
    assert len(set(harmed)) > clip.frames // 2
    assert pictures[-10:] == list(range(10))
    assert stats.ticks <= clip.frames + 10 + 1


STOPPED = 3
"""Seconds for which the process is stopped."""


def test_a_process_that_was_stopped_neither_rushes_nor_loses_its_clock(tmp_path: Path) -> None:
    """L-30, R-6, TL-12, CK-2: missed ticks go out as hold and black, content waits, and the next order is on time."""
    command = [sys.executable, "-m", "tests.e2e.stoppable", str(tmp_path / "out.ts")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout
        assert host.stdout.readline() == "on air\n"
        host.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED)  # the stop itself
        host.send_signal(signal.SIGCONT)
        told = json.loads(host.stdout.read())
    seen_all = watch(tmp_path / "out.ts").pictures
    assert {b.time - a.time <= 2 / RATE for a, b in pairwise(seen_all)} == {True}, "no hole in the pictures"
    pictures = [picture.number for picture in seen_all]
    first, second = told["taken"]
    # Nearly all that was missed, less the quarter of a second up to which a tick is late and no more.
    assert told["late_ticks"] == pytest.approx(float(RATE * (STOPPED - HOLD)), abs=8)
    assert (told["failsafe_entries"], told["underruns"]) == (0, 0)
    assert [kind for kind in told["events"] if kind == EventKind.LATE.value] == [EventKind.LATE.value]
    seen = course(Part(ONE), pictures, first, second)
    assert seen.wrong == []
    assert seen.black > (STOPPED - 1) * RATE
    assert second == tick_at(told["ordered_ms"] / 1000, told["epoch"])
