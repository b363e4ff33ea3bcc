"""What the interface for programs says, as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from air_py import __version__, api
from air_py.fanout import StreamFinding
from air_py.schedule import Airing
from tests.channels import HOUR_MS, OFF, channel, on_air


def test_a_channel_is_all_its_status_in_plain_values() -> None:
    finding = StreamFinding("2.3a PCR_repetition_error", "hard", 2)
    answer = json.loads(json.dumps(api.channels([OFF, on_air(late_ticks=5, findings=(finding,))], 42)))
    assert (answer["time_ms"], answer["version"]) == (42, __version__)
    off, on = answer["channels"]
    assert (off["state"], off["engine"], off["stream"]) == ("off", None, None)
    assert (on["state"], on["url"], on["viewers"]) == ("on_air", "/channels/1.ts", 2)
    assert on["engine"]["counters"]["late_ticks"] == 5
    assert on["stream"]["findings"] == [{"check": "2.3a PCR_repetition_error", "severity": "hard", "count": 2}]
    assert on["now"]["title"] == "Hour 0" and on["next"]["start_ms"] == HOUR_MS
    assert on["tune_ins"] == {"count": 4, "last_ms": 81, "p50_ms": 70, "p95_ms": 95}


def test_names_that_are_not_unicode_do_not_break_the_answer() -> None:
    odd = Airing(0, HOUR_MS, "caf\udce9.mp4", "caf\udce9")
    text = json.dumps(api.channel(replace(OFF, now=odd)), ensure_ascii=False)
    assert json.loads(text.encode())["now"]["asset"] == "caf?.mp4"


def test_the_guide_has_every_airing_of_the_time_asked_for() -> None:
    answer = api.guide([channel(1), channel(2)], HOUR_MS // 2, 2 * HOUR_MS + 1)
    assert [entry["channel_id"] for entry in answer["channels"]] == [1, 2]
    assert [airing["start_ms"] for airing in answer["channels"][1]["airings"]] == [0, HOUR_MS, 2 * HOUR_MS]
