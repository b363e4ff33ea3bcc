"""The command ``air-py``, also ``python -m air_py``: the command line, with signals in order before it is loaded.

Loading takes a good part of a second, in which Ctrl-C ends a server as it does in any other: with 0.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Runs the process's own command line and returns the exit code; a server's process ends here, quickly."""
    is_server = sys.argv[1:2] == ["serve"]
    if is_server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
    try:
        from . import cli

        code = cli.main()
    except KeyboardInterrupt:
        code = 130
    if is_server:
        _exit(code)
    return code


def _exit(code: int) -> None:
    """Ends the process without taking the interpreter and its libraries apart: on a busy machine that takes longer than
    all that goes before."""
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)


def _end(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
