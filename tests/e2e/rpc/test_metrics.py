"""What monitoring systems see of `air-server`, read by Prometheus' own parser."""

from __future__ import annotations

import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from air_py import metrics
from tests.channels import on_air
from tests.e2e.air_server import AirServer
from tests.e2e.host import Listener, wait_until

OF_NO_CHANNEL = ("air_info", "playout_control_")
"""Metrics that are about the process begin so."""
WRITTEN = ("output_bytes_written_total", "7")


def got(server: AirServer, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}{path}", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def families(server: AirServer) -> list[Metric]:
    return list(text_string_to_metric_families(got(server, "/metrics")))


def samples(server: AirServer) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values."""
    return {(it.name, *it.labels.values()): it.value for family in families(server) for it in family.samples}


def counts(server: AirServer) -> dict[tuple[str, ...], float]:
    """Those that must never fall."""
    named = (family for family in families(server) if family.type in ("counter", "histogram"))
    return {(it.name, *it.labels.values()): it.value for family in named for it in family.samples}


def test_a_scrape_follows_a_channel_and_no_count_ever_falls() -> None:
    """TM-2, TM-3: over a stop and a new start of the same channel too, and over another reader."""

    def scrapes() -> Iterator[dict[tuple[str, ...], float]]:
        before: dict[tuple[str, ...], float] = {}
        while True:
            now = counts(server)
            assert all(now[name] >= count for name, count in before.items())
            yield (before := now)

    def state() -> float:
        return samples(server)["retrovue_playout_channel_state", "7"]

    def has_written(more_than: float) -> bool:
        return next(scrape)[WRITTEN] > more_than

    with AirServer() as server, Listener() as reader:
        scrape = scrapes()
        assert WRITTEN not in next(scrape)
        for run in (1, 2):
            server.client.start(7)
            assert state() == 1
            server.client.attach(reader.endpoint, 7)
            server.client.take("pattern:bars", 7)
            assert wait_until(lambda: state() == 2, 1), "TM-2: a change shows within a second"
            assert wait_until(partial(has_written, next(scrape)[WRITTEN] + 20_000), 10)
            server.client.StopChannel(channel_id=7)
            assert state() == 0
            assert next(scrape)["playout_control_call_latency_ms_count", "StopChannel"] == run
        last = next(scrape)
        assert last["playout_control_state_transition_total", "vacant", "rolling"] == 2
        assert [name for name in last if name[0] == "air_judge_findings_total"] == []


def test_the_server_and_the_fan_out_mean_the_same_by_the_same_name() -> None:
    """TM-2: and every channel metric has its channel."""
    with AirServer() as server:
        server.client.start(7)
        served = families(server)
    known = {it.name: it for it in text_string_to_metric_families(metrics.text([on_air()], metrics.Totals(), 0))}
    common = [(it, known[it.name]) for it in served if it.name in known]
    assert len(common) > 12
    assert [(it.name, it.documentation, it.type) for it, _ in common] == [
        (it.name, it.documentation, it.type) for _, it in common
    ]
    for family in served:
        assert family.documentation and family.samples, family.name
        if not family.name.startswith(OF_NO_CHANNEL):
            assert all(sample.labels["channel"] == "7" for sample in family.samples), family.name


def test_health_is_told_while_the_server_serves() -> None:
    with AirServer() as server:
        assert got(server, "/healthz") == "ok\n"
        for path in ("/", "/metric"):
            try:
                got(server, path)
            except urllib.error.HTTPError as error:
                assert error.code == 404
            else:
                raise AssertionError(path)


def test_a_metrics_port_that_is_taken_stops_nothing() -> None:
    """TM-1: the contract says how long a scrape may take."""
    with AirServer() as first, AirServer("--metrics-port", str(first.metrics_port)) as second:
        began = time.monotonic()
        got(first, "/metrics")
        assert time.monotonic() - began < 0.1
        second.client.start()
        assert re.search(r"no metrics on 127\.0\.0\.1:\d+", second.log)
        assert second.terminate(signal.SIGTERM)[0] == 0
