"""The token, and what is said about being without one."""

from __future__ import annotations

import httpx
import pytest

from air_py.access import Access, exposure
from serving import App

TOKEN = "open sesame&=é"


class Door(App):
    """Counts who came in."""

    def __init__(self) -> None:
        super().__init__()
        self.visitors = 0

    async def __call__(self, scope, receive, send):  # type: ignore[no-untyped-def]
        self.visitors += 1
        await super().__call__(scope, receive, send)


async def ask(path: str, door: Door, **options: object) -> httpx.Response:
    transport = httpx.ASGITransport(app=Access(door, TOKEN))
    async with httpx.AsyncClient(transport=transport, base_url="http://air") as client:
        return await client.request("GET", path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_bearer_is_let_in(scheme: str) -> None:
    door = Door()
    answer = await ask("/channels/1.ts", door, headers={"authorization": f"{scheme} {TOKEN}".encode()})
    assert (answer.status_code, door.visitors) == (200, 1)


async def test_a_player_brings_the_token_in_its_link() -> None:
    door = Door()
    answer = await ask("/channels/1.ts", door, params={"x": "1", "token": TOKEN})
    assert (answer.status_code, door.visitors) == (200, 1)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/page/main.js"])
async def test_health_and_the_files_of_the_page_are_given_to_anybody(path: str) -> None:
    assert (await ask(path, Door())).status_code == 200


@pytest.mark.parametrize(
    "path, headers",
    [
        ("/channels/1.ts", {}),
        ("/", {}),
        ("/metrics?token=", {}),
        ("/metrics?token=open", {}),
        ("/healthz/../channels.m3u", {}),
        ("//healthz", {}),
        ("/page/../channels.m3u", {}),
        ("/channels.m3u?Token=open%20sesame%26%3D%C3%A9", {}),
        ("/channels.m3u", {"authorization": "Bearer"}),
        ("/channels.m3u", {"authorization": "Basic open sesame"}),
        ("/channels.m3u", {"cookie": "token=open sesame"}),
    ],
)
async def test_others_are_not_and_learn_how_to_be(path: str, headers: dict[str, str]) -> None:
    door = Door()
    answer = await ask(path, door, headers=headers)
    assert (answer.status_code, door.visitors) == (401, 0)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="air")
    await ask("/", Door(), params={"token": TOKEN})
    await ask("/", Door(), params={"token": "wrong"})
    assert "sesame" not in caplog.text and "wrong" not in caplog.text
    assert "sesame" not in repr(Access(Door(), TOKEN))


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="everybody"):
        Access(Door(), "")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_of_what_stays_on_the_machine_nothing_is_said(host: str) -> None:
    assert exposure(host, 8000, None) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "tv.example"])
def test_beyond_it_what_is_exposed_is_said(host: str) -> None:
    said = exposure(host, 8123, None)
    assert said and "8123" in said and "every channel" in said and "--token" in said


def test_with_a_token_less_is_and_the_token_is_not_told() -> None:
    said = exposure("192.168.1.2", 8000, TOKEN)
    assert said and "192.168.1.2" in said and "/healthz" in said and TOKEN not in said
