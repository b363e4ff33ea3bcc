"""The playlist and the tuner, read as players and media servers read them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from air_py import guide, lineup
from tests.channels import HOUR_MS, channel

BASE = "http://tv.local:8000"
HOSTILE = 'A "B",\r\n#EXTINF:-1,C\u2028http://evil/\x00 </name> &\udcff'


def entries(playlist: str) -> list[tuple[dict[str, str], str, str]]:
    """(attributes, name, URL) of each entry, by the rules of Jellyfin: the name is what follows the last comma."""
    lines = playlist.splitlines()
    assert lines[0].startswith("#EXTM3U ")
    assert len(lines) % 2 == 1
    return [
        (dict(re.findall(r'([a-z-]+)="([^"]+)"', info)), info.rpartition(",")[2], url)
        for info, url in zip(lines[1::2], lines[2::2], strict=True)
    ]


def test_the_playlist_gives_each_channel_what_a_player_asks_for() -> None:
    playlist = lineup.m3u([channel(7, "Seven", "http://tv.local/7.png")], BASE + "/")
    assert 'x-tvg-url="http://tv.local:8000/xmltv.xml"' in playlist
    assert 'url-tvg="http://tv.local:8000/xmltv.xml"' in playlist
    ((attributes, name, url),) = entries(playlist)
    assert attributes == {
        "tvg-id": "air.7",
        "tvg-name": "Seven",
        "tvg-chno": "7",
        "tvg-logo": "http://tv.local/7.png",
        "group-title": "Air",
    }
    assert (name, url) == ("Seven", "http://tv.local:8000/channels/7.ts")


def test_the_playlist_and_the_guide_call_a_channel_the_same() -> None:
    channels = [channel(1), channel(12)]
    document = ElementTree.fromstring(guide.xmltv(channels, 0, HOUR_MS, BASE).encode())
    listed = [attributes["tvg-id"] for attributes, _, _ in entries(lineup.m3u(channels, BASE))]
    assert listed == [element.get("id") for element in document.iter("channel")] == ["air.1", "air.12"]
    assert {element.get("channel") for element in document.iter("programme")} == set(listed)


def test_a_hostile_name_or_logo_stays_inside_its_own_entry() -> None:
    playlist = lineup.m3u([channel(1, HOSTILE, 'http://x/",\n.png'), channel(2, "Two")], BASE)
    (attributes, name, url), (_, second, _) = entries(playlist)
    assert name == attributes["tvg-name"]
    assert name.startswith("A 'B'") and "</name> &?" in name
    assert attributes["tvg-logo"] == "http://x/%22%2C%20.png"
    assert url == f"{BASE}/channels/1.ts"
    assert second == "Two"
    playlist.encode()


def test_a_token_is_in_every_url_a_player_opens() -> None:
    playlist = lineup.m3u([channel()], BASE, token="a b&c")
    assert playlist.count("?token=a%20b%26c") == 3
    described = lineup.discover(BASE, "105404BE", token="x")
    assert described["LineupURL"] == f"{BASE}/lineup.json?token=x"
    assert lineup.lineup([channel()], BASE, token="x")[0]["URL"] == f"{BASE}/channels/1.ts?token=x"


def test_the_tuner_describes_itself_and_its_channels() -> None:
    described = lineup.discover(BASE, "105404BE", tuner_count=3)
    assert described["BaseURL"] == BASE
    assert described["LineupURL"] == f"{BASE}/lineup.json"
    assert (described["DeviceID"], described["TunerCount"]) == ("105404BE", 3)
    assert "HDTC" not in str(described["ModelNumber"]), "media servers would ask it to transcode"
    high, low = lineup.lineup([channel(1, height=720), channel(2, height=360)], BASE)
    assert high["GuideNumber"] == "1" and high["URL"] == f"{BASE}/channels/1.ts"
    assert (high["HD"], low["HD"]) == (1, 0)
    assert lineup.lineup_status()["ScanInProgress"] == 0


def test_the_description_is_xml_whatever_the_names_are() -> None:
    root = ElementTree.fromstring(lineup.device_xml("http://tv/?a&b", "105404BE", friendly_name=HOSTILE).encode())
    names = {"upnp": "urn:schemas-upnp-org:device-1-0"}
    assert root.findtext("upnp:URLBase", namespaces=names) == "http://tv/?a&b"
    assert root.findtext("upnp:device/upnp:serialNumber", namespaces=names) == "105404BE"
    udn = root.findtext("upnp:device/upnp:UDN", namespaces=names)
    assert udn and re.fullmatch(r"uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9A-Fa-f]{12}", udn)


def is_valid(device_id: str) -> bool:
    """As libhdhomerun has it: the first, third, fifth and seventh digit by the table, the others as they are."""
    result = 0
    for place, digit in enumerate(device_id):
        number = int(digit, 16)
        result ^= (
            b"\x0a\x05\x0f\x06\x07\x0c\x01\x0b\x09\x02\x08\x0d\x04\x03\x0e\x00"[number] if place % 2 == 0 else number
        )
    return result == 0


@pytest.mark.parametrize("real", ["105404BE", "105A1232"])
def test_ids_of_real_devices_are_valid_by_the_rule_of_these_tests(real: str) -> None:
    assert is_valid(real)
    assert not is_valid(real[:-1] + "0")


def test_a_device_id_is_valid_and_follows_from_its_seed_alone() -> None:
    ids = [lineup.device_id(f"installation {number}") for number in range(1000)]
    assert all(re.fullmatch("10[0-9A-F]{6}", one) and is_valid(one) for one in ids)
    assert len(set(ids)) > 990
    assert lineup.device_id("installation 0") == ids[0]
