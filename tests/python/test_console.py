"""Log lines on standard error: what is in them, and that a pipe nobody reads costs lines, not time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

CHATTY = """
import logging, sys
from air_py import console
console.configure("info")
for number in range(5000):
    logging.getLogger("air.test").info("line %d of a log that nobody reads", number)
print("done", flush=True)
"""

MORE = """
sys.stdin.readline()
logging.getLogger("air.test").info("one more, of a log that nobody reads")
"""

JSON = """
import logging
from air_py import console
console.configure("info", "json")
logger = logging.getLogger("air.test")
logger.info("skipped %s", "fílm.mp4\\nx", extra={"channel": 3, "asset": "fílm.mp4", "tick": 1800})
logger.info("taken tick=0", extra={"fields": {"channel": 4, "tick": 0, "level": "ground", "thread": "t"}})
logger.debug("not worth it")
logging.getLogger("uvicorn.error").info("nor this")
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("failed")
logger.warning("x" * 100_000, extra={"path": console})
"""


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_full_pipe_costs_lines_not_time() -> None:
    """L-44"""
    with running(CHATTY) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == b"done\n"
        assert process.wait(5) == 0
        lines = process.stderr.read().splitlines()
        assert 10 < len(lines) < 5000
        assert all(line.endswith((b"nobody reads", b"since nobody took them")) for line in lines)


def test_what_was_dropped_is_counted() -> None:
    """L-44: once somebody reads again, every line has been shown or counted."""
    with running(CHATTY + MORE) as process:
        assert process.stdin and process.stdout and process.stderr
        assert process.stdout.readline() == b"done\n"
        shown = dropped = 0
        while shown + dropped < 5001:
            line = process.stderr.readline().decode()
            if line.endswith("nobody reads\n"):
                shown += 1
            elif told := re.search(r"WARNING air\.console: (\d+) log lines dropped", line):
                dropped += int(told[1])
            if " line 900 " in line:  # There is room again.
                process.stdin.write(b"\n")
                process.stdin.flush()
        assert dropped > 1000 and line.endswith("one more, of a log that nobody reads\n")


def test_json_is_a_line_per_record_with_its_fields() -> None:
    ended = subprocess.run([sys.executable, "-c", JSON], capture_output=True, check=True)
    skipped, taken, failed, long = (json.loads(line) for line in ended.stderr.splitlines())
    time = skipped.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    age = datetime.now(timezone.utc) - datetime.fromisoformat(time.replace("Z", "+00:00"))
    assert 0 <= age.total_seconds() < 60
    assert skipped == {
        "level": "info",
        "logger": "air.test",
        "message": "skipped fílm.mp4\nx",
        "channel": 3,
        "asset": "fílm.mp4",
        "tick": 1800,
    }
    assert taken.items() >= {"level": "info", "channel": 4, "tick": 0, "thread": "t"}.items()
    assert failed["level"] == "error" and "ZeroDivisionError" in failed["exception"]
    assert len(long["message"]) == 100_000 and "air_py.console" in long["path"]
