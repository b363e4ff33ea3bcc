"""`python -m benches.schedule_day [HOURS]`: 8 hours of schedule, faster than they would air, over the night on which
clocks go forward.

A shuffled playlist of clips of many rates and lengths, a block of the hour every day, and a late one in the missing
hour; pictures are as small as they get and are not encoded. What is told: how far the worst start was from its time,
how many joins were black, what the judge found, and whether the guide says what was on air.
"""

from __future__ import annotations

import sys
import tempfile
import time as clock
from dataclasses import replace
from datetime import datetime, time
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import air_py
from air_py.channel import Channel
from air_py.guide import xmltv
from air_py.schedule import Blocks, DailyBlock, Entry, Filler, Grid, Item, Library, Playlist, resolve, segments
from tests.media import FAMILIES, make

HOUSE = air_py.ProgramFormat(160, 90, "30000/1001")
RATE = Fraction(HOUSE.frame_rate)
SINK = air_py.SinkConfig(video_encoder="null", audio_encoder="null", video_bitrate=50_000, audio_bitrate=64_000)
BERLIN = ZoneInfo("Europe/Berlin")
START_MS = round(datetime(2026, 3, 28, 22, 0, 0, 123_000, BERLIN).timestamp() * 1000)
LIBRARY = Library()
LENGTHS = {"rate-23.976": 97, "rate-59.94": 31, "rate-25": 59, "rate-29.97": 43, "b-pyramid": 71, "sound-ac3-5.1": 83}
"""Seconds of each clip."""


def main() -> None:
    """Print the figures."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 8
    length_ms, schedule = round(hours * 3_600_000), grid()
    began = clock.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "day.ts"
        stats = air_py.render(segments(schedule, START_MS, START_MS + length_ms), out, format=HOUSE, sink=SINK)
        took = clock.monotonic() - began
        report = air_py.check(out, profile="house")
    planned = list(schedule.between(START_MS, START_MS + length_ms))
    off = [
        record.first_tick - Fraction(airing.start_ms - START_MS, 1000) * RATE
        for airing, record in zip(planned[1:], stats.as_run[1:], strict=True)
    ]
    # One entered in mid-programme begins with its next picture, so it is over up to a picture before its time.
    entered = sum(record.black for record in stats.as_run if record.start_offset_ms > 0)
    print(f"{hours:g} h, {len(planned) - 1} joins, in {took:.0f} s: {hours * 3600 / took:.0f} x real time")
    print(f"starts: worst {float(max(map(abs, off))):.3f} frames from plan; last {float(off[-1]):.3f}")
    black = stats.counters.black_frames - entered
    print(f"as-run: {black} black ticks of {stats.ticks}, and {entered} after items entered in mid-programme")
    print(f"judge: {report.checks or 'no finding'}; clean: {report.is_clean}")
    guide = xmltv([Channel(1, "One", schedule, HOUSE)], START_MS, START_MS + length_ms, "http://host")
    told = [each.findtext("title") for each in ElementTree.fromstring(guide).iter("programme")]
    aired = [each.title for each in planned if not each.is_filler and each.start_ms // 1000 < each.end_ms // 1000]
    print(f"guide: {len(told)} programmes, {'as' if told == aired else 'NOT as'} aired")
    began = clock.monotonic()
    year = sum(1 for _ in schedule.between(START_MS, START_MS + 365 * 86_400_000))
    print(f"a year: {year} airings looked up, {(clock.monotonic() - began) / year * 1e6:.0f} µs each")


def grid() -> Grid:
    """The schedule."""
    clips = {name: replace(FAMILIES[name], size=(160, 90), seconds=length) for name, length in LENGTHS.items()}
    items = {name: item(str(make(clip)), name) for name, clip in clips.items()}
    playlist = Playlist(tuple(items.values()), RATE, epoch_ms=1_000_000_000_000, shuffle_seed=8)
    hourly = tuple(DailyBlock(time(hour), (items["rate-25"],)) for hour in range(24))
    late = DailyBlock(time(2, 30), (items["rate-23.976"], items["rate-29.97"]))
    return Grid(Blocks((), (*hourly, late), BERLIN, RATE), playlist, Filler((), RATE))


def item(path: str, title: str) -> Item:
    """The whole of a clip."""
    (found,) = resolve([Entry(path, title)], RATE, LIBRARY).items
    return found


if __name__ == "__main__":
    main()
