"""Plans in TOML, and the as-run records and progress of a rendering."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
from fractions import Fraction
from pathlib import Path

import pytest

from air_py import AsRun, Progress, Segment, SourcePicture, cli, load_plan
from air_py.progress import shown, text

PLAN = """
[[segment]]
asset = "Lights, camera, action.mp4"
start_offset_ms = 1500

[[segment]]
asset = "/abs/film.mkv"

[[segment]]
asset = "pattern:black"
duration_ms = 200
"""


def test_a_plan_names_its_assets_from_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    assert load_plan(path) == [
        Segment(str(tmp_path / "Lights, camera, action.mp4"), 1500),
        Segment("/abs/film.mkv"),
        Segment("pattern:black", 0, 200),
    ]


@pytest.mark.parametrize(
    "document, reason",
    [
        ("", "tables"),
        ("segment = 1", "tables"),
        ("[[segment]]\nasset = 'a'\n[other]", "tables"),
        ("[[segment]]\nasset = 'a'\n[[segment]]\nstart_offset_ms = 1", "segment 2: has no asset"),
        ("[[segment]]\nasset = 'a'\nstart = 1", "segment 1: no such key: start"),
        ("[[segment]]\nasset = 'a'\nduration_ms = 1.5", "segment 1: duration_ms must be int"),
        ("[[segment]]\nasset = 'a'\nduration_ms = true", "segment 1: duration_ms must be int"),
        ("[[segment]]\nasset = 'a'\nduration_ms = 0", "segment 1: duration_ms"),
        ("asset = ?\n", "line 1"),
    ],
)
def test_a_plan_that_is_none_is_explained(
    document: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(document)
    assert cli.main(["render", "-o", str(tmp_path / "out.ts"), "--plan", str(path)]) == 2
    errors = capsys.readouterr().err
    assert str(path) in errors and reason in errors and errors.count("\n") == 1


def test_segments_and_a_plan_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--plan", "plan.toml", "a.mp4"]):
        assert cli.main(["render", "-o", "out.ts", *arguments]) == 2
        assert "either segments or --plan" in capsys.readouterr().err


@pytest.mark.engine
def test_a_rendering_is_recorded(tmp_path: Path) -> None:
    """SL-11, BF-1: every segment of a plan has its line, also one that the failsafe covered."""
    plan, out, record = tmp_path / "plan.toml", tmp_path / "out.ts", tmp_path / "as-run.jsonl"
    plan.write_text(PLAN.replace("/abs/film.mkv", 'pattern:bars"\nduration_ms = 400 #'))
    options = ["--format", "320x180@25", "--preset", "ultrafast", "--failsafe", "--as-run", str(record)]
    assert cli.main(["render", "-o", str(out), "--plan", str(plan), *options]) == 0
    missing, bars, black = (json.loads(line) for line in record.read_text().splitlines())
    assert "camera" in missing["failure"] and missing["last_tick"] is None
    assert (bars["content"], bars["first_source"]) == (10, {"number": 0, "media_ms": 0})
    assert (black["planned_first_tick"], black["planned_last_tick"], black["last_tick"]) == (10, 14, 14)
    assert set(bars) == set(AsRun.__dataclass_fields__)
    assert set(bars["last_source"]) == set(SourcePicture.__dataclass_fields__)


def test_a_record_that_does_not_fit_is_not_begun(tmp_path: Path) -> None:
    """A file may grow no further than into the second record; then there is room again."""
    record = tmp_path / "as-run.jsonl"
    script = f"""
import resource
from air_py.as_run import AsRunLog
from fakes import as_run
def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
with AsRunLog({str(record)!r}) as log:
    log.write(as_run("a"))
    limit(log._file.tell() + 20)
    try:
        log.write(as_run("b"))
    except OSError as error:
        print(error.filename)
    limit(resource.RLIM_INFINITY)
    log.write(as_run("c"))
"""
    folder = Path(__file__).parent
    told = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert told.stdout == f"{record}\n"
    assert [json.loads(line)["asset"] for line in record.read_text().splitlines()] == ["a", "c"]


@pytest.mark.engine
def test_a_rendering_needs_no_standard_error(tmp_path: Path) -> None:
    """As when a service closed it."""
    command = 'exec "$@" 2>&-'
    arguments = ["render", "-o", str(tmp_path / "out.ts"), "--preset", "ultrafast", "black,dur=40"]
    subprocess.run(["sh", "-c", command, "sh", sys.executable, "-m", "air_py", *arguments], check=True)


def test_progress_stays_on_one_line_of_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 40, 0, 0))
    with open(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with shown(Fraction(25)) as show:
            assert show
            show(Progress(500, 2000))
        written = os.read(leader, 4096).decode()
    os.close(leader)
    line, *_ = written.removeprefix("\r\x1b[K").split("\r")
    assert line.startswith("[########.") and len(line) < 40


def test_progress_says_how_far_how_fast_and_how_long() -> None:
    rate = Fraction(25)
    assert text(Progress(500, 2000), rate, 2.0) == "[########......................]  25%  500 frames, 10.0x, 0:06 left"
    assert text(Progress(50, None), rate, 1.0) == "50 frames, 2.0x"
    assert text(Progress(2100, 2000), rate, 10.0).startswith(f"[{'#' * 30}] 100%")
