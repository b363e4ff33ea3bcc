"""A transport stream, read packet by packet: PSI, PES stamps, PCR, continuity.

Only as much of ISO/IEC 13818-1 as the tests ask about, written apart from the engine's own mux and judge so that a
mistake there is not repeated here. Raises on a stream that is not whole packets from the first byte.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

PACKET = 188
NULL_PID = 0x1FFF
M42 = 1 << 42
"""More than any PCR."""
H264, ADTS = 0x1B, 0x0F
"""stream_type of H.264 video and of AAC in ADTS."""


@dataclass
class Pes:
    """One PES packet put together again."""

    packet: int
    """Index of the transport packet it begins in."""
    pts: int
    dts: int
    random_access: bool
    """random_access_indicator of its first transport packet."""
    data: bytearray = field(repr=False)


@dataclass(frozen=True)
class Packet:
    """One transport packet's header, opened."""

    index: int
    pid: int
    payload_unit_start: bool
    continuity_counter: int
    discontinuity: bool
    random_access: bool
    pcr: int | None
    payload: bytes


class Stream:
    """A captured stream of one programme."""

    def __init__(self, data: bytes) -> None:
        """Opens every packet; a part of a packet at the end is left out."""
        whole = len(data) - len(data) % PACKET
        self.packets = [_packet(data[at : at + PACKET], at // PACKET) for at in range(0, whole, PACKET)]
        self.pmt_pid = next(_pmt_pid(p.payload) for p in self.packets if p.pid == 0)
        pmt = next(p.payload for p in self.packets if p.pid == self.pmt_pid)
        self.pcr_pid, self.streams = _pmt(pmt)

    @property
    def video_pid(self) -> int:
        """The PID of the H.264 stream."""
        return self._pid_of(H264)

    @property
    def audio_pid(self) -> int:
        """The PID of the AAC stream."""
        return self._pid_of(ADTS)

    @cached_property
    def pcrs(self) -> list[tuple[int, int]]:
        """(packet index, PCR in 27 MHz units) of each PCR."""
        return [(p.index, p.pcr) for p in self.packets if p.pcr is not None and p.pid == self.pcr_pid]

    @cached_property
    def video(self) -> list[Pes]:
        """The video PES packets."""
        return list(self._pes(self.video_pid))

    @cached_property
    def audio(self) -> list[Pes]:
        """The audio PES packets."""
        return list(self._pes(self.audio_pid))

    def audio_frames(self) -> Iterator[tuple[int, int]]:
        """(index of its first AAC frame in the stream, PTS) of each audio PES packet."""
        count = 0
        for pes in self.audio:
            yield count, pes.pts
            count += adts_frames(bytes(pes.data))

    def continuity_faults(self) -> list[int]:
        """The packets whose continuity_counter is not one more than that of the packet before on their PID."""
        last: dict[int, int] = {}
        faults = []
        for p in self.packets:
            if p.pid == NULL_PID or not p.payload:
                continue
            if p.pid in last and p.continuity_counter != (last[p.pid] + 1) % 16:
                faults.append(p.index)
            last[p.pid] = p.continuity_counter
        return faults

    def ms_between_psi(self, pid: int) -> list[float]:
        """The gaps between the tables on `pid`, in ms of PCR time."""
        at = [self.time_of(p.index) for p in self.packets if p.pid == pid and p.payload_unit_start]
        return [float(b - a) * 1000 for a, b in pairwise(at)]

    def time_of(self, packet: int) -> Fraction:
        """When a packet is due, in seconds: its place between the PCRs around it."""
        after = min(max(bisect_right(self.pcrs, (packet, M42)), 1), len(self.pcrs) - 1)
        (i, a), (j, b) = self.pcrs[after - 1], self.pcrs[after]
        return Fraction(a) / 27_000_000 + Fraction((packet - i) * (b - a), (j - i) * 27_000_000)

    def _pid_of(self, stream_type: int) -> int:
        (pid,) = (pid for pid, kind in self.streams.items() if kind == stream_type)
        return pid

    def _pes(self, pid: int) -> Iterator[Pes]:
        current: Pes | None = None
        for p in self.packets:
            if p.pid != pid:
                continue
            if p.payload_unit_start:
                if current:
                    yield current
                current = _pes(p)
            elif current:
                current.data += p.payload
        if current:
            yield current


def nal_types(access_unit: bytes | bytearray) -> list[int]:
    """The nal_unit_type of each NAL unit, in order."""
    starts = access_unit.split(b"\0\0\1")[1:]
    return [nal[0] & 31 for nal in starts]


def adts_frames(data: bytes) -> int:
    """How many AAC frames begin in `data`, by their own lengths."""
    count = at = 0
    while at + 7 <= len(data):
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
            raise ValueError(f"no ADTS syncword at byte {at} of a PES packet")
        at += (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        count += 1
    return count


def _packet(raw: bytes, index: int) -> Packet:
    if raw[0] != 0x47:
        raise ValueError(f"packet {index} begins with {raw[0]:#x}, not the sync byte")
    control, start, discontinuity, random_access, pcr = raw[3] >> 4 & 3, 4, False, False, None
    if control & 2:
        start += 1 + raw[4]
        flags = raw[5] if raw[4] else 0
        discontinuity, random_access = bool(flags & 0x80), bool(flags & 0x40)
        if flags & 0x10:
            bits = int.from_bytes(raw[6:12], "big")
            pcr = (bits >> 15) * 300 + (bits & 511)
    payload = raw[start:] if control & 1 else b""
    pid = (raw[1] & 31) << 8 | raw[2]
    return Packet(index, pid, bool(raw[1] & 0x40), raw[3] & 15, discontinuity, random_access, pcr, payload)


def _pmt_pid(payload: bytes) -> int:
    section = payload[1 + payload[0] :]
    return int.from_bytes(section[10:12], "big") & 0x1FFF


def _pmt(payload: bytes) -> tuple[int, dict[int, int]]:
    section = payload[1 + payload[0] :]
    end = 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4
    at = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    streams = {}
    while at < end:
        streams[int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF] = section[at]
        at += 5 + (int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF)
    return int.from_bytes(section[8:10], "big") & 0x1FFF, streams


def _pes(first: Packet) -> Pes:
    raw = first.payload
    if raw[:3] != b"\0\0\1" or not raw[7] & 0x80:
        raise ValueError(f"packet {first.index}: a PES packet without start code or PTS")
    pts = _stamp(raw[9:14])
    dts = _stamp(raw[14:19]) if raw[7] & 0x40 else pts
    return Pes(first.index, pts, dts, first.random_access, bytearray(raw[9 + raw[8] :]))


def _stamp(raw: bytes) -> int:
    return (raw[0] >> 1 & 7) << 30 | raw[1] << 22 | raw[2] >> 1 << 15 | raw[3] << 7 | raw[4] >> 1
