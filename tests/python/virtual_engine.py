"""An engine on a clock of its own: it decides tick by tick as the real one does, and a day takes a moment.

It plays assets that are nothing but a number of frames. What the real engine does with files is tested with files; this
one shows what a host makes of it over hours.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

from air_py import (
    AsRun,
    AttachStreamReply,
    Event,
    EventKind,
    LoadPreviewReply,
    Reply,
    ResultCode,
    SourcePicture,
    Status,
    StreamTransport,
    SwitchToLiveReply,
)
from fakes import COUNTERS, OK, refusal

READ_AHEAD = 12
"""Frames that a producer is ahead of the air; its end is told when it has made its last."""


@dataclass
class Segment:
    """An asset on its way to the air, or there."""

    number: int
    asset: str
    offset_ms: int
    cued_at_ms: Fraction
    frames: int | None
    """From the offset to the end; ``None`` without one."""
    boundary_ms: Fraction | None = None
    planned: int = 0
    first: int = 0
    late: int = 0
    """Ticks on air before its first picture was there."""
    told: bool = False

    @property
    def end(self) -> int | None:
        return None if self.frames is None else self.first + self.late + self.frames


class VirtualEngine:
    """Stands in for ``air_py.Engine``.

    ``assets`` are lengths in frames, ``None`` for one without an end. The host hears of an event ``telling_ms``
    after it. The clock on the wall is slewed: it has lost ``slewed_ms`` when the time of an order has come.
    """

    def __init__(
        self,
        rate: Fraction,
        assets: dict[str, int | None],
        *,
        now_ms: Fraction,
        open_ms: dict[str, int] | None = None,
        cue_ms: dict[str, int] | None = None,
        unplayable: tuple[str, ...] = (),
        undecodable: tuple[str, ...] = (),
        telling_ms: int = 0,
        slewed_ms: int = 0,
    ) -> None:
        self.period = 1000 / rate
        self.now = now_ms
        self.records: list[AsRun] = []
        self._assets = assets
        self._open_ms = open_ms or {}
        self._cue_ms = cue_ms or {}
        self._unplayable = unplayable
        self._undecodable = undecodable
        self._telling_ms = telling_ms
        self._slewed_ms = slewed_ms
        self._epoch: Fraction | None = None
        self._preview: Segment | None = None
        self._live: Segment | None = None
        self._events: deque[Event] = deque()
        self._segments = 0
        self._stopped = False

    def now_ms(self) -> int:
        return floor(self.now)

    def set_clock(self, by_ms: int) -> None:
        """Moves the clock on the wall; what is on its way to the air, or there, does not notice."""
        assert self._epoch is not None
        self.now += by_ms
        self._epoch += by_ms
        if self._preview is not None:
            self._preview.cued_at_ms += by_ms

    def start_channel(self, channel_id: int, *, program_format: object) -> Reply:
        return Reply(*OK)

    def attach_stream(self, channel_id: int, *, transport: StreamTransport, endpoint: str) -> AttachStreamReply:
        return AttachStreamReply(*OK, transport, endpoint)

    def load_preview(self, channel_id: int, *, asset_path: str, start_offset_ms: int = 0) -> LoadPreviewReply:
        assert start_offset_ms >= 0
        assert self._preview is None or self._preview.boundary_ms is None, "busy: armed"
        self._advance(self.now + self._open_ms.get(asset_path, 2))
        if asset_path in self._unplayable:
            return LoadPreviewReply(*refusal("cannot be played"), False)
        length = self._assets[asset_path]
        frames = None if length is None else ceil(length - start_offset_ms / self.period)
        if frames is not None and frames <= 0:
            return LoadPreviewReply(*refusal("nothing to play"), False)
        self._segments += 1
        cued_at = self.now + self._cue_ms.get(asset_path, 50)
        self._preview = Segment(self._segments, asset_path, start_offset_ms, cued_at, frames)
        return LoadPreviewReply(*OK, True)

    def switch_to_live(self, channel_id: int, *, target_boundary_time_ms: int = 0) -> SwitchToLiveReply:
        if self._preview is None:
            return SwitchToLiveReply(*refusal("no preview", ResultCode.PROTOCOL_VIOLATION), False, 0, 0, "")
        boundary = max(Fraction(target_boundary_time_ms + self._slewed_ms), self.now)
        is_first = self._epoch is None
        if is_first:
            self._epoch = boundary = self._preview.cued_at_ms = self.now
        self._preview.boundary_ms, self._preview.planned = boundary, self._tick_at(boundary)
        self._advance(self.now)
        return SwitchToLiveReply(*OK, True, 0, floor(self.now) if is_first else 0, "")

    def stop_channel(self, channel_id: int) -> Reply:
        if self._live is not None and not self._stopped:
            self._retire(self._tick_at(self.now))
        self._stopped = True
        return Reply(*OK)

    def status(self) -> Status | None:
        is_armed = self._preview is not None and self._preview.boundary_ms is not None
        preview = "armed" if is_armed else "empty"
        return None if self._stopped else Status(1, 0, preview, "rolling", None, "running", COUNTERS)

    def next_event(self, timeout: float) -> Event | None:
        if not self._stopped:
            until = self.now + Fraction(timeout) * 1000
            while not self._events and self.now < until:
                self._advance(min(until, self._next_change()))
            if self._events:
                self._advance(self.now + self._telling_ms)
        return self._events.popleft() if self._events else None

    def _tick_at(self, time_ms: Fraction) -> int:
        assert self._epoch is not None
        return ceil((time_ms - self._epoch) / self.period)

    def _tell(self, kind: EventKind, tick: int, **fields: Any) -> None:
        self._events.append(Event(tick, kind, kind.value, **fields))

    def _next_change(self) -> Fraction:
        """When something comes to pass by itself, later than now."""
        assert self._epoch is not None
        preview, live = self._preview, self._live
        changes = []
        if preview is not None and preview.boundary_ms is not None:
            changes.append(self._epoch + preview.planned * self.period)
            changes.append(self._epoch + self._tick_at(preview.cued_at_ms) * self.period)
        if live is not None and live.end is not None:
            changes.append(self._epoch + (live.end - READ_AHEAD) * self.period)
        return min((change for change in changes if change > self.now), default=self.now + 1000)

    def _advance(self, until_ms: Fraction) -> None:
        self.now = until_ms
        if self._epoch is None:
            return
        tick = self._tick_at(self.now)
        self._fail_or_take(tick)
        live = self._live
        if live is not None and live.end is not None and not live.told and tick >= live.end - READ_AHEAD:
            live.told = True
            end_ms = floor(self._epoch + live.end * self.period)
            self._tell(EventKind.EXHAUSTED, tick, segment=live.number, end_tick=live.end, end_time_ms=end_ms)

    def _fail_or_take(self, tick: int) -> None:
        preview = self._preview
        if preview is None or preview.boundary_ms is None:
            return
        if preview.asset in self._undecodable and self.now >= preview.cued_at_ms:
            self._preview = None
            self._tell(EventKind.CUE_FAILED, tick, reason="no frame")
            return
        first = preview.planned
        if tick >= first:
            if self._live is not None:
                self._retire(first)
            preview.first, self._live, self._preview = first, preview, None
            self._tell(EventKind.TAKEN, first, segment=preview.number, asset=preview.asset)
            preview.late = max(0, self._tick_at(preview.cued_at_ms) - first)
            if preview.late:
                self._tell(EventKind.UNDERRUN, first + 1, segment=preview.number)

    def _retire(self, next_tick: int) -> None:
        live = self._live
        assert live is not None and self._epoch is not None
        ticks = next_tick - live.first
        shows = max(0, ticks - live.late)
        content = shows if live.frames is None else min(shows, live.frames)
        shown = SourcePicture(round(live.offset_ms / self.period), live.offset_ms)
        first_ms = floor(self._epoch + live.first * self.period)
        last = SourcePicture(shown.number + content - 1, 0)
        record = AsRun(
            live.number, live.asset, live.offset_ms, live.planned, live.first, None, next_tick - 1, first_ms, shown,
            last, content, 0, 0, 0, ticks - content, None,
        )  # fmt: skip
        self.records.append(record)
        self._tell(EventKind.AS_RUN, next_tick, segment=live.number, asset=live.asset, record=record)
