"""What a value in a channels file may be. Each function returns it converted, or raises a ``ValueError`` that says
what would be right.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from ..formats import ProgramFormat
from ..schedule.airing import utc_ms
from .document import suggestion

__all__ = ["boolean", "clock", "day", "moment", "program_format", "text", "texts", "url", "whole", "zone"]

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def text(value: Any) -> str:
    """Some text."""
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {value!r}")
    if not value.strip():
        raise ValueError("is empty")
    if "\0" in value:
        raise ValueError(f"must not hold the character NUL: {value!r}")
    return value


def texts(value: Any) -> dict[str, str]:
    """A table of texts; numbers are taken as their digits."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, not {value!r}")
    return {key: str(item) if type(item) is int else text(item) for key, item in value.items()}


def whole(low: int, high: int = 2**63 - 1) -> Callable[[Any], int]:
    """A whole number from ``low`` to ``high``."""

    def convert(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {value!r}")
        return value

    return convert


def boolean(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


def program_format(value: Any) -> ProgramFormat:
    """A format such as ``1280x720@30000/1001``."""
    return ProgramFormat.parse(text(value))


def url(value: Any) -> str:
    """An address on the web."""
    parts = urlsplit(text(value))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"must be a URL such as https://example.org/logo.png, not {value!r}")
    return str(value)


def zone(value: Any) -> ZoneInfo:
    """A time zone by its name."""
    name = text(value)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = suggestion(name, sorted(available_timezones())) or ", such as Europe/Berlin"
        raise ValueError(f"no such time zone: {name}{hint}") from None


def moment(value: Any, home: ZoneInfo) -> int:
    """A date with a time, in UTC milliseconds; in the zone ``home`` if it names none."""
    if not isinstance(value, datetime):
        raise ValueError(f"must be a date with a time, such as 2027-01-01T20:15:00+01:00, not {value!s}")
    aware = value if value.tzinfo else value.replace(tzinfo=home)
    return utc_ms(aware)


def clock(value: Any) -> time:
    """A time of day, also in quotes and without seconds."""
    try:
        found = time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, time) or found.tzinfo:
        raise ValueError(f"must be a time of day such as 20:15:00, not {value!s}")
    return found


def day(value: Any) -> int:
    """A day of the week, by its name or the first three letters of it; Monday is 0."""
    name = text(value).lower()
    for number, known in enumerate(DAYS):
        if name in (known, known[:3]):
            return number
    short = [known[:3] for known in DAYS]
    hint = suggestion(name, DAYS + short) or f"; there are {', '.join(short)}"
    raise ValueError(f"no such day: {value}{hint}")
