"""The listening end of a stream, with a plain socket in the engine's place."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from air_py import StreamReader, StreamTransport

pytestmark = pytest.mark.usefixtures("no_leak")

BOTH = pytest.mark.parametrize("make", [StreamReader.unix, StreamReader.tcp], ids=["unix", "tcp"])
Make = Callable[..., StreamReader]


def packets(count: int) -> bytes:
    return b"".join(b"\x47" + number.to_bytes(4, "big") + bytes(183) for number in range(count))


def connect(reader: StreamReader) -> socket.socket:
    if reader.transport is StreamTransport.UNIX_DOMAIN_SOCKET:
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(reader.endpoint)
        return peer
    host, port = reader.endpoint.split(":")
    return socket.create_connection((host, int(port)))


@BOTH
@pytest.mark.parametrize("piece", [1, 187, 188, 189, 1316, 1880, 65536])
def test_chunks_are_whole_packets_whatever_the_pieces(make: Make, piece: int) -> None:
    """FO-6"""
    stream = packets(500)
    with make() as reader, connect(reader) as peer:
        writer = threading.Thread(target=send_in_pieces, args=(peer, stream, piece))
        writer.start()
        chunks = list(reader)
        writer.join()
    assert b"".join(chunks) == stream
    assert all(chunk and len(chunk) % 188 == 0 and len(chunk) <= 65536 for chunk in chunks)


async def settle() -> None:
    """Lets tasks run until they wait; no time passes."""
    for _ in range(5):
        await asyncio.sleep(0)


def send_in_pieces(peer: socket.socket, stream: bytes, piece: int) -> None:
    for start in range(0, len(stream), piece):
        peer.sendall(stream[start : start + piece])
    peer.shutdown(socket.SHUT_RDWR)


@BOTH
async def test_async_iteration_gives_the_same(make: Make) -> None:
    stream = packets(500)
    async with make() as reader:
        with connect(reader) as peer:
            sending = asyncio.ensure_future(asyncio.to_thread(send_in_pieces, peer, stream, 1000))
            chunks = [chunk async for chunk in reader]
            await sending
    assert b"".join(chunks) == stream
    assert all(chunk and len(chunk) % 188 == 0 for chunk in chunks)


def test_a_torn_last_packet_is_left_out() -> None:
    with StreamReader.unix() as reader, connect(reader) as peer:
        peer.sendall(packets(3)[:-1])
        peer.close()
        assert b"".join(reader) == packets(2)


def test_the_end_is_the_end_for_good() -> None:
    with StreamReader.unix() as reader:
        connect(reader).close()
        assert list(reader) == [] and list(reader) == []


def test_a_reset_connection_is_an_end() -> None:
    with StreamReader.tcp() as reader:
        peer = connect(reader)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        assert list(reader) == []


@BOTH
def test_an_engine_that_never_connects_is_a_timeout(make: Make) -> None:
    with make(accept_timeout=0.01) as reader, pytest.raises(TimeoutError, match="nobody connected"):
        next(reader)


@BOTH
async def test_an_engine_that_never_connects_is_a_timeout_async(make: Make) -> None:
    async with make(accept_timeout=0.01) as reader:
        with pytest.raises(TimeoutError, match="nobody connected"):
            await anext(reader)


@BOTH
@pytest.mark.parametrize("connected", [False, True])
def test_closing_from_another_thread_ends_iteration(make: Make, connected: bool) -> None:
    for _ in range(20):
        reader = make()
        peer = connect(reader) if connected else None
        chunks: list[bytes] = []
        iterating = threading.Thread(target=chunks.extend, args=(reader,))
        iterating.start()
        reader.close()
        iterating.join(5)
        assert not iterating.is_alive() and chunks == []
        if peer is not None:
            peer.close()


@BOTH
async def test_closing_on_the_loop_ends_async_iteration(make: Make) -> None:
    reader = make()
    waiting = asyncio.ensure_future(anext(reader, b"end"))
    await settle()
    reader.close()
    assert await waiting == b"end"


@BOTH
async def test_cancellation_is_honoured_and_the_stream_goes_on_after_it(make: Make) -> None:
    async with make() as reader:
        with connect(reader) as peer:
            waiting = asyncio.ensure_future(anext(reader))
            await settle()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            peer.sendall(packets(2))
            assert await anext(reader) == packets(2)


async def test_a_burst_does_not_keep_the_loop_from_other_tasks() -> None:
    async with StreamReader.unix() as reader:
        with connect(reader) as peer:
            turns: list[None] = []
            asyncio.get_running_loop().call_soon(turns.append, None)
            peer.sendall(packets(3))
            assert await anext(reader) == packets(3)
            assert turns


def test_a_private_socket_is_private_and_removed() -> None:
    reader = StreamReader.unix()
    directory = os.path.dirname(reader.endpoint)
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    assert len(reader.endpoint) < 108
    reader.close()
    reader.close()
    assert not os.path.exists(directory)


def test_a_named_socket_is_removed_and_its_directory_kept(tmp_path: Path) -> None:
    path = tmp_path / "air.sock"
    with StreamReader.unix(path) as reader:
        assert reader.endpoint == str(path) and path.is_socket()
        with pytest.raises(OSError):
            StreamReader.unix(path)
        assert path.is_socket()
    assert list(tmp_path.iterdir()) == []


def test_a_path_too_long_for_a_socket_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """TR-5"""
    with pytest.raises(OSError, match="too long"):
        StreamReader.unix(tmp_path / ("x" * 108))
    assert list(tmp_path.iterdir()) == []


def test_only_one_connection_is_taken() -> None:
    with StreamReader.tcp() as reader, connect(reader) as peer:
        peer.sendall(packets(1))
        assert next(reader) == packets(1)
        with pytest.raises(ConnectionRefusedError):
            connect(reader)
