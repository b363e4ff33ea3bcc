"""Things handed on by those who must not wait."""

from __future__ import annotations

import threading

import pytest

from air_py.courier import Courier

pytestmark = pytest.mark.usefixtures("no_leak")


def test_things_are_delivered_in_order_and_before_the_end() -> None:
    delivered: list[tuple[int, int]] = []
    courier: Courier[int] = Courier("courier", lambda item, dropped: delivered.append((item, dropped)), 100)
    for item in range(50):
        courier.offer(item)
    courier.close(5)
    assert delivered == [(item, 0) for item in range(50)]


def test_what_is_too_much_is_dropped_and_counted_at_once() -> None:
    """L-44: who offers never waits, however stuck the delivery is."""
    delivered: list[tuple[int, int]] = []
    begun, gate = threading.Event(), threading.Event()

    def deliver(item: int, dropped: int) -> None:
        begun.set()
        gate.wait(5)
        delivered.append((item, dropped))

    courier = Courier("courier", deliver, 10)
    courier.offer(0)
    assert begun.wait(5)
    for item in range(1, 31):
        courier.offer(item)
    courier.close(0)  # It is stuck, and that is no reason to wait.
    gate.set()
    courier.close(5)
    assert delivered == [(0, 0), (1, 20), *((item, 0) for item in range(2, 11))]
