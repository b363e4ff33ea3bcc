"""What a server does not put up with, and that nobody else notices.

Times are real, being the kernel's and the event loop's, but short.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator

import pytest

from air_py.http_protocol import Limits
from serving import GET, App, served

pytestmark = pytest.mark.usefixtures("no_leak")

SHORT_S = 0.15
LONG_S = 60.0


async def test_a_head_that_comes_byte_by_byte_is_given_up() -> None:
    """A slow loris: that something comes does not help it."""
    async with served(App(), Limits(request_s=SHORT_S)) as running:
        client = await running.client()

        async def drip() -> None:
            for byte in GET * 1000:
                client.send(bytes([byte]))
                await asyncio.sleep(SHORT_S / 10)

        dripping = asyncio.create_task(drip())
        answer = await client.rest()
        dripping.cancel()
        assert answer.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in answer


async def test_the_next_head_on_a_connection_has_no_more_time() -> None:
    async with served(App(), Limits(request_s=SHORT_S, idle_s=LONG_S)) as running:
        client = await running.client()
        assert b" 200 " in await client.asks()
        client.send(GET[:10])
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_never_comes_is_given_up() -> None:
    async with served(App(), Limits(request_s=SHORT_S, idle_s=LONG_S)) as running:
        client = await running.client()
        assert b" 200 " in await client.asks(b"POST / HTTP/1.1\r\nHost: air\r\nContent-Length: 9\r\n\r\n12")
        assert await client.rest() == b""


async def test_who_says_nothing_is_told_nothing() -> None:
    """A browser connects ahead of need and would take an answer for that of its first request."""
    async with served(App(), Limits(request_s=SHORT_S)) as running:
        assert await (await running.client()).rest() == b""


async def test_an_idle_connection_is_closed() -> None:
    async with served(App(), Limits(request_s=LONG_S, idle_s=SHORT_S)) as running:
        client = await running.client()
        assert b" 200 " in await client.asks()
        assert await client.rest() == b""


async def test_a_taken_connection_knows_no_times() -> None:
    app = App()
    async with served(app, Limits(request_s=SHORT_S, idle_s=SHORT_S, stall_s=SHORT_S)) as running:
        client = await running.client()
        client.send(GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n"))  # whose body never comes
        _, descriptor = await app.handed.get()
        await asyncio.sleep(SHORT_S * 3)  # time itself is what must not matter
        assert app.ends.empty()
        os.close(descriptor)


async def test_too_large_a_head_is_refused() -> None:
    async with served(App(), Limits(head_bytes=1000)) as running:
        client = await running.client()
        client.send(b"GET / HTTP/1.1\r\nHost: air\r\nCookie: " + b"x" * 2000)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "request_", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/9.9.9\r\n\r\n", b"\r\n" * 9]
)
async def test_what_is_no_request_is_refused(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Without a word in the log, which anybody could fill."""
    async with served(App()) as running:
        client = await running.client()
        client.send(request_ + b"noise\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert caplog.records == []


async def test_who_reads_no_answer_is_given_up() -> None:
    """The kernel does it (TCP_USER_TIMEOUT), since nobody else knows whether anything is read."""
    app = App()
    async with served(app, Limits(request_s=LONG_S, idle_s=LONG_S, stall_s=SHORT_S)) as running:
        client = await running.client()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(300_000):
            client.send(b"GET / HTTP/1.1\r\nHost: air\r\n\r\n")

        async def gone() -> None:
            while running.server.server_state.connections:
                await asyncio.sleep(SHORT_S)

        await asyncio.wait_for(gone(), 10)


async def test_beyond_the_limit_those_that_wait_make_room() -> None:
    """The oldest first: who only holds connections open keeps nobody from being served."""
    app = App()
    async with served(app, Limits(connections=4)) as running:
        viewer = await running.client()
        viewer.send(GET)
        _, descriptor = await app.handed.get()
        idle = [await running.client() for _ in range(3)]
        assert b" 200 " in await idle[0].asks()
        newcomer = await running.client()
        assert b" 200 " in await newcomer.asks()
        assert await idle[1].rest() == b""
        assert b" 200 " in await idle[0].asks()
        assert app.ends.empty()
        os.close(descriptor)


async def test_when_everybody_is_served_another_is_asked_to_come_back() -> None:
    app = App()
    async with served(app, Limits(connections=2)) as running:
        for _ in range(2):
            (await running.client()).send(GET)
            os.close((await app.handed.get())[1])
        assert (await (await running.client()).rest()).startswith(b"HTTP/1.1 503 ")


async def test_ten_thousand_idle_connections_keep_nobody_from_being_served() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard // 2 - 200)  # of which both ends are in this process
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        async with served(App(), Limits(request_s=LONG_S)) as running:
            for _ in range(count):
                await running.client()
            assert b" 200 " in await (await running.client()).asks()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """The process may open that many more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 60
    top = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (top + few, hard))
    yield few
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_running_out_of_descriptors_is_survived(few_descriptors: int, caplog: pytest.LogCaptureFixture) -> None:
    """Something else has them all: connections that wait are closed for new ones, and the log has a line."""
    async with served(App()) as running:
        idle = [await running.client() for _ in range(few_descriptors // 4)]
        taken = []
        while True:
            try:
                taken.append(os.dup(0))
            except OSError:
                break
        os.close(taken.pop())  # for the client's end of the connection
        late = asyncio.create_task(running.client())
        assert await idle[0].rest() == b""
        assert b" 200 " in await asyncio.wait_for((await late).asks(), 5)
        for descriptor in taken:
            os.close(descriptor)
        assert len([record for record in caplog.records if record.name in ("air.http", "asyncio")]) == 1
