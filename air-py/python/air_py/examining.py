"""``air-py probe`` and ``air-py validate``: what is known of files before anything airs, as text or as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from ._air import AirError
from .config import ConfigError, ConfigProblem, load_config
from .media_info import MediaInfo, probe

__all__ = ["probe_files", "validate"]


def probe_files(files: Sequence[str], *, as_json: bool) -> int:
    """Prints what each file is; 1 when one of them cannot be played."""
    told: list[dict[str, object]] = []
    failed = False
    for file in files:
        try:
            info = probe(file)
        except AirError as error:
            failed = True
            told.append({"file": file, "error": str(error)})
            if not as_json:
                print(f"air-py: {error}", file=sys.stderr)
        else:
            told.append({"file": file, "duration_ms": info.duration_ms, **asdict(info)})
            if not as_json:
                print(f"{file}: {_described(info)}")
    if as_json:
        print(json.dumps(told, indent=2))
    return 1 if failed else 0


def _described(info: MediaInfo) -> str:
    length = "no end of its own" if info.duration_ns is None else f"{info.duration_ms} ms"
    picture = f"{info.video_codec} {info.width}x{info.height}" if info.video_codec else "no picture"
    rate = f" at {info.frame_rate}/s" if info.frame_rate else ""
    sound = f"{info.audio_codec} {info.channels} channels {info.sample_rate} Hz" if info.audio_codec else "no sound"
    return f"{length}, {picture}{rate}, {sound}"


def validate(path: str, *, as_json: bool) -> int:
    """Prints all that is wrong with a channels file; 1 when it is of no use.

    :raises OSError: it cannot be read.
    """
    problems: Sequence[ConfigProblem] = ()
    warnings: Sequence[ConfigProblem] = ()
    channels = []
    try:
        config = load_config(path)
    except ConfigError as error:
        problems, warnings = error.problems, error.warnings
    else:
        warnings = config.warnings
        channels = [{"id": channel.channel_id, "name": channel.name} for channel in config.channels]
    if as_json:
        listed = {"problems": [asdict(each) for each in problems], "warnings": [asdict(each) for each in warnings]}
        print(json.dumps({"file": os.fspath(path), **listed, "channels": channels}, indent=2))
    else:
        for problem in problems:
            print(f"{path}:{problem}")
        for warning in warnings:
            print(f"{path}:{warning.line}: warning: {warning.key}: {warning.message}")
    return 1 if problems else 0
