"""The channels file: what it says, and what is said of one that is wrong, with its line."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from datetime import time
from pathlib import Path

import pytest

from air_py import ProgramFormat, SinkConfig, cli
from air_py.config import Config, ConfigError, load_config
from air_py.guide import xmltv
from air_py.schedule import Grid, Item, Library

ROOT = Path(__file__).parents[2]
BARS = "[[channel]]\nid = 1\nname = 'Bars'\nplaylist = { media = ['pattern:bars'] }\n"


BLOCK = f"{BARS}[[channel.block]]\nmedia = []\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "channels.toml"


def load(path: Path, text: str) -> Config:
    path.write_text(text)
    return load_config(path)


def problems(path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(path, text)
    assert str(error.value) == "\n".join(f"{path}:{problem}" for problem in error.value.problems)
    return [str(problem) for problem in error.value.problems]


def grid(config: Config, number: int = 0) -> Grid:
    schedule = config.channels[number].schedule
    assert isinstance(schedule, Grid)
    return schedule


def test_the_example_in_the_documentation_is_one(path: Path) -> None:
    """Its media are missing here, and only warned of."""
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/channels.md").read_text(), re.S)
    (path.parent / "media").mkdir()
    config = load(path, example)
    matinee, bars = config.channels
    assert (matinee.channel_id, matinee.name, str(matinee.program_format)) == (1, "Matinee", "1280x720@30000/1001")
    assert matinee.sink == SinkConfig(preset="veryfast", video_bitrate=3_000_000)
    assert matinee.logo == "https://example.org/matinee.png"
    blocks = grid(config).blocks
    assert [(block.start, block.days) for block in blocks.daily] == [(time(20, 15), frozenset(range(5)))]
    assert [block.start_ms for block in blocks.dated] == [1_798_757_940_000]  # 22:59 UTC
    playlist = grid(config).playlist
    assert playlist and (playlist.epoch_ms, playlist.shuffle_seed, playlist.items) == (1_767_225_600_000, 7, ())
    assert bars.schedule.at(0).asset == "pattern:bars"
    assert [warning.key for warning in config.warnings] == [
        "channel[1].filler[1]",
        "channel[1].playlist.media[1]",
        "channel[1].playlist.media[2]",
        "channel[1].playlist.media[3]",
        "channel[1].block[1].media[1]",
        "channel[1].block[2].media[1]",
    ]


def test_the_example_to_start_from_is_one() -> None:
    config = load_config(ROOT / "examples/channels.toml")
    assert config.warnings == ()
    titles = {airing.title for airing in config.channels[0].schedule.between(0, 86_400_000)}
    assert titles == {"Colour bars", "A minute of silence"}


def test_what_is_not_said_is_the_default(path: Path) -> None:
    config = load(path, BARS)
    (channel,) = config.channels
    assert (channel.program_format, channel.sink, channel.logo) == (ProgramFormat(1280, 720), SinkConfig(), None)
    assert config.media_roots == (path.parent,)
    playlist = grid(config).playlist
    assert playlist and playlist.items == (Item("pattern:bars", "Bars", 107_893),)


def test_every_setting_of_a_sink_can_be_made(path: Path) -> None:
    settings = {
        "video_encoder": "libx264",
        "preset": "faster",
        "video_bitrate": 1_000_000,
        "gop_frames": 50,
        "threads": 1,
        "video_options": {"bf": "0"},
        "audio_encoder": "aac",
        "audio_bitrate": 96_000,
        "mux_rate": 2_000_000,
        "mux_delay_ms": 700,
        "service_name": "One",
        "provider_name": "Air",
    }
    assert set(settings) == {each.name for each in fields(SinkConfig)}
    toml = "\n".join(f"{name} = {json.dumps(value).replace(':', '=')}" for name, value in settings.items())
    config = load(path, f"{BARS}[channel.sink]\n{toml}")
    assert config.channels[0].sink == SinkConfig(**settings)  # type: ignore[arg-type]


def test_equal_files_are_equal_channels(path: Path) -> None:
    """What a reload leans on."""
    first, again, other = load(path, BARS), load(path, BARS), load(path, BARS + "filler = ['pattern:black']")
    assert first == again and first.channels != other.channels


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "1: has no channel; one begins with [[channel]]"),
        ("channel = 1", "1: channel: must be an array [ … ], not 1"),
        ("channel = [1]", "1: channel[1]: must be a table, not 1"),
        (BARS + "formt = '640x360@25'", "5: channel[1].formt: no such key; did you mean format?"),
        (BARS + "colour = 1", "5: channel[1].colour: no such key; there are id, name, format"),
        (BARS + "format = '720p'", "5: channel[1].format: a format looks like 1280x720@30000/1001"),
        (BARS + "format = 720", "5: channel[1].format: must be text in quotes, not 720"),
        (BARS + "logo = 'logo.png'", "5: channel[1].logo: must be a URL such as https://"),
        (BARS + "timezone = 'Europe/Berln'", "5: channel[1].timezone: no such time zone: Europe/Berln; did you mean"),
        (BARS + "timezone = '../etc'", "5: channel[1].timezone: no such time zone"),
        (BARS + "filler = 'x'", "5: channel[1].filler: must be an array [ … ], not 'x'"),
        (BARS + "filler = [7]", "5: channel[1].filler[1]: must be the name of a file in quotes"),
        (BARS + "filler = ['http://x/y']", "5: channel[1].filler[1].file: only local files are played, no URL"),
        (BARS + "sink = { preset = 1 }", "5: channel[1].sink.preset: must be text in quotes, not 1"),
        (
            BARS + "sink = { video_bitrat = 1 }",
            "5: channel[1].sink.video_bitrat: no such key; did you mean video_",
        ),
        (BARS + "sink = { preset = 'nope' }", "5: channel[1].sink: avcodec_open2: Invalid argument"),
        (BARS + "sink = { video_encoder = 'nope' }", "5: channel[1].sink: no video encoder"),
        (BARS + "format = '641x361@25'", "5: channel[1].format: program format: video.width is 641"),
        (BARS + "sink = { threads = 1.5 }", "5: channel[1].sink.threads: must be a whole number from 0 to"),
        (BARS + "sink = { threads = 5_000_000_000 }", "5: channel[1].sink: threads must be between"),
        (BARS + BARS, "6: channel[2].id: 1 is another channel's already"),
        (BARS.replace("id = 1", "id = 0"), "2: channel[1].id: must be a whole number from 1 to"),
        (BARS.replace("id = 1", "id = true"), "2: channel[1].id: must be a whole number from 1 to"),
        (BARS.replace("name = 'Bars'", ""), "1: channel[1]: has no name, such as name ="),
        (BARS.replace("'Bars'", "' '"), "3: channel[1].name: is empty"),
        ("[[channel]]\nid = 1\nname = 'x'", "1: channel[1]: has nothing to air"),
        ("[[channel]]\nid = 1\nname = 'x'\nplaylist = {}", "4: channel[1].playlist: has no media, such as"),
        (BLOCK, "5: channel[1].block[1]: wants either start ="),
        (
            BLOCK + "daily = '25:00'",
            "7: channel[1].block[1].daily: must be a time of day",
        ),
        (
            BLOCK + "start = 2026-01-01",
            "7: channel[1].block[1].start: must be a date with",
        ),
        (
            BLOCK + "daily = 01:00:00\ndays = ['mn']",
            "8: channel[1].block[1].days[1]: no such day",
        ),
        (
            BLOCK + "start = 2026-01-01T00:00:00\ndays = ['mon']",
            "8: channel[1].block[1].days: goes",
        ),
        (
            BARS + "filler = [{ file = 'pattern:bars', duration_ms = 99_000_000_000 }]",
            "5: channel[1].filler[1].duration_ms: must be a whole number from 1 to 31622400000",
        ),
        ("media_roots = ['nowhere']\n" + BARS, "1: media_roots[1]: no such folder"),
        (BARS + "filler = ['../secret.mp4']", "5: channel[1].filler[1]: outside of the media roots: "),
        (BARS + "filler = ['link.mp4']", "5: channel[1].filler[1]: outside of the media roots: "),
        (BARS + "filler = ['/etc/hostname']", "5: channel[1].filler[1]: outside of the media roots: "),
        ("a = ?\n", "1: is no TOML: "),
        (BARS + "name = 'again'", "5: is no TOML: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, expected: str, path: Path) -> None:
    (path.parent / "link.mp4").symlink_to("/etc/hostname")
    (problem,) = problems(path, text)
    assert problem.startswith(expected)


def test_times_before_1970_are_told_to_the_millisecond(path: Path) -> None:
    playlist = grid(load(path, BARS.replace(" }", ", epoch = 1969-12-31T23:59:58.25Z }"))).playlist
    assert playlist and playlist.epoch_ms == -1750


def test_a_playlist_that_ends_says_when_it_begins(path: Path) -> None:
    text = BARS.replace("] }", "], loop = false }")
    assert problems(path, text)[0].startswith("4: channel[1].playlist: has no epoch")


def test_all_is_told_at_once_in_the_order_of_the_file(path: Path) -> None:
    text = """
