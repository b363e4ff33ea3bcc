"""Who may reach an application over HTTP: a token, and words for what is open without one."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import parse_qsl

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from . import page
from .server import Application

__all__ = ["Access", "exposure"]

_OPEN = ("/healthz", "/readyz")
"""What a supervisor asks, which has no token and learns nothing but yes or no."""


class Access:
    """``app``, for those who bring the token: as ``?token=…``, which any player can, or as a bearer.

    Health and the files of the web page are answered to anybody. The token is compared in constant time and never
    logged. The connection is not encrypted: over networks that others can listen to, put a proxy with TLS in front.

    :param token: at least one character; a link holds it best when it needs no escape.
    """

    def __init__(self, app: Application, token: str) -> None:
        if not token:
            raise ValueError("an empty token would let everybody in")
        self._app = app
        self._token = token.encode()
        # The page's own files name each other without a token, and hold nothing of what is on.
        self._open = {*_OPEN, *(f"/page/{name}" for name in page.files())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, or answers 401."""
        if scope["type"] != "http" or _path(scope) in self._open or any(map(self._is_token, _brought(scope))):
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse("a token is needed: ?token=…\n", 401, {"www-authenticate": 'Bearer realm="air"'})
        await refusal(scope, receive, send)

    async def stop(self) -> None:
        """Ends the application."""
        await self._app.stop()

    def _is_token(self, brought: bytes) -> bool:
        return hmac.compare_digest(brought, self._token)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _brought(scope: Scope) -> list[bytes]:
    """The tokens of a request; there may be two, of which one is another's."""
    query = parse_qsl(scope["query_string"].decode("latin-1"))
    tokens = [value.encode() for name, value in query if name == "token"]
    for name, value in scope["headers"]:
        scheme, _, credentials = value.partition(b" ")
        if name == b"authorization" and scheme.lower() == b"bearer":
            tokens.append(credentials.strip())
    return tokens


def exposure(host: str, port: int, token: str | None) -> str | None:
    """What others than this machine can do when ``host`` is listened on, in a sentence; ``None`` when nothing.

    :param host: an address, or a name.
    """
    if _is_loopback(host):
        return None
    everywhere = host in ("", "0.0.0.0", "::")
    where = f"on port {port} of every address of this machine" if everywhere else f"on {host}, port {port}"
    if token is None:
        who = "whoever reaches it can watch every channel and read the guide, the status and the names of what is on"
        advice = "; a token (--token) keeps others out"
    else:
        who = "whoever has the token can watch every channel; anybody can ask for /healthz and /readyz"
        advice = "; nothing is encrypted, the token neither"
    return f"listening {where}: {who}{advice}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
