"""A channel in real time whose stream is kept, and what its ticks showed. For what only a running clock can show."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from pathlib import Path

from air_py import Counters, Engine, Event, EventKind, ProgramFormat, Status, StreamTransport
from tests.e2e.host import QUICK, channel, expect, wait_until
from tests.e2e.plan import Part
from tests.e2e.watch import watch
from tests.media import make

HOUSE = ProgramFormat(320, 180, "30000/1001")
RATE = Fraction(HOUSE.frame_rate)


@dataclass
class Recording:
    """What is kept of a session."""

    engine: Engine
    path: Path
    events: list[Event] = field(default_factory=list)
    counters: Counters | None = None
    """At the end."""

    def cue(self, part: Part, hard_stop_time_ms: int = 0) -> None:
        """Load the part and wait until it is primed."""
        loaded = self.engine.load_preview(
            1, asset_path=make(part.clip), start_offset_ms=part.offset_ms, hard_stop_time_ms=hard_stop_time_ms
        )
        expect(loaded)
        assert wait_until(lambda: self.status.preview == "cued", 10)

    @property
    def status(self) -> Status:
        """The channel now."""
        status = self.engine.status()
        assert status
        return status

    @property
    def tick(self) -> int:
        """Ticks made so far."""
        return self.status.tick or 0

    def epoch(self) -> float:
        """UTC seconds at which tick 0 was due, but for a little: a tick is made when it is due, never before."""
        seen = []
        for _ in range(400):
            tick, now = self.tick, time.time()
            seen.append(now - float((tick - 1) / RATE))
            time.sleep(0.0005)  # sampling, not waiting
        return min(seen)

    def taken(self) -> list[int]:
        """The tick of every take."""
        return [event.tick for event in self.gather() if event.kind is EventKind.TAKEN]

    def gather(self) -> list[Event]:
        """All events so far."""
        while event := self.engine.next_event(0):
            self.events.append(event)
        return self.events

    def pictures(self) -> list[int | None]:
        """The number at every tick; what is neither tagged nor black is a failure."""
        seen = watch(self.path).pictures
        due = [Fraction(int(tick * 90_000 / RATE), 90_000) for tick in range(len(seen))]
        assert [picture.time - seen[0].time for picture in seen] == due
        assert all(p.black or p.number is not None for p in seen)
        return [p.number for p in seen]


@contextmanager
def recording(path: Path) -> Iterator[Recording]:
    """A started channel with its stream going to a file, from its first tick on."""
    with channel(QUICK, HOUSE) as engine:
        expect(engine.attach_stream(1, transport=StreamTransport.FILE, endpoint=path))
        kept = Recording(engine, path)
        yield kept
        kept.gather()
        kept.counters = kept.status.counters


@dataclass(frozen=True)
class Course:
    """How a part went on air, tick by tick, against what its times ask for."""

    shown: int
    """Ticks with the picture that was due."""
    frozen: int
    """Ticks that repeated the one before without need."""
    black: int
    wrong: list[tuple[int, int | None]]
    """Tick and number of every other picture, those of another part among them."""


def course(part: Part, pictures: list[int | None], since: int, to: int) -> Course:
    """The course of `part` over the ticks from `since` to before `to`.

    A picture that stands is one of three things: due again by the cadence, content that waits, or an encoder that is
    behind while content goes on. So for each tick it is kept how many ticks content may have waited until then.
    A stop leaves out what was still being sent.
    """
    shown = frozen = black = 0
    wrong: list[tuple[int, int | None]] = []
    waits = {0}
    for tick in range(since, min(to, len(pictures))):
        number, last = pictures[tick], pictures[tick - 1] if tick else None
        due = {wait for wait in waits if part.picture((tick - since - wait) / RATE, RATE) == number}
        stands = number == last or number is None
        if due:
            shown += 1
        elif number is None:
            black += 1
        elif stands:
            frozen += 1
        else:
            wrong.append((tick, number))
        waited = {wait + 1 for wait in waits} if stands else set()
        behind = waits if number == last else set()
        waits = due | waited | behind or waits
    return Course(shown, frozen, black, wrong)


def tick_at(utc: float, epoch: float) -> int:
    """The first tick that is due at or after a time."""
    return ceil(Fraction(utc - epoch) * RATE)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Others who want the processors too, a little less than we do."""
    command = ["nice", "-n", "5", sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
