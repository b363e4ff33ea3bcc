"""Program formats, good and bad: what is refused is refused before anything is made for it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import av
import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import PROTOCOL_VIOLATION, SMALL, Client, refused
from tests.e2e.host import Listener

VIDEO = '{"width": 320, "height": 180, "frame_rate": "25/1"}'
AUDIO = '{"sample_rate": 48000, "channels": 2}'


def changed(**values: object) -> str:
    """A good format with values of its own; None leaves one out."""
    document = json.loads(SMALL)
    for part in document.values():
        part.update({key: values[key] for key in part if key in values})
        for key in [key for key, value in part.items() if value is None]:
            del part[key]
    return json.dumps(document)


BAD = {
    "empty": "",
    "blank": "  \n",
    "words": "1080p30",
    "half": SMALL[:-10],
    "more after it": SMALL + SMALL,
    "null": "null",
    "a list": f"[{SMALL}]",
    "no video": f'{{"audio": {AUDIO}}}',
    "no audio": f'{{"video": {VIDEO}}}',
    "video is a text": f'{{"video": "{VIDEO[1:4]}", "audio": {AUDIO}}}',
    "no width": changed(width=None),
    "no height": changed(height=None),
    "no frame rate": changed(frame_rate=None),
    "no sample rate": changed(sample_rate=None),
    "no channels": changed(channels=None),
    "width is a float": changed(width=320.5),
    "height is a text": changed(height="180"),
    "width is zero": changed(width=0),
    "height is negative": changed(height=-180),
    "width is beyond numbers": changed(width=10**30),
    "rate is a number": changed(frame_rate=30),
    "rate is a decimal": changed(frame_rate="29.97"),
    "rate is no ratio": changed(frame_rate="30"),
    "rate over zero": changed(frame_rate="30/0"),
    "rate is zero": changed(frame_rate="0/1"),
    "rate is negative": changed(frame_rate="-30/1"),
    "rate of words": changed(frame_rate="thirty/one"),
    "sample rate is zero": changed(sample_rate=0),
    "channels are negative": changed(channels=-2),
    "channels are a flag": changed(channels=True),
}
GOOD = {
    "other order": f'{{"audio": {AUDIO}, "video": {VIDEO}}}',
    "white space": json.dumps(json.loads(SMALL), indent=8),
    "unknown fields": f'{{"name": "one", "video": {VIDEO[:-1]}, "codec": "none"}}, "audio": {AUDIO[:-1]}, "x": [1]}}}}',
    "another width": f'{{"logo": {{"width": 9, "video": {{"width": 8}}}}, "video": {VIDEO}, "audio": {AUDIO}}}',
}


@pytest.fixture(scope="module")
def shared() -> Iterator[AirServer]:
    """One server for all: no refusal may change it."""
    with AirServer() as server:
        yield server


@pytest.mark.parametrize("name", BAD)
def test_a_bad_format_is_refused_and_makes_nothing(name: str, shared: AirServer) -> None:
    """PF-1, PF-3, CS-13: with a reason, no thread, no descriptor and no channel."""
    before = shared.settled()
    refused(shared.client.StartChannel(channel_id=1, program_format_json=BAD[name]))
    assert shared.comes_back_to(before), (before, shared.holdings())
    refused(shared.client.LoadPreview(channel_id=1, asset_path="pattern:bars"), PROTOCOL_VIOLATION)


def test_after_every_bad_format_a_good_one_starts(shared: AirServer) -> None:
    """PF-1: also as another channel, whose place none of them has taken."""
    client, before = shared.client, shared.settled()
    for bad in BAD.values():
        refused(client.StartChannel(channel_id=1, program_format_json=bad))
    with client.channel(2):
        client.take("pattern:bars", 2)
    assert shared.comes_back_to(before), (before, shared.holdings())


@pytest.mark.parametrize("name", GOOD)
def test_what_is_unknown_or_in_another_order_is_no_matter(name: str, shared: AirServer) -> None:
    """PF-2."""
    with shared.client.channel(3, GOOD[name]):
        pass


def test_a_width_of_something_else_is_not_the_pictures(client: Client) -> None:
    """PF-2: the size on air tells which was read."""
    with Listener() as listener, client.channel(1, GOOD["another width"]):
        client.attach(listener.endpoint)
        client.take("pattern:bars")
        data = listener.read_for(1)
    with av.open(io.BytesIO(data)) as capture:
        pictures = capture.streams.video[0]
        assert (pictures.width, pictures.height) == (320, 180)
