"""The channels on offer, in the words of players and media servers: an M3U playlist, and an HDHomeRun tuner.

A media server (Plex, Jellyfin, Emby, Channels DVR) that is given our address as that of an HDHomeRun asks for
``/discover.json``, ``/lineup_status.json`` and ``/lineup.json``, some for ``/device.xml``. These are values and text
only: nothing here answers a request, nor the broadcasts by which such servers look for tuners.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from urllib.parse import quote
from xml.sax.saxutils import escape

from .channel import Channel

__all__ = ["device_id", "device_xml", "discover", "guide_id", "lineup", "lineup_status", "m3u", "stream_path"]

DEFAULT_TUNERS = 8
"""A media server tunes in to no more channels at a time than the device has tuners. Ours has no such limit."""

_MODEL = "HDHR4-2US"
# A model of SiliconDust's that speaks HTTP and does not transcode. To one that does, HDTC-2US, Jellyfin and Emby offer
# profiles, and ask for them by an appended `?transcode=`.
_FIRMWARE = "hdhomerun4_atsc"
_FIRMWARE_VERSION = "20190621"

_CHECK_DIGITS = (0xA, 0x5, 0xF, 0x6, 0x7, 0xC, 0x1, 0xB, 0x9, 0x2, 0x8, 0xD, 0x4, 0x3, 0xE, 0x0)
"""What each odd digit of a device id counts in its checksum, after ``hdhomerun_discover_validate_device_id``."""

# Ends of lines, and what XML has no way to write.
_CONTROLS = {code: " " for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF]}
_M3U_MARKS = {
    ord('"'): "'",  # ends an attribute, and nothing escapes it
    ord(","): "\N{SINGLE LOW-9 QUOTATION MARK}",  # looks the same; players take the name from the last comma on
}


def guide_id(channel_id: int) -> str:
    """The channel's id in the XMLTV guide, and its ``tvg-id``: what joins the two."""
    return f"air.{channel_id}"


def stream_path(channel_id: int) -> str:
    """The path of a channel's stream."""
    return f"/channels/{channel_id}.ts"


def m3u(channels: Iterable[Channel], base_url: str, *, token: str | None = None) -> str:
    """The playlist of ``channels``.

    :param base_url: what the paths are appended to, such as ``http://tv.local:8000``.
    :param token: put into every URL, because players send no headers of ours.
    """
    guide_url = _url(base_url, "/xmltv.xml", token)
    lines = [f'#EXTM3U x-tvg-url="{guide_url}" url-tvg="{guide_url}"']
    for channel in channels:
        name = _m3u_text(channel.name)
        attributes = {
            "tvg-id": guide_id(channel.channel_id),
            "tvg-name": name,
            "tvg-chno": str(channel.channel_id),
            "tvg-logo": quote(_plain(channel.logo or ""), safe=_URL_SAFE),
            "group-title": "Air",
        }
        pairs = "".join(f' {key}="{value}"' for key, value in attributes.items() if value)
        lines += [f"#EXTINF:-1{pairs},{name}", _url(base_url, stream_path(channel.channel_id), token)]
    return "\n".join(lines) + "\n"


def device_id(seed: str) -> str:
    """The HDHomeRun device id, eight hexadecimal digits that libhdhomerun finds valid, that follows from ``seed``.

    Media servers know a tuner, and its channels, by this id: a seed that stays the same keeps what they have set up.
    """
    number = int.from_bytes(hashlib.sha256(seed.encode(errors="replace")).digest()[:4], "big")
    # SiliconDust's begin with 10. The last digit counts as it is, so it can make up for the others.
    number = 0x10000000 | number & 0x00FFFFF0
    return f"{number | _checksum(number):08X}"


def discover(
    base_url: str,
    device_id: str,
    *,
    tuner_count: int = DEFAULT_TUNERS,
    friendly_name: str = "Air",
    token: str | None = None,
) -> dict[str, object]:
    """What ``/discover.json`` says.

    :param device_id: as of :func:`device_id`.
    :param friendly_name: how the tuner is called in the media server's settings.
    """
    return {
        "FriendlyName": friendly_name,
        "Manufacturer": "Silicondust",
        "ModelNumber": _MODEL,
        "FirmwareName": _FIRMWARE,
        "FirmwareVersion": _FIRMWARE_VERSION,
        "TunerCount": tuner_count,
        "DeviceID": device_id,
        "DeviceAuth": "",
        "BaseURL": _url(base_url),
        "LineupURL": _url(base_url, "/lineup.json", token),
    }


def lineup(channels: Iterable[Channel], base_url: str, *, token: str | None = None) -> list[dict[str, object]]:
    """What ``/lineup.json`` says: the channels that the tuner receives."""
    return [
        {
            "GuideNumber": str(channel.channel_id),
            "GuideName": _plain(channel.name),
            "VideoCodec": "H264",
            "AudioCodec": "AAC",
            "HD": int(channel.program_format.height >= 720),
            "URL": _url(base_url, stream_path(channel.channel_id), token),
        }
        for channel in channels
    ]


def lineup_status() -> dict[str, object]:
    """What ``/lineup_status.json`` says: a scan for channels is over. Plex adds no tuner that cannot scan."""
    return {"ScanInProgress": 0, "ScanPossible": 1, "Source": "Cable", "SourceList": ["Cable"]}


def device_xml(base_url: str, device_id: str, *, friendly_name: str = "Air") -> str:
    """What ``/device.xml`` says, the UPnP description of the tuner (``application/xml``)."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<root xmlns="urn:schemas-upnp-org:device-1-0">
  <specVersion><major>1</major><minor>0</minor></specVersion>
  <URLBase>{escape(_url(base_url))}</URLBase>
  <device>
    <deviceType>urn:schemas-upnp-org:device:MediaServer:1</deviceType>
    <friendlyName>{escape(_plain(friendly_name))}</friendlyName>
    <manufacturer>Silicondust</manufacturer>
    <modelName>{_MODEL}</modelName>
    <modelNumber>{_MODEL}</modelNumber>
    <serialNumber>{device_id}</serialNumber>
    <UDN>uuid:00000000-0000-5000-8000-0000{device_id}</UDN>
  </device>
</root>
"""


_URL_SAFE = "%:/?#[]@!$&'()*+;=~"
"""What stays as it is in a URL that was given to us: all that has a meaning there, but for the comma."""


def _url(base_url: str, path: str = "", token: str | None = None) -> str:
    query = f"?token={quote(token, safe='')}" if token else ""
    return quote(_plain(base_url.rstrip("/")), safe=_URL_SAFE) + path + query


def _plain(text: str) -> str:
    """``text`` on one line, without what is not Unicode or may not stand in XML."""
    return text.encode(errors="replace").decode().translate(_CONTROLS).strip()


def _m3u_text(text: str) -> str:
    return _plain(text).translate(_M3U_MARKS)


def _checksum(number: int) -> int:
    """The last digit that makes ``number``, whose last is 0, a valid device id."""
    digits = [number >> shift & 0xF for shift in range(28, -4, -4)]
    result = 0
    for place, digit in enumerate(digits):
        result ^= _CHECK_DIGITS[digit] if place % 2 == 0 else digit
    return result
