from __future__ import annotations

import json

import pytest

from air_py import ProgramFormat


def test_the_json_is_the_contract_s() -> None:
    """PF-1, PF-5"""
    assert json.loads(ProgramFormat(1280, 720).to_json()) == {
        "video": {"width": 1280, "height": 720, "frame_rate": "30000/1001"},
        "audio": {"sample_rate": 48000, "channels": 2},
    }


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1280x720@30000/1001", ProgramFormat(1280, 720, "30000/1001")),
        ("1920x1080@25", ProgramFormat(1920, 1080, "25/1")),
        ("640x360@060/01", ProgramFormat(640, 360, "60/1")),
    ],
)
def test_the_short_form_is_read(text: str, expected: ProgramFormat) -> None:
    assert ProgramFormat.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "1280x720", "1280x720@29.97", "x@25", "1280x720@25/0", "0x720@25", "-1x720@25", "1x1@²"]
)
def test_what_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ProgramFormat.parse(text)


def test_json_and_short_form_are_identities() -> None:
    """PF-2"""
    original = ProgramFormat(720, 576, "25/1", 44100, 1)
    assert ProgramFormat.from_json(original.to_json()) == original
    assert ProgramFormat.from_json({**json.loads(original.to_json()), "codec": {"width": 7}}) == original
    assert ProgramFormat.parse(str(ProgramFormat(720, 576, "25/1"))) == ProgramFormat(720, 576, "25/1")


@pytest.mark.parametrize(
    "document", ["", "[]", "{}", '{"video": 1}', '{"video": {}, "audio": {}}', '{"video": {"width": 1.5}, "audio": 0}']
)
def test_incomplete_json_is_refused(document: str) -> None:
    with pytest.raises(ValueError):
        ProgramFormat.from_json(document)
