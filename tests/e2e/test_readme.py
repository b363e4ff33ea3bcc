"""The README's Python does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.media import Clip, make

README = Path(__file__).parents[2] / "README.md"


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

    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    with pytest.raises(Enough):
        exec(example, {"send": send})
    assert set(received[::188]) == {0x47}
