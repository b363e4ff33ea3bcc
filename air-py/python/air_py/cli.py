"""The command line: ``air-py serve | validate | check | render | probe``.

Options in, the package's functions, text out. What the user got wrong is one line on standard error and exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from fractions import Fraction
from typing import TypeVar

from . import (
    AirError,
    ProgramFormat,
    Report,
    Segment,
    SinkConfig,
    __version__,
    check,
    console,
    load_plan,
    progress,
    render,
)
from .as_run import opened
from .channel import DEFAULT_FORMAT

__all__ = ["main"]

_ASSETS = {"black": "pattern:black", "pattern": "pattern:bars"}
_Value = TypeVar("_Value")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line ``arguments`` (the process's own by default) and returns the exit code."""
    try:
        arguments = sys.argv[1:] if arguments is None else arguments
        _require_utf8(arguments)
        options = _parser().parse_args(arguments)
        console.configure(options.log_level, options.log_format)
        code: int = options.run(options)
        return code
    except (AirError, OSError, ValueError) as error:
        print(f"air-py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _require_utf8(arguments: Sequence[str]) -> None:
    """Names of files go to the engine, to logs and into JSON, which are all Unicode."""
    for argument in arguments:
        name = argument.encode(errors="surrogateescape").decode(errors="backslashreplace")
        if name != argument:
            raise ValueError(f"not UTF-8, rename the file: {name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="air-py", description="Playout: media files in, a transport stream out.")
    parser.add_argument("--version", action="version", version=f"air-py {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = _command(commands, "serve", _serve, "serve channels over HTTP, each on air while somebody watches")
    command.add_argument(
        "media", nargs="*", metavar="MEDIA", help="what one channel airs, in order, from now on (default: pattern:bars)"
    )
    command.add_argument("--channels", metavar="FILE.toml", help="channels and their schedules, in place of MEDIA")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    command.add_argument("--port", type=_integer(0, 65535), default=8000, help="port; 0 takes a free one (%(default)s)")
    command.add_argument("--token", metavar="TEXT", help="let in only who brings it, as ?token=TEXT or as a bearer")
    command.add_argument("--isolate", action="store_true", help="run each channel's engine in a process of its own")
    command.add_argument("--loop", action=argparse.BooleanOptionalAction, default=True, help="start over at the end")
    _add_output_options(command)
    command.add_argument("--as-run", metavar="FILE", help="append a line of JSON for each segment that was on air")

    command = _command(
        commands, "validate", _validate, "check a channels file and the media it names; exit 0 when usable"
    )
    command.add_argument("file", metavar="CHANNELS.toml")
    command.add_argument("--json", action="store_true", help="problems, warnings and channels as JSON")

    command = _command(commands, "probe", _probe, "say how long files are and what is in them")
    command.add_argument("files", nargs="+", metavar="FILE")
    command.add_argument("--json", action="store_true", help="as JSON")

    command = _command(commands, "check", _check, "judge a transport stream; exit 0 when every hard check holds")
    command.add_argument("file", metavar="FILE")
    command.add_argument("--json", action="store_true", help="the whole report as JSON")
    command.add_argument("--profile", choices=("broadcast", "house"), default="broadcast", help="limits (%(default)s)")

    command = _command(commands, "render", _render, "render segments to a file, faster than real time")
    command.add_argument("-o", "--output", required=True, metavar="OUT.ts")
    command.add_argument("--stats", metavar="FILE.json", help="write frames, bytes, counters and seconds taken")
    command.add_argument("--as-run", metavar="FILE", help="append a line of JSON for each segment")
    command.add_argument(
        "--plan",
        metavar="FILE.toml",
        help="[[segment]] tables in place of SEGMENT: asset, start_offset_ms, duration_ms",
    )
    command.add_argument(
        "--failsafe", action="store_true", help="air black, for its dur=, in the place of what cannot be played"
    )
    command.add_argument(
        "segments",
        nargs="*",
        type=_segment,
        metavar="SEGMENT",
        help="FILE[,start=MS][,dur=MS], black,dur=MS or pattern,dur=MS; a file of such a name is ./black",
    )
    _add_output_options(command)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(run=run)
    command.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="warning", help="(%(default)s)"
    )
    command.add_argument("--log-format", choices=("text", "json"), default="text", help="(%(default)s)")
    return command


def _add_output_options(command: argparse.ArgumentParser) -> None:
    rate = _integer(1, 2**63 - 1)
    command.add_argument(
        "--format",
        type=_friendly(ProgramFormat.parse),
        default=DEFAULT_FORMAT,
        metavar="WxH@N/D",
        help="program format (%(default)s)",
    )
    command.add_argument("--bitrate", type=rate, metavar="BPS", help="video bitrate (by picture size)")
    command.add_argument("--mux-rate", type=rate, metavar="BPS", help="constant rate of the whole stream (none)")
    command.add_argument("--preset", metavar="NAME", help="encoder preset (the engine's)")


def _serve(options: argparse.Namespace) -> int:
    try:
        from .serving import serve
    except ImportError as error:
        raise ValueError(f"serve needs the extra 'serve' (pip install air-py[serve]): {error}") from error

    media = options.media or ["pattern:bars"]
    if not options.channels:
        _warn_of_unplayable(media)
    return serve(options, media, _sink(options))


def _warn_of_unplayable(media: Sequence[str]) -> None:
    """Says of each asset what is wrong with it, as far as that shows without opening it.

    :raises ValueError: none of them can be played.
    """
    troubles = [trouble for asset in media if (trouble := _trouble(asset))]
    if len(troubles) == len(media):
        raise ValueError("; ".join(troubles))
    for trouble in troubles:
        print(f"air-py: {trouble}", file=sys.stderr)


def _trouble(asset: str) -> str | None:
    if asset.startswith("pattern:"):
        return None if asset in _ASSETS.values() else f"no such pattern: {asset}"
    if os.path.isdir(asset):
        return f"is a directory: {asset}"
    if not os.path.exists(asset):
        return f"no such file: {asset}"
    return None if os.access(asset, os.R_OK) else f"not readable: {asset}"


def _validate(options: argparse.Namespace) -> int:
    from .examining import validate

    return validate(options.file, as_json=options.json)


def _probe(options: argparse.Namespace) -> int:
    from .examining import probe_files

    return probe_files(options.files, as_json=options.json)


def _check(options: argparse.Namespace) -> int:
    try:
        report = check(options.file, profile=options.profile)
    except OSError as error:
        raise ValueError(f"cannot read {options.file}: {error.strerror}") from error
    print(json.dumps(report.to_dict(), indent=2) if options.json else _table(report))
    return 0 if report.is_clean else 1


def _table(report: Report) -> str:
    facts = report.facts
    lines = [
        f"{facts.packets} packets, {facts.duration_27m / 27e6:.3f} s, {facts.bitrate_bps} b/s,"
        f" {facts.null_ppm / 1e4:.2f} % null packets",
        f"service {facts.service_name!r}, PMT {_pid(facts.pmt_pid)}, PCR {_pid(facts.pcr_pid)}; longest gaps:"
        f" PCR {_ms(facts.pcr_max_gap_27m)}, PAT {_ms(facts.pat_max_gap_27m)}, PMT {_ms(facts.pmt_max_gap_27m)}",
    ]
    lines += [
        f"PID {_pid(stream.pid)}: type {stream.stream_type:#04x}, {stream.units} units, {stream.idr_pictures} IDR,"
        f" {stream.irregular_steps} irregular PTS steps of {stream.steps}"
        for stream in facts.streams
    ]
    lines += [f"{item.severity}  {item.count:6d} x {item.check}; worst: {item.worst}" for item in report.checks]
    return "\n".join([*lines, "clean" if report.is_clean else "NOT clean"])


def _pid(pid: int | None) -> str:
    return "none" if pid is None else f"{pid:#06x}"


def _ms(ticks_27m: int) -> str:
    return f"{ticks_27m / 27e3:.1f} ms"


def _render(options: argparse.Namespace) -> int:
    if bool(options.plan) == bool(options.segments):
        raise ValueError("render wants either segments or --plan")
    plan = load_plan(options.plan) if options.plan else options.segments
    begun = time.monotonic()
    # Opened before the work, which may take hours, so that a path that cannot be written is not found out after it.
    with (
        open(options.stats, "w") if options.stats else nullcontext() as stats_file,
        opened(options.as_run) as as_run,
        progress.shown(Fraction(options.format.frame_rate)) as show,
    ):
        sink, failsafe = _sink(options), options.failsafe
        stats = render(plan, options.output, format=options.format, sink=sink, failsafe=failsafe, progress=show)
        seconds = time.monotonic() - begun
        if as_run:
            for record in stats.as_run:
                as_run.write(record)
        if stats_file:
            fields = {"ticks": stats.ticks, "bytes": stats.bytes, "counters": asdict(stats.counters)}
            stats_file.write(json.dumps({**fields, "seconds": round(seconds, 3)}, indent=2) + "\n")
    print(f"{options.output}: {stats.ticks} frames, {stats.bytes} bytes in {seconds:.1f} s")
    return 0


def _sink(options: argparse.Namespace) -> SinkConfig:
    return SinkConfig(preset=options.preset, video_bitrate=options.bitrate, mux_rate=options.mux_rate)


def _friendly(parse: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """``parse`` for argparse, which shows the text of only its own kind of error."""

    def parsed(text: str) -> _Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return _friendly(parse)


@_friendly
def _segment(text: str) -> Segment:
    """``FILE[,start=MS][,dur=MS]``; options are read from the end, so a file's name may hold commas."""
    times: dict[str, int] = {}
    asset, _, tail = text.rpartition(",")
    while asset and (option := tail.partition("="))[0] in ("start", "dur"):
        if not option[2].isdecimal() or option[0] in times:
            raise ValueError(f"{text!r}: {tail!r} is not one time in milliseconds")
        times[option[0]] = int(option[2])
        text, (asset, _, tail) = asset, asset.rpartition(",")
    asset = _ASSETS.get(text, text)
    if asset.startswith("pattern:") and "dur" not in times:
        raise ValueError(f"{text} has no end of its own: give it ,dur=MS")
    return Segment(asset, times.get("start", 0), times.get("dur"))
