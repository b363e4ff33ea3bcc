"""The ffmpeg command line, for the clips that a test makes for itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["ffmpeg"]


def ffmpeg(*arguments: str | Path) -> None:
    """Run the ffmpeg command line; it has to succeed."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)
