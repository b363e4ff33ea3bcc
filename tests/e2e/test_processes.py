"""The engine never runs another program, on air or rendering."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.media import Clip, make

FORMAT = ["--format", "320x180@25/1", "--preset", "ultrafast"]


def traced(arguments: Sequence[str], log: Path) -> list[str]:
    """The command line under strace, whose log has every program it starts."""
    trace = ["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-e", "signal=none", "-o", str(log)]
    # Not the script: in a long path, or one with spaces, it begins with a shell.
    return [*trace, sys.executable, "-m", "air_py", *arguments]


def programs(log: Path) -> list[str]:
    return re.findall(r'exec\w+\((?:\w+, )?"([^"]*)"', log.read_text())


def test_rendering_executes_nothing(tmp_path: Path) -> None:
    """FP-1, BD-2, R-13."""
    log = tmp_path / "exec.log"
    arguments = ["render", *FORMAT, "-o", str(tmp_path / "out.ts"), str(make(Clip(seconds=1)))]
    subprocess.run(traced(arguments, log), check=True, capture_output=True)
    assert programs(log) == [sys.executable]


def test_serving_executes_nothing(tmp_path: Path) -> None:
    """FP-1, BD-2, R-13."""
    log = tmp_path / "exec.log"
    arguments = ["serve", "--port", "0", *FORMAT, str(make(Clip(seconds=1)))]
    with subprocess.Popen(traced(arguments, log), stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert server.stdout
        try:
            with urllib.request.urlopen(server.stdout.readline().strip(), timeout=10) as response:
                assert response.read(188 * 500)
        finally:
            os.killpg(server.pid, signal.SIGINT)  # strace itself ignores it while it has something to trace
        assert server.wait(10) == 0
    assert programs(log) == [sys.executable]
