"""The judge: what is wrong with a transport stream, in the words of ETSI TR 101 290."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from . import _air

__all__ = ["CheckSummary", "Facts", "Finding", "Report", "StreamFacts", "check"]

Profile = Literal["broadcast", "house"]
"""``broadcast``: the limits of the standards; ``house``: what Air promises of its own streams."""

_PIECE = 1 << 20
"""Bytes judged at a time: the disk likes large reads, and Ctrl-C is answered between two of them."""


@dataclass(frozen=True)
class Finding:
    """One thing found wrong."""

    check: str
    """Its name, with the number of TR 101 290 where that has one: ``2.3a PCR_repetition_error``."""
    severity: Literal["hard", "soft"]
    """``hard`` breaks a norm or a promise; receivers cope with ``soft``."""
    packet: int
    """The packet it was found at, counted from 0."""
    pid: int | None
    value: int
    """What was measured, in ``unit``."""
    limit: int
    """What it should have kept to, in ``unit``."""
    unit: str
    message: str
    """All of it in words."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class CheckSummary:
    """One check that found something, over the whole stream."""

    check: str
    severity: Literal["hard", "soft"]
    count: int
    """All of them, those not given one by one included."""
    first_packet: int
    worst: Finding
    """The finding farthest from its limit."""


@dataclass(frozen=True)
class StreamFacts:
    """One elementary stream, as observed."""

    pid: int
    stream_type: int
    packets: int
    pes_packets: int
    units: int
    """Pictures, or audio frames."""
    idr_pictures: int
    first_pts: int | None
    """In 90 kHz units."""
    period: tuple[int, int] | None
    """Nominal distance of its PTS as a ratio of 90 kHz units, when one was found."""
    steps: int
    irregular_steps: int
    worst_jitter_ticks: int
    """The farthest a PTS was from its grid, in 90 kHz units."""


@dataclass(frozen=True)
class Facts:
    """What the stream is, apart from what is wrong with it."""

    packets: int
    null_packets: int
    null_ppm: int
    """Null packets in a million packets."""
    duration_27m: int
    """From the first packet to the last by the PCR, in 27 MHz units."""
    bitrate_bps: int
    """Mean rate, null packets included."""
    program_number: int | None
    service_name: str | None
    pmt_pid: int | None
    pcr_pid: int | None
    pcrs: int
    pcr_max_gap_27m: int
    pat_max_gap_27m: int
    pmt_max_gap_27m: int
    streams: tuple[StreamFacts, ...]


@dataclass(frozen=True)
class Report:
    """The verdict; true when the stream is clean."""

    is_clean: bool
    """No hard finding, and there was a program to judge."""
    checks: tuple[CheckSummary, ...]
    """Every check that found something."""
    findings: tuple[Finding, ...]
    """Findings one by one, the first hundred of each check."""
    facts: Facts

    def __bool__(self) -> bool:
        return self.is_clean

    def to_dict(self) -> dict[str, Any]:
        """The report in plain values, ready for JSON."""
        return asdict(self)


def check(
    path_or_bytes: str | os.PathLike[str] | bytes | bytearray | memoryview, *, profile: Profile = "broadcast"
) -> Report:
    """Judges a transport stream, in a file or in memory; the GIL is released meanwhile.

    :raises OSError: the file cannot be read.
    :raises ValueError: there is no such profile.
    """
    judge = _air.Judge(profile)
    for piece in _pieces(path_or_bytes):
        judge.feed(piece)
    return _report(judge.finish())


def _pieces(path_or_bytes: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Iterator[bytes]:
    if isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        data = bytes(path_or_bytes)
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE]
    else:
        with open(os.fspath(path_or_bytes), "rb", buffering=0) as stream:
            while piece := stream.read(_PIECE):
                yield piece


def _report(fields: Mapping[str, Any]) -> Report:
    facts = dict(fields["facts"])
    facts["streams"] = tuple(StreamFacts(**stream) for stream in facts["streams"])
    return Report(
        is_clean=fields["is_clean"],
        checks=tuple(CheckSummary(**{**item, "worst": Finding(**item["worst"])}) for item in fields["checks"]),
        findings=tuple(Finding(**finding) for finding in fields["findings"]),
        facts=Facts(**facts),
    )
