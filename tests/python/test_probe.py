"""What `air_py.probe` says of files."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from air_py import AirError, MediaInfo, cli, probe


def test_a_pattern_has_no_end() -> None:
    assert probe("pattern:bars") == MediaInfo(None, None, None, None, None, None, None, None, False)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("missing.mp4", "No such file"),
        (".", "directory"),
        ("http://localhost/film.mp4", "only local files"),
        ("pattern:tartan", "no such pattern"),
        ("list.m3u8", "list, script or text"),
        ("empty.mp4", "empty"),
        ("noise.mp4", "Invalid data"),
    ],
)
def test_what_the_engine_refuses_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\nfilm.ts\n")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 64)
    with pytest.raises(AirError, match=reason):
        probe(name if ":" in name else tmp_path / name)


def test_a_file_that_does_not_answer_is_given_up(tmp_path: Path, no_leak: None) -> None:
    """In real time, since the bound is one: a FIFO that somebody holds open and nobody writes."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    try:
        begun = time.monotonic()
        with pytest.raises(AirError, match="not read within 3 s"):
            probe(fifo)
        assert 3 <= time.monotonic() - begun < 6
    finally:
        os.close(writer)


def test_other_threads_run_while_a_file_is_waited_for(tmp_path: Path) -> None:
    """L-40: this thread waits for the probe to open the pipe, and then writes what the probe waits for."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as pool:
        probing = pool.submit(probe, fifo)
        with open(fifo, "wb") as writer:
            writer.write(bytes(range(256)) * 16)
        with pytest.raises(AirError, match="Invalid data"):
            probing.result(2)


def test_the_command_tells_each_file_and_fails_if_one_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["probe", "pattern:bars"]) == 0
    assert capsys.readouterr().out == "pattern:bars: no end of its own, no picture, no sound\n"
    assert cli.main(["probe", "--json", "pattern:bars", "missing.mp4"]) == 1
    bars, missing = json.loads(capsys.readouterr().out)
    assert set(bars) == {"file", "duration_ms", *MediaInfo.__dataclass_fields__} and bars["duration_ms"] is None
    assert missing["file"] == "missing.mp4" and "No such file" in missing["error"]


def test_the_last_millisecond_begun_counts() -> None:
    info = MediaInfo(33_366_667, None, None, None, None, None, None, None, False)
    assert info.duration_ms == 34
