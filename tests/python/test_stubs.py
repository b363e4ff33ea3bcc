"""The stub of the native half says what the binary is."""

from __future__ import annotations

import subprocess
import sys


def test_stub_and_binary_agree() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--concise", "air_py._air"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
