"""What ``/metrics`` says: channels in Prometheus text, version 0.0.4.

A channel's engine is made anew at each tune-in and then counts from 0; :class:`Totals` goes on counting. What another
playout system already has a name for keeps that name, where it means the same; all else begins with ``air_``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields

from ._air import __version__
from .channel_status import ChannelState, ChannelStatus
from .fanout import FanoutStats
from .results import Status

__all__ = ["CONTENT_TYPE", "Totals", "text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Key = str | tuple[str, str]
"""What is counted: a field, or the check and severity of a finding."""


class Totals:
    """What every channel's engines and fan-outs have counted together. One thread at a time."""

    def __init__(self) -> None:
        self._engines: dict[int, _Total] = {}
        self._streams: dict[int, _Total] = {}

    def feed(self, status: ChannelStatus) -> None:
        """Takes in how a channel stands, also when that was a moment ago and a later status has been fed meanwhile.

        What happens after a runtime's last feed is not counted: feed at its end.
        """
        if status.on_air_since_ms is None:  # Nothing runs, or what is starting cannot be told from others yet.
            return
        run = (status.on_air_since_ms, status.engine_restarts)
        if status.engine is not None:
            self._engines.setdefault(status.channel_id, _Total()).feed(run, _engine_counts(status.engine))
        if status.stream is not None:
            self._streams.setdefault(status.channel_id, _Total()).feed(run[:1], _stream_counts(status.stream))

    def engine(self, channel_id: int) -> Mapping[_Key, int]:
        """The counts of the channel's engines, by the names of ``Counters``; none before the first."""
        return self._engines.get(channel_id, _Total()).counts()

    def stream(self, channel_id: int) -> Mapping[_Key, int]:
        """The counts of its fan-outs, by the names of :class:`FanoutStats`, and its findings' by check and severity."""
        return self._streams.get(channel_id, _Total()).counts()


_Run = tuple[int, ...]
"""What tells one engine, or one fan-out, of a channel from the next."""


@dataclass
class _Total:
    run: _Run = ()
    last: dict[_Key, int] = field(default_factory=dict)
    """Of ``run``."""
    over: _Run = ()
    """The run before; its end has been counted."""
    before: dict[_Key, int] = field(default_factory=dict)
    """Of all before ``run``."""

    def feed(self, run: _Run, counts: Mapping[_Key, int]) -> None:
        if run == self.over:
            return
        if run != self.run:
            self.before, self.over, self.run, self.last = self.counts(), self.run, run, {}
        # An older status may come after a newer one: two scrapes at a time.
        self.last |= {key: max(count, self.last.get(key, 0)) for key, count in counts.items()}

    def counts(self) -> dict[_Key, int]:
        return {key: self.before.get(key, 0) + self.last.get(key, 0) for key in {**self.before, **self.last}}


def _engine_counts(engine: Status) -> dict[_Key, int]:
    return {counter.name: getattr(engine.counters, counter.name) for counter in fields(engine.counters)}


def _stream_counts(stream: FanoutStats) -> dict[_Key, int]:
    return {
        **{name: getattr(stream, name) for name in ("bytes_in", "bytes_out", "skips", "slow_closed")},
        **{(finding.check, finding.severity): finding.count for finding in stream.findings},
    }


def text(statuses: Iterable[ChannelStatus], totals: Totals, time_ms: int) -> str:
    """The whole answer. ``totals`` is fed with ``statuses``.

    :param time_ms: UTC milliseconds now.
    """
    views = []
    for status in statuses:
        totals.feed(status)
        views.append(_View(status, totals.engine(status.channel_id), totals.stream(status.channel_id), time_ms))
    lines = [*_head("air_info", "gauge", "The version, as a label."), _line("air_info", {"version": __version__}, 1)]
    for metric in _METRICS:
        samples = [
            _line(metric.name, {"channel": str(view.status.channel_id), **labels}, value)
            for view in views
            for labels, value in metric.samples(view)
        ]
        if samples:
            lines += [*_head(metric.name, metric.type, metric.help), *samples]
    return "\n".join(lines) + "\n"


