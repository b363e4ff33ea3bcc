"""Messages between a host and an engine process: JSON, each after its length, over a connected socket.

Both ends read and write descriptors, since the process on the far side starts sooner the less it loads.
"""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["receive", "send"]

_LENGTH_BYTES = 4


def send(descriptor: int, message: list[Any]) -> None:
    """Sends all of ``message``, waiting if need be. Calls from several threads have to take turns.

    :raises OSError: the other end is gone.
    """
    text = json.dumps(message).encode()
    data = memoryview(len(text).to_bytes(_LENGTH_BYTES, "big") + text)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int) -> list[Any] | None:
    """The next message; ``None`` when the other end is gone, be it amid one."""
    length = _read(descriptor, _LENGTH_BYTES)
    text = _read(descriptor, int.from_bytes(length, "big")) if length else None
    return json.loads(text) if text else None


def _read(descriptor: int, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        try:
            part = os.read(descriptor, size - len(data))
        except ConnectionError:
            return None
        if not part:
            return None
        data += part
    return bytes(data)
