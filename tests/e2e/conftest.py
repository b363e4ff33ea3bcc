"""What tests may ask for by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from air_py import Engine, IsolatedEngine
from tests.e2e.host import engines_of


@pytest.fixture(params=[Engine, IsolatedEngine], ids=["in process", "isolated"])
def both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test's engines are in its process, and then each in its own: a host sees no difference."""
    with engines_of(request.param):
        yield
