"""The README's examples do what they say."""

from __future__ import annotations

import re
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

import air_py
from tests.media import Clip, make

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str, text: str) -> list[str]:
    """The fenced blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


class Enough(Exception):
    """Ends the example, which by itself goes on for ever."""


@pytest.mark.parametrize("example", blocks("python", README))
def test_a_python_example_runs_as_it_stands(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it names is there: media in the current directory, and ``send``, which takes a while of any stream."""
    for name in set(re.findall(r'"([\w/]+\.(?:mp4|mkv))"', example)):
        (tmp_path / name).symlink_to(make(Clip()))
    monkeypatch.chdir(tmp_path)
    received = bytearray()

    def send(packets: bytes) -> None:
        received.extend(packets)
        if len(received) > 100_000:
            raise Enough

    sends = "send(" in example
    with pytest.raises(Enough) if sends else nullcontext():
        exec(example, {"send": send, "__name__": "example"})
    assert set(received[::188]) == ({0x47} if sends else set())


def test_the_rust_example_is_the_one_that_is_compiled() -> None:
    """As a documentation test of air-core."""
    documentation = re.sub(r"^//! ?", "", (ROOT / "air-core/src/lib.rs").read_text(), flags=re.M)
    assert blocks("rust", README) == blocks("no_run", documentation)


def test_the_plan_is_one(tmp_path: Path) -> None:
    plan = tmp_path / "evening.toml"
    (segments,) = (example for example in blocks("toml", README) if "[[segment]]" in example)
    plan.write_text(segments)
    film, black = air_py.load_plan(plan)
    assert film == air_py.Segment(str(tmp_path / "Lights, camera, action.mp4"), 1500, 20_000)
    assert black == air_py.Segment("pattern:black", 0, 2000)


def test_the_channels_file_is_one(tmp_path: Path) -> None:
    file = tmp_path / "channels.toml"
    (channels,) = (example for example in blocks("toml", README) if "[[channel]]" in example)
    file.write_text(channels)
    for name in ("films/a.mp4", "idents/b.mp4", "news.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(make(Clip()), tmp_path / name)
    config = air_py.load_config(file)
    assert [channel.name for channel in config.channels] == ["Films"] and not config.warnings
