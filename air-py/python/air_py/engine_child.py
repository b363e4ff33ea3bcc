"""The far side of :class:`air_py.isolated.IsolatedEngine`: a process that does what it is told to one native engine.

Run as a file, with a descriptor and its parent's process ID. A request ``[number, method, arguments]`` is answered
with ``[number, fields, null]`` or ``[number, null, [kind, text]]``, each from a thread of its own, so a long one delays
no other. A log record is ``[0, level, target, text, fields, dropped]``. The process lives as long as its parent keeps
the other end open.

It loads next to nothing besides the engine: a viewer waits for it.
"""

from __future__ import annotations

import _thread
import os
import sys

if __name__ == "__main__":  # There is no path to the package: the interpreter runs isolated, without its site.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from air_py._air import Engine

_KINDS: tuple[type[Exception], ...] = (TypeError, OverflowError, ValueError)
"""What is raised as itself on the other side; all else is an ``AirError`` there."""

_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


def main(descriptor: int, parent: int) -> None:
    """Serves until the other end is closed, then ends the process, whatever the engine is doing."""
    _die_with(parent)
    from air_py import _air, wire

    turn = _thread.allocate_lock()
    engine: Engine | None = None

    def tell(*message: Any) -> None:
        try:
            with turn:
                wire.send(descriptor, list(message))
        except OSError:
            os._exit(0)

    def answer(number: int, method: str, arguments: list[Any]) -> None:
        try:
            tell(number, _perform(engine, method, arguments), None)
        except BaseException as error:  # A panic of the engine is not even an Exception.
            kind = next((kind for kind in _KINDS if isinstance(error, kind)), None)
            tell(number, None, [kind and kind.__name__, str(error)])

    def tell_records() -> None:
        while (record := _air.log_next()) is not None:
            fields, dropped = record
            tell(0, *fields, dropped)

    while (request := wire.receive(descriptor)) is not None:
        number, method, arguments = request
        if method == "open":
            sink, level = arguments
            _air.log_install(level)
            _thread.start_new_thread(tell_records, ())
            try:
                engine = _air.Engine(_attributes(sink))
            except Exception as error:
                tell(number, None, [None, str(error)])
            else:
                tell(number, None, None)
        else:
            _thread.start_new_thread(answer, (number, method, arguments))
    os._exit(0)


def _die_with(parent: int) -> None:
    """Has the kernel end this process with the thread that started it, should it be unable to see the socket close."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _perform(engine: Any, method: str, arguments: list[Any]) -> Any:
    if method == "next_event":
        from datetime import timedelta

        arguments = [timedelta(seconds=arguments[0])]
    elif method == "close":
        status = engine.status()
        return status and engine.stop_channel(status["channel_id"])
    return getattr(engine, method)(*arguments)


def _attributes(fields: dict[str, Any]) -> Any:
    return type("Sink", (), fields)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
