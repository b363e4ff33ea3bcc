"""The command ``air-py``, also ``python -m air_py``: the command line, with signals in order before it is loaded.

Loading takes a good part of a second, in which Ctrl-C ends a server as it does in any other: with 0.
"""

from __future__ import annotations

import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Runs the process's own command line and returns the exit code."""
    if sys.argv[1:2] == ["serve"]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
    try:
        from . import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130


def _end(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
