"""The README's examples do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import air_py
from tests.media import Clip, make

ROOT = Path(__file__).parents[2]


class Enough(Exception):
    """Ends the example, which by itself goes on for ever."""


def test_the_python_example_streams_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.mp4").symlink_to(make(Clip()))
    monkeypatch.chdir(tmp_path)
    received = bytearray()

    def send(packets: bytes) -> None:
        received.extend(packets)
        if len(received) > 100_000:
            raise Enough

    example = block("python", (ROOT / "README.md").read_text())
    with pytest.raises(Enough):
        exec(example, {"send": send})
    assert set(received[::188]) == {0x47}


def test_the_rust_example_is_the_one_that_is_compiled() -> None:
    """As a documentation test of air-core."""
    documentation = re.sub(r"^//! ?", "", (ROOT / "air-core/src/lib.rs").read_text(), flags=re.M)
    assert block("rust", (ROOT / "README.md").read_text()) == block("no_run", documentation)


def test_the_plan_is_one(tmp_path: Path) -> None:
    plan = tmp_path / "evening.toml"
    plan.write_text(block("toml", (ROOT / "README.md").read_text()))
    film, black = air_py.load_plan(plan)
    assert film == air_py.Segment(str(tmp_path / "Lights, camera, action.mp4"), 1500, 20_000)
    assert black == air_py.Segment("pattern:black", 0, 2000)


def block(language: str, text: str) -> str:
    """The one fenced block of that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.S)
    return str(found)
