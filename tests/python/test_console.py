"""L-44: log lines on a pipe that nobody reads."""

from __future__ import annotations

import subprocess
import sys

CHATTY = """
import logging
from air_py import console
console.configure("info")
for number in range(5000):
    logging.getLogger("air.test").info("line %d of a log that nobody reads", number)
print("done", flush=True)
"""


def test_a_full_pipe_costs_lines_not_time() -> None:
    process = subprocess.Popen([sys.executable, "-c", CHATTY], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"done\n"
        assert process.wait(5) == 0
        lines = process.stderr.read().splitlines()
        assert 10 < len(lines) < 5000
        assert all(line.endswith(b"nobody reads") for line in lines)
    finally:
        process.kill()
        process.communicate()
