"""The as-run log: one line of JSON for every segment that was on air."""

from __future__ import annotations

import json
import os
import threading
from contextlib import nullcontext
from dataclasses import asdict
from types import TracebackType

from .results import AsRun

__all__ = ["AsRunLog", "opened"]


class AsRunLog:
    """A file that records are appended to, each as a line with the fields of :class:`AsRun`. Any thread may write.

    :raises OSError: the file cannot be opened, or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Unbuffered: a record that does not fit on the disk must not come up again with the next.
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 (closed by close)
        self._lock = threading.Lock()

    def write(self, record: AsRun, *, channel_id: int | None = None) -> None:
        """Appends a record, with the channel's id in front if it has one; whoever reads the file has it at once.

        One that cannot be written whole is not written at all.
        """
        channel = {} if channel_id is None else {"channel_id": channel_id}
        with self._lock:
            self._append(json.dumps({**channel, **asdict(record)}).encode() + b"\n")

    def _append(self, line: bytes) -> None:
        rest = line
        try:
            while rest:  # A disk that gets full takes a part, and says why only to the next write.
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if rest != line:
                self._file.truncate(self._file.tell() + len(rest) - len(line))
            raise OSError(error.errno, error.strerror, self._file.name) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> AsRunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def opened(path: str | None) -> AsRunLog | nullcontext[None]:
    """The log at ``path`` as a context; of ``None`` where none is wanted.

    :raises OSError: the file cannot be opened.
    """
    return AsRunLog(path) if path else nullcontext()