def _head(name: str, type: str, help: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {type}"]


def _line(name: str, labels: Mapping[str, str], value: int) -> str:
    pairs = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
    return f"{name}{{{pairs}}} {value}"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@dataclass(frozen=True)
class _View:
    """What a channel's metrics are made from."""

    status: ChannelStatus
    engine: Mapping[_Key, int]
    stream: Mapping[_Key, int]
    time_ms: int


_Samples = list[tuple[dict[str, str], int]]
"""Values, each with its labels beside ``channel``."""


@dataclass(frozen=True)
class _Metric:
    name: str
    type: str
    help: str
    samples: Callable[[_View], _Samples]


def _gauge(name: str, help: str, value: Callable[[_View], int | None]) -> _Metric:
    def samples(view: _View) -> _Samples:
        number = value(view)
        return [] if number is None else [({}, number)]

    return _Metric(name, "gauge", help, samples)


def _counter(name: str, help: str, value: Callable[[_View], int]) -> _Metric:
    return _Metric(name, "counter", help, lambda view: [({}, value(view))])


def _engine(name: str, help: str, count: str) -> _Metric:
    return _counter(name, help, lambda view: view.engine.get(count, 0))


def _stream(name: str, help: str, count: str) -> _Metric:
    return _counter(name, help, lambda view: view.stream.get(count, 0))


def _uptime_s(view: _View) -> int:
    since_ms = view.status.on_air_since_ms
    return 0 if since_ms is None else max(0, view.time_ms - since_ms) // 1000


def _bitrate_bps(view: _View) -> int:
    return view.status.stream.bitrate_bps if view.status.stream else 0


def _findings(view: _View) -> _Samples:
    return [({"check": key[0], "severity": key[1]}, n) for key, n in view.stream.items() if isinstance(key, tuple)]


def _tune_ins(view: _View) -> _Samples:
    quantiles = {"0.5": view.status.tune_ins.p50_ms, "0.95": view.status.tune_ins.p95_ms}
    return [({"quantile": quantile}, ms) for quantile, ms in quantiles.items() if ms is not None]


_STATES = {ChannelState.OFF: 0, ChannelState.STARTING: 1, ChannelState.ON_AIR: 2, ChannelState.RESTARTING: 3}

_METRICS = (
    _gauge(
        "retrovue_playout_channel_state",
        "0 off, 1 starting, 2 on air, 3 its engine is lost or does not answer.",
        lambda view: _STATES[view.status.state],
    ),
    _gauge("retrovue_playout_channel_uptime_seconds", "Since the channel was started; 0 when it is off.", _uptime_s),
    _engine("retrovue_playout_decode_failure_count", "Errors of decoders.", "decode_errors"),
    _engine(
        "retrovue_playout_frames_dropped_total",
        "Pictures left out because encoder or reader was too slow.",
        "pictures_dropped",
    ),
    _engine("retrovue_playout_buffer_underrun_total", "Times content did not keep up.", "underruns"),
    _engine("retrovue_frames_consumed_total", "Ticks that showed content.", "content_frames"),
    _engine("frames_late_total", "Ticks that came too late.", "late_ticks"),
    _engine("output_bytes_written", "Bytes an engine wrote to its reader.", "bytes_written"),
    _engine("output_write_count", "Writes to the reader.", "writes"),
    _engine("output_stall_events", "Times the reader kept the engine's writer waiting.", "stalls"),
    _engine("air_held_frames_total", "Ticks that repeated a picture because the next was late.", "held_frames"),
    _engine("air_black_frames_total", "Ticks of black and silence.", "black_frames"),
    _engine("air_failsafe_entries_total", "Times content ended and nothing followed.", "failsafe_entries"),
    _counter("air_engine_restarts_total", "Engines lost and replaced.", lambda view: view.status.engine_restarts),
    _gauge("air_viewers", "Who watch now.", lambda view: view.status.viewers),
    _gauge("air_stream_bits_per_second", "Rate over about the last second; 0 when the channel is off.", _bitrate_bps),
    _stream("air_stream_bytes_total", "Bytes a fan-out had from its engine.", "bytes_in"),
    _stream("air_viewer_bytes_total", "Bytes sent to all viewers.", "bytes_out"),
    _stream("air_viewer_skips_total", "Times a viewer who had fallen behind was moved on.", "skips"),
    _stream("air_viewers_closed_total", "Viewers closed because they had fallen behind.", "slow_closed"),
    _Metric("air_judge_findings_total", "counter", "What the judge found wrong with the stream.", _findings),
    _counter("air_tune_ins_total", "First viewers.", lambda view: view.status.tune_ins.count),
    _gauge(
        "air_tune_in_last_milliseconds",
        "From the last first viewer's request to the first byte.",
        lambda view: view.status.tune_ins.last_ms,
    ),
    _Metric(
        "air_tune_in_milliseconds", "gauge", "From request to first byte, over the last hundred tune-ins.", _tune_ins
    ),
)
"""Nothing is said of what is not measured: the depth of buffers, the time of decoding, the drift of clocks."""
