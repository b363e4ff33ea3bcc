"""The web page: a guide of the channels, a player, and how each channel stands.

Plain HTML, CSS and ES modules, served as they are: no framework, no build, nothing from elsewhere. ``vendor/mpegts.js``
is mpegts.js 1.8.2, byte for byte as published. Which path a file is served at, and to whom, is the director's business:
it expects ``index.html`` at ``/`` and every file at ``/page/NAME``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

__all__ = ["HEADERS", "StaticFile", "files"]

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        # Logos may come from anywhere; the video element plays what the script has made of the stream.
        "content-security-policy": "default-src 'self'; img-src * data:; media-src 'self' blob:; object-src 'none';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",  # an address may hold a token
        "cache-control": "no-cache",  # ask again; the ETag saves sending it again
    }
)
"""What goes with every file."""

_NAMES = (
    "index.html",
    "style.css",
    "stage.css",
    "icon.svg",
    "main.js",
    "api.js",
    "connection.js",
    "format.js",
    "guide.js",
    "player.js",
    "plots.js",
    "stage.js",
    "vitals.js",
    "vendor/mpegts.js",
    "vendor/mpegts.js.LICENSE",
)
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "js": "text/javascript; charset=utf-8",
    "LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    media_type: str
    body: bytes
    etag: str
    """In quotes, as in the header."""


@cache
def files() -> Mapping[str, StaticFile]:
    """The page's files by their names, which are paths from ``/page/``. Read once; no other file can be asked for."""
    folder = resources.files(__name__)
    return MappingProxyType({name: _file(name, folder.joinpath(name).read_bytes()) for name in _NAMES})


def _file(name: str, body: bytes) -> StaticFile:
    digest = hashlib.sha256(body).hexdigest()[:16]
    return StaticFile(_MEDIA_TYPES[name.rpartition(".")[2]], body, f'"{digest}"')
