"""The command ``air-server``: the engine as a process that is commanded over gRPC.

:mod:`air_py.engine_process` runs it as a file, in an interpreter that loads nothing of its site: somebody waits for it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal itself loads enums, for 6 ms
import os
import sys

if __name__ == "__main__":  # There is no path to the package.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

__all__ = ["main"]


def main() -> int:
    """Runs the process's own command line and returns the exit code."""
    sys.setdlopenflags(os.RTLD_LAZY)  # Of all that its libraries can do, little is ever called: 5 ms.
    from air_py import _air

    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # Else the interpreter has a word to say at the end.
    return _air.serve_grpc(sys.argv[1:])


if __name__ == "__main__":
    os._exit(main())  # The engine's threads may still be at something that hangs.
