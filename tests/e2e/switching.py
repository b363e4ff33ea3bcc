"""Many switches of a channel in real time, at random phases of its ticks, and what a viewer saw of them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.e2e.host import expect
from tests.e2e.plan import Part
from tests.e2e.recording import RATE, Course, Recording, busy, course, recording, tick_at
from tests.media import FAMILIES

ONE = replace(FAMILIES["rate-23.976"], seconds=8)
OTHER = replace(FAMILIES["rate-25"], seconds=8, earlier=1000)
"""Told apart by its numbers."""
PHASE_MS = 1000 / float(RATE)


@dataclass(frozen=True)
class Cut:
    """One switch."""

    part: Part
    tick: int
    """The first of the new part."""
    asked_at: int
    """The tick that was next when the reply came; for a boundary, the tick it falls on."""

    @property
    def delay(self) -> int:
        """Ticks from the reply to the first new picture; from the boundary to it."""
        return self.tick - self.asked_at


def parts(count: int, seed: int = 7) -> Iterator[Part]:
    """Two clips in turn, from random points on."""
    draw = random.Random(seed)
    for number in range(count):
        yield Part((ONE, OTHER)[number % 2], draw.randrange(4000))


def switch_at_random(path: Path, count: int, processes: int) -> list[tuple[Cut, Course]]:
    """Cue, wait for a random phase, switch; `processes` others keep the machine busy."""
    draw, asked = random.Random(1), []
    with busy(processes), recording(path) as kept:
        for part in parts(count):
            kept.cue(part)
            time.sleep(draw.uniform(3, 5) * PHASE_MS / 1000)  # the random phase
            expect(kept.engine.switch_to_live(1))
            asked.append((part, kept.tick))
        time.sleep(0.3)  # the last part is seen for a moment
        taken = kept.taken()
    return judged(kept, [Cut(part, tick, at) for (part, at), tick in zip(asked, taken, strict=True)])


def switch_at_boundaries(path: Path, count: int, processes: int, ahead: float = 1.0) -> list[tuple[Cut, Course]]:
    """Cue, and order the cut for a time `ahead` seconds away, at no less than 3 ms from the tick before or after."""
    draw, asked = random.Random(2), []
    with recording(path) as kept:
        kept.cue(Part(ONE))
        expect(kept.engine.switch_to_live(1))
        epoch = kept.epoch()
        with busy(processes):
            for part in parts(count):
                kept.cue(part)
                tick = tick_at(time.time() + ahead, epoch)
                target_ms = round((epoch + float(tick / RATE)) * 1000 - draw.uniform(3, PHASE_MS - 3))
                expect(kept.engine.switch_to_live(1, target_boundary_time_ms=target_ms))
                asked.append((part, tick))
                while kept.tick <= tick + 1:  # until it has happened: a switch is armed
                    time.sleep(0.02)
        taken = kept.taken()[1:]
    return judged(kept, [Cut(part, tick, at) for (part, at), tick in zip(asked, taken, strict=True)])


def judged(kept: Recording, cuts: list[Cut]) -> list[tuple[Cut, Course]]:
    """Each cut with what was seen from it to the next."""
    pictures = kept.pictures()
    ends = [cut.tick for cut in cuts[1:]] + [len(pictures)]
    return [(cut, course(cut.part, pictures, cut.tick, end)) for cut, end in zip(cuts, ends, strict=True)]
