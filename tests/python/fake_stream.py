"""A stream of numbered packets, with the tables and random access points that a fan-out looks for."""

from __future__ import annotations

import struct

PACKET = 188
GOP_PACKETS = 20


def packets(count: int) -> bytes:
    """A stream of numbered packets: every GOP begins with PAT, PMT and a random access point."""
    return b"".join(packet(number) for number in range(count))


def packet(number: int) -> bytes:
    pid, starts, field, payload = 0x100, 0, b"\x01\x00", b""
    place = number % GOP_PACKETS
    if place == 0:
        pid, starts, payload = 0, 1, b"\x00" + section(0x00, struct.pack(">HH", 1, 0xE000 | 0x1000))
    elif place == 1:
        pid, starts = 0x1000, 1
        payload = b"\x00" + section(0x02, bytes.fromhex("e100f0001be100f000"))
    elif place == 2:
        starts, field, payload = 1, b"\x01\x40", b"\x00\x00\x01\xe0"
    elif place == 3:
        starts, payload = 1, b"\x00\x00\x01\xe0"
    head = b"\x47" + struct.pack(">H", starts << 14 | pid) + b"\x30" + field + payload
    return head + b"\xff" * (PACKET - len(head) - 4) + struct.pack(">I", 0xA5000000 | number)


def section(table_id: int, body: bytes) -> bytes:
    start = struct.pack(">BHHBBB", table_id, 0xB000 | 5 + len(body) + 4, 1, 0xC1, 0, 0) + body
    crc = 0xFFFFFFFF
    for byte in start:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return start + struct.pack(">I", crc)


def number_of(one: bytes) -> int:
    return int.from_bytes(one[PACKET - 3 : PACKET], "big")
