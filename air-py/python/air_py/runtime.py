"""One channel on air for one viewer: the engine, the stream it writes, and the playlist that feeds it.

The methods block and belong in a worker thread. A runtime is used once: made for a viewer, started, stopped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .as_run import AsRunLog
from .engine import Engine
from .formats import ProgramFormat
from .results import Event, EventKind, Reply, ResultCode
from .sink import SinkConfig
from .stream_reader import StreamReader

__all__ = ["Channel", "ChannelUnavailable", "EngineFactory", "Runtime"]

logger = logging.getLogger("air.serve")

EngineFactory = Callable[[SinkConfig], Engine]
"""What makes a channel's engine; :class:`Engine` itself, or a stand-in in tests."""

DEFAULT_FORMAT = ProgramFormat(1280, 720)
"""720p at 30000/1001 frames per second, 48 kHz stereo."""

_RETRY_S = 1.0
"""How long media that cannot be played is left alone, and the longest wait for an event."""


class ChannelUnavailable(RuntimeError):
    """The channel cannot be put on air; the text says why."""


@dataclass(frozen=True)
class Channel:
    """What a channel is, whether or not it is on air."""

    channel_id: int
    media: tuple[str, ...]
    """Assets in order, at least one; a pattern has no end and is where a playlist stays."""
    program_format: ProgramFormat = DEFAULT_FORMAT
    sink: SinkConfig = field(default_factory=SinkConfig)
    loop: bool = True
    """Whether the first asset follows the last."""
    as_run: AsRunLog | None = None
    """Where what was on air is recorded."""


class Runtime:
    """A channel's engine and stream, from tune-in to tear-down."""

    def __init__(self, channel: Channel, make_engine: EngineFactory = Engine) -> None:
        self._channel = channel
        self._id = channel.channel_id
        self._engine = make_engine(channel.sink)
        self.reader = StreamReader.unix()
        """The channel's stream; it ends when the runtime stops. The owner closes it."""
        self._next = 0
        self._tries = len(channel.media)
        self._cued = ""
        self._reported: dict[str, str] = {}
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._playlist = threading.Thread(target=self._play, name=f"air-ch{self._id}-playlist")

    def start(self) -> None:
        """Puts the channel on air; the stream begins at once.

        :raises ChannelUnavailable: the engine refused, nothing of the playlist can be played, or :meth:`stop` came.
        """
        with self._starting:
            if self._stopping.is_set():
                raise ChannelUnavailable("the channel is stopping")
            _require(self._engine.start_channel(self._id, program_format=self._channel.program_format))
            _require(
                self._engine.attach_stream(self._id, transport=self.reader.transport, endpoint=self.reader.endpoint)
            )
            if not self._tend():
                raise ChannelUnavailable("none of the channel's media can be played")
            self._playlist.start()

    def stop(self) -> None:
        """Takes the channel off the air, from whatever it is doing; returns when nothing of it is left."""
        self._stopping.set()
        # Once to break off a start under way, once for what that start may still have begun.
        self._engine.stop_channel(self._id)
        with self._starting:
            self._engine.stop_channel(self._id)
        if self._playlist.ident is not None:
            self._playlist.join()
        while event := self._engine.next_event(0):
            self._record(event)

    def _play(self) -> None:
        """The playlist's thread. Its failure ends the stream, which would be black for ever."""
        try:
            self._follow()
        except Exception:
            logger.exception("channel %d: the playlist failed, the channel stops", self._id)
            self._engine.stop_channel(self._id)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            event = self._engine.next_event(_RETRY_S)
            ends_at_ms = 0
            if event is None:
                self._tries = len(self._channel.media)
            elif event.kind is EventKind.TAKEN:
                self._tries = len(self._channel.media)
                self._reported.pop(event.asset or "", None)
            elif event.kind is EventKind.CUE_FAILED:
                self._cue_failed(event)
            elif event.kind is EventKind.EXHAUSTED:
                ends_at_ms = event.end_time_ms or 0
            elif event.kind is EventKind.AS_RUN:
                self._record(event)
            if not self._tend(ends_at_ms) and self._engine.status() is None:
                return

    def _cue_failed(self, event: Event) -> None:
        status = self._engine.status()
        if status is not None and status.preview == "failed":  # And not replaced since.
            self._skipped(self._cued, event.reason or event.message)

    def _record(self, event: Event) -> None:
        if not (self._channel.as_run and event.record):
            return
        try:
            self._channel.as_run.write(event.record, channel_id=self._id)
        except OSError as error:  # A full disk is no reason to go off the air.
            logger.warning("channel %d: the as-run record of %s is lost: %s", self._id, event.asset, error)

    def _tend(self, ends_at_ms: int = 0) -> bool:
        """Has the next asset cued while one is live and taken when none is; false when there is none to take.

        When it is known that the live one ends at ``ends_at_ms``, the next is taken at that boundary. Goes by what the
        engine is doing now; events tell of moments that may be past and are only the occasion.
        """
        status = self._engine.status()
        if status is None:
            return False
        live = status.live == "rolling"
        if status.preview == "armed" or (live and (status.live_asset or "").startswith("pattern:")):
            return True
        cued = status.preview in ("cueing", "cued") or self._cue()
        due = not live or ends_at_ms > 0
        while cued and due:
            reply = self._engine.switch_to_live(self._id, target_boundary_time_ms=ends_at_ms)
            # Not ready is armed: black and silence are on air until the first picture is.
            due = not (reply.success or reply.result_code is ResultCode.NOT_READY)
            live = live or not due
            if due:
                self._skipped(self._cued, reply.message)
                cued = self._cue()
        return live

    def _cue(self) -> bool:
        """Cues the next playable asset; false when the playlist is over or every asset has had its try."""
        media = self._channel.media
        while self._tries and not self._stopping.is_set() and (self._channel.loop or self._next < len(media)):
            asset = media[self._next % len(media)]
            self._next += 1
            self._tries -= 1
            if self._load(asset):
                self._cued = asset
                return True
        return False

    def _load(self, asset: str) -> bool:
        try:
            reply = self._engine.load_preview(self._id, asset_path=asset)
        except ValueError as error:  # A name that no file can have.
            self._skipped(asset, str(error))
            return False
        if not reply:
            self._skipped(asset, reply.message)
        return reply.success

    def _skipped(self, asset: str, reason: str) -> None:
        """Says why an asset is not shown, once until it is or the reason changes: a loop comes by every second."""
        if not self._stopping.is_set() and self._reported.get(asset) != reason:
            self._reported[asset] = reason
            logger.warning("channel %d: skipped %s: %s", self._id, asset, reason)


def _require(reply: Reply) -> None:
    if not reply:
        raise ChannelUnavailable(reply.message)
