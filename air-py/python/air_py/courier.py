"""Hands things on from those who must never wait to one who may.

A thread delivers. When it does not keep up, what is offered is dropped, and the next delivery says how much was.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Courier"]

_Item = TypeVar("_Item")


class Courier(Generic[_Item]):
    """A bounded queue and the thread that empties it.

    :param name: of the thread.
    :param deliver: called in that thread with an item and the number of those dropped before it; must not raise.
    :param bound: items that may wait.
    """

    def __init__(self, name: str, deliver: Callable[[_Item, int], object], bound: int) -> None:
        self._deliver = deliver
        self._bound = bound
        self._waiting: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._dropped = 0
        self._counting = threading.Lock()
        # Nobody waits for it at the end of the process: a stuck delivery would keep it from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: _Item) -> None:
        """Has ``item`` delivered in its turn, or drops it; never waits. From any thread."""
        if self._waiting.qsize() < self._bound:
            self._waiting.put(item)
        else:
            with self._counting:
                self._dropped += 1

    def close(self, timeout: float) -> None:
        """Ends the thread after what waits, and gives it ``timeout`` seconds for that."""
        self._waiting.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            with self._counting:
                dropped, self._dropped = self._dropped, 0
            self._deliver(item, dropped)
