"""Switches ordered for a time, as a control plane orders them: early, late, twice, and without seeing the answer."""

from __future__ import annotations

import time

import grpc
import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import PROTOCOL_VIOLATION, REJECTED_BUSY, Client, expect, refused
from tests.e2e.host import Listener, wait_until
from tests.e2e.monitor import Monitor
from tests.e2e.packets import Stream
from tests.e2e.server import judged

BARS, BLACK = "pattern:bars", "pattern:black"
FRAME_MS = 1001 / 30


def in_ms(ahead_ms: int) -> int:
    """A boundary so many milliseconds from now."""
    return int(time.time() * 1000) + ahead_ms


@pytest.fixture
def on_air(client: Client) -> Client:
    """A control plane of a channel that shows black."""
    client.start()
    client.take(BLACK)
    return client


def test_an_order_for_a_boundary_is_answered_at_once_and_kept(on_air: Client) -> None:
    """PR-1, L-12: the answer comes before the cut, which falls on the first tick at or after the time."""
    client = on_air
    client.load(BARS)
    target = in_ms(700)
    with Monitor(client.target) as monitor:
        armed = expect(client.SwitchToLive(channel_id=1, target_boundary_time_ms=target, issued_at_time_ms=1))
        assert armed.switch_completion_time_ms == 0
        assert monitor.status().live_asset == BLACK and monitor.preview() == "armed"
        assert in_ms(0) < target
        assert wait_until(lambda: monitor.status().live_asset == BARS)
        # 150 ms: of the asking, on a busy machine.
        assert 0 <= in_ms(0) - target < FRAME_MS + 150


def test_while_a_boundary_is_awaited_nothing_is_loaded(on_air: Client) -> None:
    """CS-9: and what was armed is what airs."""
    client = on_air
    client.load(BARS)
    expect(client.SwitchToLive(channel_id=1, target_boundary_time_ms=in_ms(300)))
    refused(client.LoadPreview(channel_id=1, asset_path=BLACK), REJECTED_BUSY)
    with Monitor(client.target) as monitor:
        assert wait_until(lambda: monitor.status().live_asset == BARS)
    client.load(BLACK)


def test_a_late_order_means_now(on_air: Client) -> None:
    """CS-12, PR-1."""
    on_air.load(BARS)
    late = expect(on_air.SwitchToLive(channel_id=1, target_boundary_time_ms=in_ms(-5000)))
    assert late.live_start_pts > 0
    with Monitor(on_air.target) as monitor:
        assert wait_until(lambda: monitor.status().live_asset == BARS, 0.5)


def test_a_plain_switch_overtakes_an_armed_one_and_a_stop_cancels_it(on_air: Client) -> None:
    """PR-1, SW-19."""
    client = on_air
    client.load(BARS)
    expect(client.SwitchToLive(channel_id=1, target_boundary_time_ms=in_ms(60_000)))
    expect(client.SwitchToLive(channel_id=1))
    refused(client.SwitchToLive(channel_id=1), PROTOCOL_VIOLATION)
    client.load(BLACK)
    expect(client.SwitchToLive(channel_id=1, target_boundary_time_ms=in_ms(300)))
    expect(client.StopChannel(channel_id=1))
    client.start()
    client.take(BARS)
    time.sleep(0.5)  # over the boundary that was cancelled
    with Monitor(client.target) as monitor:
        assert monitor.status().live_asset == BARS


def test_orders_that_come_twice_or_whose_answer_is_lost_make_one_switch(server: AirServer) -> None:
    """CS-12, SW-6: each order is sent three times, one of them by a client that is gone before the answer."""
    client = server.client
    with Listener() as listener, Monitor(server.target) as monitor:
        client.start()
        client.attach(listener.endpoint)
        client.take(BLACK)
        for asset in (BARS, BLACK, BARS):
            client.load(asset)
            target = in_ms(400)
            for timeout in (6, 0.001, 6):
                try:
                    reply = client.SwitchToLive(channel_id=1, target_boundary_time_ms=target, timeout=timeout)
                    assert reply.success, reply.message
                except grpc.RpcError as error:
                    assert timeout < 1, error
            assert wait_until(lambda asset=asset: monitor.status().live_asset == asset)  # type: ignore[misc]
            refused(client.SwitchToLive(channel_id=1), PROTOCOL_VIOLATION)
        data = listener.read_for(0.5)
    assert Stream(data).continuity_faults() == []
    assert judged(data).is_clean


def test_live_start_pts_is_the_first_new_pictures(client: Client) -> None:
    """SW-16: and it is one of the stream's."""
    client.start()
    with Listener() as listener:
        client.attach(listener.endpoint)
        client.take(BLACK)
        data = listener.read_for(0.5)
        pts = client.take(BARS).live_start_pts
        data += listener.read_for(1)
    assert pts in [pes.pts for pes in Stream(data).video]


def test_primed_previews_go_on_air_at_once(client: Client) -> None:
    """SW-13, SW-15, CS-18: 100 ms by contract; here half a second, because the machine is busy."""
    client.start()
    client.take(BLACK)
    with Monitor(client.target) as monitor, client.connection() as connection:
        for number in range(20):
            client.load((BARS, BLACK)[number % 2])
            assert wait_until(lambda: monitor.preview() == "cued")
            began = time.monotonic()
            expect(client.over(connection, "SwitchToLive", channel_id=1))
            assert time.monotonic() - began < 0.5
