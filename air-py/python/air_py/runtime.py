"""One channel on air for one viewer: the engine, the stream it writes, and the playlist that feeds it.

The methods block and belong in a worker thread. A runtime is used once: made for a viewer, started, stopped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

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

_EVENT_WAIT_S = 5.0
"""Longest wait for one event; a stop of the channel ends it at once."""


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


class Runtime:
    """A channel's engine and stream, from tune-in to tear-down."""

    def __init__(self, channel: Channel, make_engine: EngineFactory = Engine) -> None:
        self._channel = channel
        self._id = channel.channel_id
        self._engine = make_engine(channel.sink)
        self.reader = StreamReader.unix()
        """The channel's stream; it ends when the runtime stops. The owner closes it."""
        self._next = 0
        self._cued = False
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._playlist = threading.Thread(target=self._follow, name=f"air-ch{self._id}-playlist")

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
            if not (self._cue() and self._take()):
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

    def _cue(self) -> bool:
        """Cues the next playable asset; false when the playlist is over or a whole round of it found none."""
        self._cued = any(self._load(asset) for asset in self._round())
        return self._cued

    def _take(self) -> bool:
        """Switches to what is cued or, when that turns out not to play, to the next that does."""
        for _ in self._channel.media:
            reply = self._engine.switch_to_live(self._id)
            # Not ready is armed: black and silence are on air until the first picture is.
            if reply or reply.result_code is ResultCode.NOT_READY:
                return True
            self._skipped("what was cued", reply.message)
            if not self._cue():
                break
        return False

    def _load(self, asset: str) -> bool:
        reply = self._engine.load_preview(self._id, asset_path=asset)
        if not reply:
            self._skipped(asset, reply.message)
        return reply.success

    def _skipped(self, what: str, reason: str) -> None:
        if not self._stopping.is_set():
            logger.warning("channel %d: skipped %s: %s", self._id, what, reason)

    def _round(self) -> Iterator[str]:
        """Assets from the next one on, each at most once."""
        media = self._channel.media
        for _ in media:
            if self._stopping.is_set() or (self._next >= len(media) and not self._channel.loop):
                return
            asset = media[self._next % len(media)]
            self._next += 1
            yield asset

    def _follow(self) -> None:
        """Cues the next asset as soon as one is live, and takes it when that one is out."""
        wanted = True
        while not self._stopping.is_set():
            event = self._engine.next_event(_EVENT_WAIT_S)
            if event is not None:
                wanted = self._answer(event, wanted)
            elif self._engine.status() is None:
                return

    def _answer(self, event: Event, wanted: bool) -> bool:
        """Acts on ``event``; true while no asset is live and the next is to be taken as soon as it can."""
        if event.kind is EventKind.TAKEN:
            self._cued = False
            if not (event.asset or "").startswith("pattern:"):
                self._cue()
            return False
        if event.kind is EventKind.COMPLETED:
            return not (self._cued and self._take())
        if event.kind is EventKind.CUE_FAILED:
            self._skipped("what was cued", event.message)
            if self._cue() and wanted:
                self._take()
        return wanted


def _require(reply: Reply) -> None:
    if not reply:
        raise ChannelUnavailable(reply.message)
