"""What the log of `air-server` says, in the words that operators of RetroVue look for."""

from __future__ import annotations

import json

from tests.e2e.air_server import AirServer
from tests.e2e.host import Listener, wait_until
from tests.media import Clip, make

SILENCE = "INV-P9-AUDIO-LIVENESS: injecting_silence"
BACKPRESSURE = "INV-P10-BACKPRESSURE"


def test_silence_is_told_when_it_begins_and_when_it_ends() -> None:
    """MX-12: a segment ends, and another follows; each is one line, however many ticks it lasts."""
    with AirServer() as server:
        server.client.start(7)
        server.client.take(make(Clip(seconds=1)), 7)
        assert wait_until(lambda: f"{SILENCE} started" in server.log, 10)
        assert f"{SILENCE} ended" not in server.log
        server.client.take("pattern:bars", 7)
        assert wait_until(lambda: f"{SILENCE} ended" in server.log, 10)
        lines = [line for line in server.log.splitlines() if SILENCE in line]
    assert len(lines) == 2 and all("channel=7" in line for line in lines), lines


def test_a_reader_that_stops_is_told_of_and_so_is_its_coming_back() -> None:
    """TR-11: as JSON; the thread's name says which channel it is about. Nobody is ever called back (TD-4)."""
    with AirServer("--log-format", "json", "--log-level", "debug") as server, Listener() as reader:
        server.client.start(7)
        server.client.attach(reader.endpoint, 7)
        server.client.take("pattern:bars", 7)
        assert wait_until(lambda: f"{BACKPRESSURE}: applied" in server.log, 30), "its socket has room for some seconds"
        assert wait_until(lambda: bool(reader.read_for(0.2)) and f"{BACKPRESSURE}: released" in server.log, 10)
        records = [json.loads(line) for line in server.log.splitlines()]
    told = [record for record in records if BACKPRESSURE in record["message"]]
    assert len(told) == 2 and all(record["threadName"].startswith("air-ch7") for record in told), told
    assert not any("reconnect" in record["message"] for record in records)
