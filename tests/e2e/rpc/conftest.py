"""A server that answers, for tests that need no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import Client


@pytest.fixture
def server() -> Iterator[AirServer]:
    """A server on a Unix socket, for one channel."""
    with AirServer() as server:
        yield server


@pytest.fixture
def client(server: AirServer) -> Client:
    """A control plane of it."""
    return server.client
