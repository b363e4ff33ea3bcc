"""What a server says of itself: health, and a description that is enough to call it by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import RPCS, SERVICE, Client, expect, format_json, stubs
from tests.e2e.host import Listener
from tests.e2e.server import judged
from tests.e2e.test_sink import assert_starts_clean


@pytest.fixture(scope="module")
def server() -> Iterator[AirServer]:
    """One server for all."""
    with AirServer(tcp=True) as server:
        yield server


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_says_serving(service: str, server: AirServer) -> None:
    """For probes of orchestrators: the process as a whole, and the service."""
    with server.client.connection() as connection:
        health = health_pb2_grpc.HealthStub(connection)
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as error:
            health.Check(health_pb2.HealthCheckRequest(service="no.such"), timeout=5)
        assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_it_describes_itself_as_the_contract_does(server: AirServer) -> None:
    """PR-1: every field of every message, by number, name and type, of a proto that was written apart."""
    with server.client.connection() as connection:
        found = DescriptorPool(ProtoReflectionDescriptorDatabase(connection)).FindFileContainingSymbol(SERVICE)
        described = FileDescriptorProto.FromString(found.serialized_pb)
    ours = FileDescriptorProto.FromString(stubs()[0].DESCRIPTOR.serialized_pb)
    assert described.package == ours.package
    assert facts(described) == facts(ours)


def facts(file: FileDescriptorProto) -> dict[str, Any]:
    """What crosses the wire, in any order of writing."""
    messages = {
        message.name: {(field.number, field.name, field.type, field.label, field.type_name) for field in message.field}
        for message in file.message_type
    }
    enums = {enum.name: {(value.number, value.name) for value in enum.value} for enum in file.enum_type}
    rpcs = {(rpc.name, rpc.input_type, rpc.output_type) for service in file.service for rpc in service.method}
    extensions = {(field.number, field.name, field.extendee) for field in file.extension}
    return {"messages": messages, "enums": enums, "rpcs": rpcs, "extensions": extensions}


class Reflected(Client):
    """A client that knows nothing of the interface but what the server says: as grpcurl does it."""

    def __init__(self, target: str) -> None:
        self.target = target
        with self.connection() as connection:
            pool = DescriptorPool(ProtoReflectionDescriptorDatabase(connection))
            self.service = pool.FindServiceByName(SERVICE)
            self.classes = {
                method.name: (GetMessageClass(method.input_type), GetMessageClass(method.output_type))
                for method in self.service.methods
            }

    def over(self, channel: grpc.Channel, rpc: str, *, timeout: float = 6, **fields: Any) -> Any:
        request, response = self.classes[rpc]
        call = channel.unary_unary(f"/{SERVICE}/{rpc}", request.SerializeToString, response.FromString)
        return call(request(**fields), timeout=timeout)


def test_a_client_by_reflection_alone_plays(server: AirServer) -> None:
    """PR-1, CS-1, MX-1: the order of a control plane's calls, each a success the first time."""
    client = Reflected(server.target)
    assert {method.name for method in client.service.methods} == set(RPCS)
    assert client.GetVersion().version == "1.0.0"
    with Listener() as listener, client.channel(1, format_json(640, 360, "30/1")):
        expect(client.UpdatePlan(channel_id=1, plan_handle="plan"))
        client.load("pattern:bars")
        client.attach(listener.endpoint)
        switched = expect(client.SwitchToLive(channel_id=1))
        assert switched.pts_contiguous and switched.live_start_pts == 90_000
        data = listener.read_for(2)
        expect(client.DetachStream(channel_id=1))
        data += listener.read_to_end()
    assert_starts_clean(data)
    assert judged(data).is_clean
