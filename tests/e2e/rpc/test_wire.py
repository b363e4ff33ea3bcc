"""Every message as the bytes that cross the wire, written by hand from the contract's field numbers."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import RPCS, SERVICE, SMALL, UDS, Client
from tests.e2e.host import Listener

PATH = b"/tmp/air.sock"
REQUESTS: list[tuple[str, dict[str, Any], bytes]] = [
    (
        "StartChannel",
        {"channel_id": 1, "plan_handle": "plan", "port": 50051, "program_format_json": "{}"},
        b"\x08\x01"  # 1 channel_id
        b"\x12\x04plan"  # 2 plan_handle
        b"\x18\x83\x87\x03"  # 3 port
        b"\x52\x02{}",  # 10 program_format_json
    ),
    ("UpdatePlan", {"channel_id": 300, "plan_handle": "b"}, b"\x08\xac\x02\x12\x01b"),
    ("StopChannel", {"channel_id": -1}, b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ("GetVersion", {}, b""),
    (
        "LoadPreview",
        {"channel_id": 1, "asset_path": "/a", "start_offset_ms": 1500, "hard_stop_time_ms": 1 << 40},
        b"\x08\x01"  # 1 channel_id
        b"\x12\x02/a"  # 2 asset_path
        b"\x18\xdc\x0b"  # 3 start_offset_ms
        b"\x20\x80\x80\x80\x80\x80\x20",  # 4 hard_stop_time_ms
    ),
    (
        "SwitchToLive",
        {"channel_id": 1, "target_boundary_time_ms": 1 << 40, "issued_at_time_ms": 2},
        b"\x08\x01"  # 1 channel_id
        b"\x10\x80\x80\x80\x80\x80\x20"  # 2 target_boundary_time_ms
        b"\x18\x02",  # 3 issued_at_time_ms
    ),
    (
        "AttachStream",
        {"channel_id": 1, "transport": 2, "endpoint": "127.0.0.1:9000", "replace_existing": True},
        b"\x08\x01"  # 1 channel_id
        b"\x10\x02"  # 2 transport: TCP_LOOPBACK
        b"\x1a\x0e127.0.0.1:9000"  # 3 endpoint
        b"\x20\x01",  # 4 replace_existing
    ),
    ("DetachStream", {"channel_id": 1, "force": True}, b"\x08\x01\x10\x01"),
]
UNKNOWN = b"\xa0\x1f\x07\xaa\x1f\x05later"
"""Fields 500, a number, and 501, a text: of a proto that is yet to come."""


@pytest.mark.parametrize(("rpc", "fields", "golden"), REQUESTS, ids=[rpc for rpc, *_ in REQUESTS])
def test_a_request_of_generated_stubs_has_the_contracts_bytes(rpc: str, fields: dict[str, Any], golden: bytes) -> None:
    """PR-1."""
    assert Client("").request(rpc, **fields).SerializeToString() == golden


def test_answers_carry_the_contracts_fields(server: AirServer) -> None:
    """PR-1, PR-2, SW-16: requests are the bytes above, and answers are read without stubs."""
    text = SMALL.encode()
    start = b"\x08\x01\x12\x04plan\x52" + bytes([len(text)]) + text
    with Listener() as listener:
        path = listener.endpoint.encode()
        attach = b"\x08\x01\x10\x01\x1a" + bytes([len(path)]) + path
        asked: dict[str, tuple[bytes, dict[int, Any]]] = {
            "GetVersion": (b"", {1: b"1.0.0"}),
            "StartChannel": (start, {1: True, 2: b"channel started"}),
            "UpdatePlan": (b"\x08\x01", {1: True, 2: b"plan accepted"}),
            "LoadPreview": (b"\x08\x01\x12\x0cpattern:bars", {1: True, 2: b"preview loaded", 3: True, 4: 1}),
            "AttachStream": (attach, {1: True, 2: b"attached", 3: UDS, 4: path}),
            "SwitchToLive": (b"\x08\x01", {1: True, 2: b"preview taken", 3: True, 4: 90_000, 5: 1, 6: ...}),
            "DetachStream": (b"\x08\x01", {1: True, 2: b"detached"}),
            "StopChannel": (b"\x08\x01", {1: True, 2: b"channel stopped"}),
        }
        assert set(asked) == set(RPCS)
        for rpc, (request, answer) in asked.items():
            fields = read(raw(server.client, rpc, request))
            assert fields.keys() == answer.keys(), rpc
            assert all(value in (..., fields[number]) for number, value in answer.items()), (rpc, fields)


def test_a_refusal_says_so_in_bytes(client: Client) -> None:
    """PR-1, CS-6, CS-13: false is absent, as proto3 has it; the code is field 4 or 5."""
    loading = read(raw(client, "LoadPreview", b"\x08\x01\x12\x02/a"))
    assert loading.keys() == {2, 4} and loading[4] == 4
    switching = read(raw(client, "SwitchToLive", b"\x08\x01"))
    assert switching.keys() >= {2, 5} and switching[5] == 4 and 1 not in switching


def test_fields_that_nobody_knows_yet_are_passed_over(client: Client) -> None:
    """PR-3."""
    client.start()
    assert read(raw(client, "GetVersion", UNKNOWN)) == {1: b"1.0.0"}
    for rpc, request in {"LoadPreview": b"\x08\x01\x12\x0cpattern:bars", "SwitchToLive": b"\x08\x01"}.items():
        assert read(raw(client, rpc, UNKNOWN + request + UNKNOWN))[1] == 1


@pytest.mark.parametrize("rpc", RPCS)
def test_a_message_without_any_field_is_an_answerable_one(rpc: str, client: Client) -> None:
    """PR-3: all defaults: channel 0, no text."""
    fields = read(raw(client, rpc, b""))
    assert fields[1 if rpc == "GetVersion" else 2]
    assert client.is_answered()


@pytest.mark.parametrize("request_bytes", [b"\x08", b"\x12\xff\xff\xff\xff\x0fx", b"\x12\x02\xff\xfe", b"\x00" * 9])
def test_bytes_that_are_no_message_are_an_error_of_the_call(request_bytes: bytes, client: Client) -> None:
    """CS-13, R-19: the one case for a gRPC status; the server lives on."""
    with pytest.raises(grpc.RpcError) as error:
        raw(client, "LoadPreview", request_bytes)
    assert error.value.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT)
    assert client.is_answered()


def raw(client: Client, rpc: str, request: bytes) -> bytes:
    """Sends bytes and gives those that are answered."""
    with client.connection() as channel:
        answer: bytes = channel.unary_unary(f"/{SERVICE}/{rpc}")(request, timeout=6)
        return answer


def read(message: bytes) -> dict[int, int | bytes]:
    """The fields of a message by number: varints and texts."""
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        value, at = varint(message, at)
        if key & 7 == 2:
            fields[key >> 3], at = message[at : at + value], at + value
        else:
            assert key & 7 == 0, f"wire type {key & 7}"
            fields[key >> 3] = value
    return fields


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