media_roots = [
  "nowhere",
]
[[channel]]
id = "one"
name = "One"
playlist = { media = [
  "pattern:bars",
  { file = "pattern:black", duration = 5 },
], shufle = 1 }

[[channel]]
name = "Two"
[channel.playlist]
media = [5]
"""
    assert [problem.split(": ", 2)[:2] for problem in problems(path, text)] == [
        ["3", "media_roots[1]"],
        ["6", "channel[1].id"],
        ["10", "channel[1].playlist.media[2].duration"],
        ["11", "channel[1].playlist.shufle"],
        ["13", "channel[2]"],
        ["16", "channel[2].playlist.media[1]"],
    ]


def test_text_that_is_none_is_refused_with_its_line(path: Path) -> None:
    path.write_bytes(b"[[channel]]\nname = '\xff'\n")
    with pytest.raises(ConfigError, match=":2: is not UTF-8"):
        load_config(path)


def test_lines_are_right_with_the_line_ends_of_windows(path: Path) -> None:
    path.write_bytes((BARS + "x = 'ü'\nformt = 1\n").replace("\n", "\r\n").encode())
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert [problem.line for problem in error.value.problems] == [5, 6]


def test_media_that_cannot_be_played_are_warned_of(path: Path) -> None:
    """L-52."""
    (path.parent / "noise.mp4").write_bytes(b"noise" * 1000)
    config = load(path, BARS + "filler = [\n'missing.mp4',\n'noise.mp4',\n'empty/*.mp4']")
    lines = [(warning.line, warning.message.rsplit("/", 1)[-1]) for warning in config.warnings]
    assert [line for line, _ in lines] == [6, 7, 8]
    assert grid(config).filler.items == ()


def test_a_block_that_never_airs_is_warned_of(path: Path) -> None:
    daily = "[[channel.block]]\nmedia = []\ndaily = 20:15:00\n"
    dated = "[[channel.block]]\nmedia = []\nstart = 2026-01-01T20:15:00Z\n"
    config = load(path, BARS + daily + "days = ['mon']\n" + daily + dated + dated + daily + "days = ['tue']\n")
    assert [warning.key for warning in config.warnings] == ["channel[1].block[1]", "channel[1].block[3]"]


def test_a_file_that_is_known_is_not_opened_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def probe(asset: str) -> object:
        from air_py.media_info import MediaInfo

        opened.append(os.path.basename(asset))
        return MediaInfo(2_000_000_000, None, None, None, None, None, None, None, False)

    monkeypatch.setattr("air_py.schedule.library.probe", probe)
    for name in ("a.mp4", "b.mp4"):
        (path.parent / name).touch()
    path.write_text(BARS.replace("pattern:bars", "."))
    library = Library()
    load_config(path, library=library)
    (path.parent / "b.mp4").write_text("longer")
    (path.parent / "c.mp4").touch()
    config = load_config(path, library=library)
    assert sorted(opened) == ["a.mp4", "b.mp4", "b.mp4", "c.mp4"]
    playlist = grid(config).playlist
    assert playlist and [item.title for item in playlist.items] == ["a", "b", "c"]


def test_validate_prints_lines_an_editor_can_jump_to(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(BARS + "filler = ['missing.mp4']\n")
    assert cli.main(["validate", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}:5: warning: channel[1].filler[1]: ")
    path.write_text(BARS + "formt = 1\nfiller = ['missing.mp4']")
    assert cli.main(["validate", str(path)]) == 1
    problem, warning = capsys.readouterr().out.splitlines()
    assert problem == f"{path}:5: channel[1].formt: no such key; did you mean format?"
    assert warning.startswith(f"{path}:6: warning: channel[1].filler[1]: ")
    assert cli.main(["validate", str(path.parent / "nowhere.toml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_validate_speaks_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(BARS + "filler = ['missing.mp4']\n")
    assert cli.main(["validate", "--json", str(path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["problems"] == [] and told["channels"] == [{"id": 1, "name": "Bars"}]
    assert told["warnings"][0]["line"] == 5
    path.write_text("x = 1")
    assert cli.main(["validate", "--json", str(path)]) == 1
    assert [problem["key"] for problem in json.loads(capsys.readouterr().out)["problems"]] == ["", "x"]


FULL = """
media_roots = ["."]
[[channel]]
id = 1
name = "One"
format = "640x360@25"
timezone = "UTC"
logo = "http://x/y.png"
filler = ["pattern:black"]
[channel.sink]
preset = "fast"
threads = 1
video_options = { bf = "0" }
[channel.playlist]
media = [{ file = "pattern:bars", title = "t", description = "d", start_offset_ms = 1, duration_ms = 2 }]
epoch = 2026-01-01T00:00:00Z
loop = true
shuffle = 1
[[channel.block]]
daily = 20:15:00
days = ["mon"]
media = ["pattern:bars"]
[[channel.block]]
start = 2026-01-01T00:00:00
media = ["pattern:bars"]
"""
ODD = ["0", "-1", "1e300", "nan", "true", "''", r'"\u0000"', r'"\ud7ff\n"', "'http://['", f"'{'x' * 5000}'"]
ODD += ["[]", "[[]]", "{}", "{ a = 1 }", r'["\u0000"]', r'[{ file = "\u0000" }]']
ODD += ["9223372036854775807", "9" * 5000]
ODD += ["2026-01-01", "12:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00"]


@pytest.mark.parametrize("odd", ODD)
def test_any_value_anywhere_is_answered_with_its_line(odd: str, path: Path) -> None:
    """Either it can be used, or the problem is told on its line; nothing else comes out."""
    lines = FULL.splitlines()
    for number, line in enumerate(lines, 1):
        if " = " not in line:
            continue
        path.write_text("\n".join([*lines[: number - 1], f"{line.split(' = ')[0]} = {odd}", *lines[number:]]))
        try:
            config = load_config(path)
        except ConfigError as error:
            assert {problem.line for problem in error.problems} <= {number, 3, 10, 19, 23}
        else:
            assert config.channels[0].schedule.at(1_800_000_000_000)
            assert xmltv(config.channels, 1_800_000_000_000, 1_800_000_060_000, "http://host")


def test_nesting_without_end_is_refused(path: Path) -> None:
    path.write_text("x = " + "[" * 100_000)
    with pytest.raises(ConfigError, match="nested"):
        load_config(path)
