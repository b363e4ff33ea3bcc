"""A connection that an application takes over, on the wire."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

import pytest

from serving import GET, App, Served, served

pytestmark = pytest.mark.usefixtures("no_leak")

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n"
PACKETS = b"\x47" * 188 * 20


async def test_what_the_application_writes_arrives_as_it_is() -> None:
    """FO-6: no chunks, no length."""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET)
        _, descriptor = await app.handed.get()
        with socket.socket(fileno=descriptor) as connection:
            connection.sendall(HEAD + PACKETS)
            assert await client.read(len(HEAD + PACKETS)) == HEAD + PACKETS
            app.leave.set()
            assert await client.rest() == b""


async def test_the_socket_is_ready_for_native_code() -> None:
    """FO-2: a viewer that does not read blocks nobody, and small writes leave at once."""
    app = App()
    async with served(app) as running:
        (await running.client()).send(GET)
        _, descriptor = await app.handed.get()
        with socket.socket(fileno=descriptor) as connection:
            assert not os.get_blocking(descriptor)
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("end", ["fin", "rst"])
async def test_a_viewer_who_goes_is_missed_at_once(end: str) -> None:
    """TD-1: the viewer is gone when the connection is, in whichever way."""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET)
        _, descriptor = await app.handed.get()
        if end == "rst":
            linger = struct.pack("ii", 1, 0)
            client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.writer.close()
        assert await asyncio.wait_for(app.ends.get(), 1) == "http.disconnect"
        os.close(descriptor)


async def test_native_code_ends_a_viewer_by_shutting_the_socket_down() -> None:
    """FO-2"""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET)
        _, descriptor = await app.handed.get()
        with socket.socket(fileno=descriptor) as connection:
            connection.sendall(PACKETS)
            connection.shutdown(socket.SHUT_RDWR)
        assert await asyncio.wait_for(app.ends.get(), 1) == "http.disconnect"
        assert await client.rest() == PACKETS


async def test_the_application_ends_the_connection_whoever_else_has_it_open() -> None:
    """TD-2"""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET)
        hand_over, descriptor = await app.handed.get()
        hand_over.end()
        hand_over.end()
        assert await client.rest() == b""
        assert await asyncio.wait_for(app.ends.get(), 1) == "http.disconnect"
        os.close(descriptor)


async def test_a_connection_is_taken_once_and_not_when_it_is_gone() -> None:
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET)
        hand_over, descriptor = await app.handed.get()
        with pytest.raises(ConnectionError):
            hand_over.take()
        client.writer.close()
        await app.ends.get()
        with pytest.raises(ConnectionError):
            hand_over.take()
        hand_over.end()
        os.close(descriptor)


async def test_what_a_viewer_goes_on_to_say_is_not_answered() -> None:
    """Neither pipelined requests nor noise are, and neither hides that the viewer goes."""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET + GET + b"\x00noise")
        _, descriptor = await app.handed.get()
        client.send(b"more noise" * 50_000)
        with socket.socket(fileno=descriptor) as connection:
            connection.sendall(PACKETS)
            assert await client.read(len(PACKETS)) == PACKETS
        client.writer.close()
        assert await asyncio.wait_for(app.ends.get(), 1) == "http.disconnect"
        assert app.handed.empty()


async def test_a_connection_kept_alive_can_be_taken_by_a_later_request() -> None:
    app = App()
    async with served(app) as running:
        client = await running.client()
        assert b" 200 " in await client.asks()
        client.send(b"GET / HTTP/1.1\r\nHost: air\r\n\r\n" + GET)  # pipelined
        assert b" 200 " in await client.head() and await client.read(5) == b"hello"
        _, descriptor = await app.handed.get()
        with socket.socket(fileno=descriptor) as connection:
            connection.sendall(PACKETS)
        app.leave.set()
        assert await client.rest() == PACKETS


@pytest.mark.parametrize(
    "request_", [GET.replace(b"1.1", b"1.0"), GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")]
)
async def test_old_and_closing_clients_get_the_stream_too(request_: bytes) -> None:
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(request_)
        _, descriptor = await app.handed.get()
        with socket.socket(fileno=descriptor) as connection:
            connection.sendall(HEAD + PACKETS)
        app.leave.set()
        assert await client.rest() == HEAD + PACKETS


@pytest.mark.parametrize("method", [b"HEAD", b"POST"])
async def test_only_a_get_can_be_taken(method: bytes) -> None:
    """FO-5: HEAD is answered as ever, and the connection stays."""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET.replace(b"GET", method))
        head = await client.head()
        assert b" 200 " in head and b"content-length: 5" in head.lower()
        if method == b"POST":
            assert await client.read(5) == b"hello"
        assert b" 200 " in await client.asks()
        assert app.handed.empty()


async def test_a_taken_connection_does_not_hold_the_servers_end_up() -> None:
    """TD-2, TD-8, and not a word is written into the stream."""
    app = App()
    async with served(app) as running:
        client = await running.client()
        client.send(GET)
        _, descriptor = await app.handed.get()
        with socket.socket(fileno=descriptor) as connection:
            connection.sendall(PACKETS)
            await stop(running)
            assert await client.rest() == PACKETS


async def stop(running: Served) -> None:
    running.server.end()
    while running.server.server_state.tasks:
        await asyncio.sleep(0.01)  # The server's own loop looks every 0.1 s.
