"""What a rendering has to be: which picture of which clip at every tick, and which beep when.

The model of the engine's promises, by their formulas and in fractions; it shares no code with the engine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import air_py
from tests.e2e.watch import Area, Programme, beeps
from tests.media import Clip, make, tags

FRAME_OF_AAC = 1024


@dataclass(frozen=True)
class Part:
    """A stretch of a clip on air."""

    clip: Clip
    offset_ms: int = 0
    duration_ms: int | None = None
    """None: to the clip's own end."""

    @property
    def segment(self) -> air_py.Segment:
        """As the engine is told."""
        return air_py.Segment(make(self.clip), self.offset_ms, self.duration_ms)

    def starts(self, rate: Fraction) -> list[Fraction]:
        """When its pictures start on a channel of that rate: each field is one where there are ticks to show it."""
        starts, clip = self.clip.starts, self.clip
        if clip.scan == "progressive" or rate <= clip.rate * Fraction(101, 100):
            return starts
        return [start + field / clip.rate / 2 for start in starts for field in (0, 1)]

    def origin(self, rate: Fraction) -> Fraction:
        """When in the clip it begins: with the first picture at or after the offset."""
        starts = self.starts(rate)
        offset = self.clip.first + Fraction(self.offset_ms, 1000)
        return starts[bisect_left(starts, offset)] if len(starts) > 1 else offset

    def picture(self, time: Fraction, rate: Fraction) -> int | None:
        """The number of the picture at `time` seconds of the part: the latest that has started; None: there is none."""
        if self.is_over(time, rate) or self.clip.codec is None:
            return None
        return bisect_right(self.clip.starts, self.origin(rate) + time) - 1

    def is_over(self, time: Fraction, rate: Fraction) -> bool:
        """Whether the clip has ended by `time` seconds of the part."""
        return self.origin(rate) + time >= self.clip.end

    def beeps(self, length: Fraction, rate: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
        """From when to when beeps sound within the first `length` seconds of the part, cut ones too."""
        origin = self.origin(rate)
        for onset in self.clip.beeps:
            since, to = max(onset - origin, Fraction(0)), min(onset - origin + tags.MARK, length)
            if since < to:
                yield since, to

    def area(self, house: air_py.ProgramFormat) -> Area:
        """Where the clip's picture is in the house picture, which it fills as far as its shape allows."""
        width, height, aspect = house.width, house.height, self.clip.aspect
        wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
        return (width - wide) // 2, (height - high) // 2, wide, high


@dataclass(frozen=True)
class Slot:
    """The ticks of one part."""

    part: Part
    first: int
    end: int
    """The tick after its last."""


@dataclass(frozen=True)
class Plan:
    """Parts in a row on a channel of one format."""

    parts: Sequence[Part]
    house: air_py.ProgramFormat

    @property
    def rate(self) -> Fraction:
        """Ticks per second."""
        return Fraction(self.house.frame_rate)

    @property
    def slots(self) -> list[Slot]:
        """Where each part is: durations are summed before they become ticks, from the last part without one."""
        slots, first, since, millis = [], 0, 0, 0
        for part in self.parts:
            if part.duration_ms is None:
                end = first + ceil((part.clip.end - part.origin(self.rate)) * self.rate)
                since, millis = end, 0
            else:
                millis += part.duration_ms
                end = since + ceil(Fraction(millis, 1000) * self.rate)
            slots.append(Slot(part, first, end))
            first = end
        return slots

    @property
    def ticks(self) -> int:
        """Length of the whole."""
        return self.slots[-1].end

    def pictures(self) -> list[int | None]:
        """The number of the picture at every tick; None for black."""
        rate = self.rate
        return [slot.part.picture((tick - slot.first) / rate, rate) for slot in self.slots for tick in ticks(slot)]

    def ticks_after_an_end(self) -> int:
        """How many ticks are filled because their clip is over."""
        rate = self.rate
        return sum(slot.part.is_over((tick - slot.first) / rate, rate) for slot in self.slots for tick in ticks(slot))

    def areas(self) -> list[Area]:
        """Where the picture of every tick is."""
        return [slot.part.area(self.house) for slot in self.slots for _ in ticks(slot)]

    def joins(self) -> list[Fraction]:
        """When a part follows another."""
        return [slot.first / self.rate for slot in self.slots[1:]]

    def beeps(self) -> list[Fraction]:
        """When a beep starts that can be found: long enough, after silence, and not in the very first frame of AAC,
        which a decoder fades in.
        """
        onsets, silent_since = [], Fraction(FRAME_OF_AAC, self.house.sample_rate)
        for slot in self.slots:
            zero = slot.first / self.rate
            for since, to in slot.part.beeps(slot.end / self.rate - zero, self.rate):
                if to - since >= tags.MARK * 3 / 4 and zero + since >= silent_since + tags.MARK / 2:
                    onsets.append(zero + since)
                silent_since = zero + to
        return onsets

    @property
    def samples(self) -> int:
        """Samples per channel of the whole."""
        return int(self.ticks * self.house.sample_rate / self.rate)


def ticks(slot: Slot) -> range:
    """All ticks of a slot."""
    return range(slot.first, slot.end)


def differences(plan: Plan, programme: Programme) -> list[str]:
    """Every tick that does not show what is planned, in words."""
    shown = [picture.number for picture in programme.pictures]
    wanted = plan.pictures()
    wrong = [] if len(shown) == len(wanted) else [f"{len(shown)} pictures instead of {len(wanted)}"]
    for number, slot in enumerate(plan.slots):
        for tick in ticks(slot):
            if tick < len(shown) and shown[tick] != wanted[tick]:
                where = f"part {number} ({slot.part.clip.name} from {slot.part.offset_ms} ms)"
                wrong.append(f"tick {tick}, {tick - slot.first} of {where}: {shown[tick]} instead of {wanted[tick]}")
    return wrong


def skews_ms(plan: Plan, programme: Programme) -> list[float]:
    """For every planned beep how late it is, in ms; infinite for one that is not heard within half its distance."""
    zero = programme.pictures[0].time
    heard = [onset - zero for onset in beeps(programme.sound)]
    skews = []
    for planned in plan.beeps():
        near = min(heard, key=lambda onset: abs(onset - planned), default=Fraction(10**6))
        late = near - planned
        skews.append(float(late) * 1000 if abs(late) < Fraction(1, 20) else float("inf"))
    return skews
