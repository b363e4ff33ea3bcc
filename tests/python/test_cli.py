"""The command line: what it takes, what it says, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from air_py import ProgramFormat, Segment, SinkConfig, Stats, cli
from air_py.results import Counters

COUNTERS = Counters(**dict.fromkeys(Counters.__dataclass_fields__, 0))


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What ``render`` was asked, instead of doing it."""
    asked: list[dict[str, Any]] = []

    def render(plan: object, out: object, **options: Any) -> Stats:
        asked.append({"plan": plan, "out": out, **options})
        return Stats(ticks=300, bytes=1880, counters=COUNTERS, as_run=())

    monkeypatch.setattr(cli, "render", render)
    return asked


@pytest.mark.parametrize(
    "text, segment",
    [
        ("a.mp4", Segment("a.mp4")),
        ("a.mp4,start=1500", Segment("a.mp4", 1500)),
        ("a.mp4,start=1500,dur=2000", Segment("a.mp4", 1500, 2000)),
        ("a.mp4,dur=2000,start=1500", Segment("a.mp4", 1500, 2000)),
        ("black,dur=40", Segment("pattern:black", 0, 40)),
        ("pattern,dur=40", Segment("pattern:bars", 0, 40)),
        ("pattern:bars,dur=40", Segment("pattern:bars", 0, 40)),
        ("Lights, camera, action.mp4", Segment("Lights, camera, action.mp4")),
        ("a, b.mp4,dur=1", Segment("a, b.mp4", 0, 1)),
    ],
)
def test_segments_are_read(text: str, segment: Segment, rendered: list[dict[str, Any]]) -> None:
    assert cli.main(["render", "-o", "out.ts", text]) == 0
    assert rendered[0]["plan"] == [segment]


@pytest.mark.parametrize(
    "text", ["black", "pattern", "a.mp4,start=x", "a.mp4,dur=", "a.mp4,dur=1,dur=2", "a,start=-1", "a,dur=0"]
)
def test_a_segment_that_cannot_be_meant_is_explained(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(["render", "-o", "out.ts", text])
    assert ending.value.code == 2
    assert text.split(",")[0] in capsys.readouterr().err


def test_output_options_become_format_and_sink(rendered: list[dict[str, Any]]) -> None:
    options = ["--format", "640x360@25", "--bitrate", "1000000", "--mux-rate", "2000000", "--preset", "ultrafast"]
    assert cli.main(["render", "-o", "out.ts", *options, "a"]) == 0
    assert rendered[0]["format"] == ProgramFormat(640, 360, "25/1")
    assert rendered[0]["sink"] == SinkConfig(preset="ultrafast", video_bitrate=1_000_000, mux_rate=2_000_000)


def test_the_default_format_is_720p(rendered: list[dict[str, Any]]) -> None:
    assert cli.main(["render", "-o", "out.ts", "a"]) == 0
    assert rendered[0]["format"] == ProgramFormat(1280, 720, "30000/1001")


def test_stats_are_written(rendered: list[dict[str, Any]], tmp_path: Path) -> None:
    stats = tmp_path / "stats.json"
    assert cli.main(["render", "-o", "out.ts", "--stats", str(stats), "a"]) == 0
    written = json.loads(stats.read_text())
    assert (written["ticks"], written["bytes"]) == (300, 1880)
    assert written["counters"]["late_ticks"] == 0 and written["seconds"] >= 0


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["check", "/nonexistent.ts"], "/nonexistent.ts"),
        (["check", "/"], "directory"),
        (["render", "-o", "/nonexistent/out.ts", "--stats", "/nonexistent/stats.json", "a"], "stats.json"),
        (["serve", "/nonexistent.mp4"], "/nonexistent.mp4"),
        (["serve", "/", "pattern:nonsense"], "pattern:nonsense"),
        (["serve", "bad\udcff.mp4"], r"bad\xff.mp4"),
        (["check", "bad\udcff.ts"], r"bad\xff.ts"),
        (["render", "-o", "bad\udcff.ts", "black,dur=40"], r"bad\xff.ts"),
        (["serve", "--host", "203.0.113.1", "--port", "0"], "203.0.113.1"),
    ],
)
def test_what_the_user_got_wrong_is_one_line_and_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    errors = capsys.readouterr().err
    assert reason in errors and errors.count("\n") == 1 and "Traceback" not in errors


def test_serve_says_at_once_which_of_its_media_it_cannot_play(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = ["--host", "203.0.113.1", "--port", "0"]
    assert cli.main(["serve", *nowhere, "/", "pattern:nonsense", "pattern:bars", "/nonexistent.mp4"]) == 2
    *warnings, _cannot_listen = capsys.readouterr().err.splitlines()
    assert [line.split(": ", 1)[1] for line in warnings] == [
        "is a directory: /",
        "no such pattern: pattern:nonsense",
        "no such file: /nonexistent.mp4",
    ]


@pytest.mark.parametrize(
    "arguments",
    [[], ["play"], ["serve", "--port", "65536"], ["serve", "--format", "720p"], ["serve", "--bitrate", "0"]],
)
def test_usage_errors_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(arguments)
    assert ending.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_what_is_no_transport_stream_is_not_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.ts"
    text.write_text("not a transport stream\n" * 1000)
    assert cli.main(["check", str(text)]) == 1
    assert "NOT clean" in capsys.readouterr().out
    assert cli.main(["check", "--json", "--profile", "house", str(text)]) == 1
    assert json.loads(capsys.readouterr().out)["is_clean"] is False


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(["--version"])
    assert ending.value.code == 0
    assert capsys.readouterr().out.startswith("air-py ")
