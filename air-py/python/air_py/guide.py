"""The guide: what is on when, as XMLTV (its DTD: https://github.com/XMLTV/xmltv/blob/master/xmltv.dtd).

A programme is one airing of the schedule, so what the guide says is what goes on air. Filler is left out. XMLTV counts
in seconds; a start is told as the second in which it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .channel import Channel
from .lineup import guide_id, stream_path
from .schedule import Airing
from .schedule.airing import EPOCH, utc_ms

__all__ = ["xmltv"]

_FIRST_MS, _LAST_MS = (utc_ms(datetime(year, 1, 1, tzinfo=timezone.utc)) for year in (1000, 9999))
"""Between these, four digits tell the year; an airing may begin before or end after."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold in any way (https://www.w3.org/TR/xml/#charsets)."""


def xmltv(channels: Iterable[Channel], start_ms: int, end_ms: int, base_url: str) -> str:
    """The guide of ``channels`` from ``start_ms`` until before ``end_ms``, in UTC milliseconds.

    :param base_url: where the channels are served, as in ``http://host:8000``.
    """
    channels = list(channels)
    tv = Element("tv", {"generator-info-name": "Air", "source-info-url": base_url})
    for channel in channels:
        element = SubElement(tv, "channel", id=guide_id(channel.channel_id))
        SubElement(element, "display-name").text = _clean(channel.name)
        SubElement(element, "display-name").text = str(channel.channel_id)
        if channel.logo:
            SubElement(element, "icon", src=_clean(channel.logo))
        SubElement(element, "url").text = base_url + stream_path(channel.channel_id)
    for channel in channels:
        for airing in channel.schedule.between(start_ms, min(end_ms, _LAST_MS)):
            if not airing.is_filler and _second(airing.start_ms) < _second(airing.end_ms):
                tv.append(_programme(airing, guide_id(channel.channel_id)))
    indent(tv)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tv SYSTEM "xmltv.dtd">\n{tostring(tv, "unicode")}\n'


def _programme(airing: Airing, channel: str) -> Element:
    times = {"start": _second(airing.start_ms), "stop": _second(airing.end_ms)}
    element = Element("programme", {**times, "channel": channel})
    SubElement(element, "title").text = _clean(airing.title)
    if airing.description:
        SubElement(element, "desc").text = _clean(airing.description)
    return element


def _second(time_ms: int) -> str:
    known_ms = min(max(time_ms, _FIRST_MS), _LAST_MS)
    return (EPOCH + timedelta(seconds=known_ms // 1000)).strftime("%Y%m%d%H%M%S +0000")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
