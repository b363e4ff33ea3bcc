"""Blocking work of an event loop, each on a thread of its own.

The loop's own pool is small, and a channel that takes seconds to start must not keep another from being stopped.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["in_a_thread", "to_the_end"]

_Result = TypeVar("_Result")


async def in_a_thread(name: str, work: Callable[[], _Result]) -> _Result:
    """The result of ``work``, done on a thread called ``name``. A caller that is cancelled does not wait for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()

    def settle(settler: Callable[[Any], None], outcome: object) -> None:
        if not done.done():
            settler(outcome)

    def run() -> None:
        try:
            outcome: object = work()
        except BaseException as error:
            loop.call_soon_threadsafe(settle, done.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, done.set_result, outcome)

    threading.Thread(target=run, name=name).start()
    return await done


async def to_the_end(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Awaits ``work`` through any number of cancellations of the caller."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        task.exception()  # Taken note of; the cancellation goes first.
        raise asyncio.CancelledError
    return task.result()
