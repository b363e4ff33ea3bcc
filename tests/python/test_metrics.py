"""What is scraped, read by Prometheus' own parser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from air_py import metrics
from air_py.channel_status import ChannelState, ChannelStatus
from air_py.fanout import StreamFinding
from tests.channels import OFF, on_air

Samples = dict[tuple[str, ...], float]


def scraped(statuses: Iterable[ChannelStatus], totals: metrics.Totals | None = None, time_ms: int = 61_000) -> Samples:
    """Every sample by its name and its labels' values."""
    families = text_string_to_metric_families(metrics.text(statuses, totals or metrics.Totals(), time_ms))
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_a_scrape_says_what_the_status_says() -> None:
    """TM-1, TM-2."""
    finding = StreamFinding('check "with" \\ marks\n', "soft", 7)
    samples = scraped([on_air(late_ticks=5, held_frames=6, bytes_written=7, findings=(finding,))])
    assert samples["frames_late_total", "1"] == 5
    assert samples["air_held_frames_total", "1"] == 6
    assert samples["output_bytes_written_total", "1"] == 7  # the parser adds what newer formats ask for
    assert samples["air_viewers", "1"] == 2
    assert samples["air_stream_bits_per_second", "1"] == 4_000_000
    assert samples["retrovue_playout_channel_uptime_seconds", "1"] == 60
    assert samples["air_tune_in_milliseconds", "1", "0.95"] == 95
    assert samples["air_judge_findings_total", "1", 'check "with" \\ marks\n', "soft"] == 7


def test_every_family_has_a_type_and_says_what_it_is() -> None:
    """TM-1."""
    text = metrics.text([on_air()], metrics.Totals(), 0)
    families = list(text_string_to_metric_families(text))
    assert len(families) > 20
    assert all(family.documentation and family.type in ("counter", "gauge") for family in families)
    assert len({family.name for family in families}) == len(families)


def test_the_state_of_a_channel_is_a_number() -> None:
    """TM-3."""
    numbers = {ChannelState.OFF: 0, ChannelState.STARTING: 1, ChannelState.ON_AIR: 2, ChannelState.RESTARTING: 3}
    for state, number in numbers.items():
        assert scraped([replace(OFF, state=state)])["retrovue_playout_channel_state", "1"] == number


def test_a_channel_that_nobody_has_watched_has_its_counters_all_the_same() -> None:
    """TM-2: a counter that appears only with its first event is one whose first event no rate shows."""
    samples = scraped([OFF])
    assert samples["air_black_frames_total", "1"] == 0
    assert samples["air_viewers", "1"] == 0
    assert ("air_tune_in_last_milliseconds", "1") not in samples


def test_counters_go_on_from_one_engine_to_the_next() -> None:
    """TM-2: also while the channel is off, and when the next engine has already counted farther than the last."""
    totals = metrics.Totals()
    story = [
        (on_air(since_ms=1000, black_frames=3), 3),
        (on_air(since_ms=1000, black_frames=5), 5),
        (OFF, 5),
        (on_air(since_ms=9000, black_frames=8), 13),
        (replace(on_air(since_ms=9000, black_frames=1), engine_restarts=1), 14),
        (replace(on_air(since_ms=9000, black_frames=2), engine_restarts=1), 15),
    ]
    for status, expected in story:
        assert scraped([status], totals)["air_black_frames_total", "1"] == expected


def test_an_older_status_that_comes_late_changes_nothing() -> None:
    """TM-2: two scrapes at a time, one of which took its status before a viewer left and another came."""
    totals = metrics.Totals()
    late = on_air(since_ms=1000, black_frames=3)
    for status, expected in [
        (replace(late, on_air_since_ms=None), 0),  # still starting
        (on_air(since_ms=1000, black_frames=5), 5),
        (late, 5),
        (on_air(since_ms=9000, black_frames=1), 6),
        (late, 6),
        (on_air(since_ms=9000, black_frames=2), 7),
    ]:
        assert scraped([status], totals)["air_black_frames_total", "1"] == expected


def test_what_a_fan_out_counted_outlives_it_and_a_new_engine_does_not_count_it_twice() -> None:
    """TM-2."""
    totals = metrics.Totals()
    finding = StreamFinding("1.1 TS_sync_loss", "hard", 2)
    scraped([on_air(bytes_out=100, findings=(finding,))], totals)
    scraped([replace(on_air(bytes_out=150, findings=(finding,)), engine_restarts=1)], totals)
    samples = scraped([on_air(since_ms=9000, bytes_out=20)], totals)
    assert samples["air_viewer_bytes_total", "1"] == 170
    assert samples["air_judge_findings_total", "1", "1.1 TS_sync_loss", "hard"] == 2
