"""Leaks are failures: every test must leave as many descriptors and threads as it found."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_leak() -> Iterator[None]:
    """The test must leave no descriptor and no thread behind."""
    gc.collect()
    before = _descriptors(), _threads()
    yield
    gc.collect()
    assert (_descriptors(), _threads()) == before


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _threads() -> set[str]:
    # The log's thread lives as long as the process; the pool's are asyncio's own to keep.
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith(("air-log", "asyncio_"))}
