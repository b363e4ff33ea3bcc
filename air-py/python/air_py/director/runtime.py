"""One channel on air: an engine, the programme that feeds it, and the fan-out that takes its stream to viewers.

A runtime is used once: made for the first viewer, started, stopped with the last. Its methods block and belong in a
worker thread.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from .._air import AirError
from ..as_run import AsRunLog
from ..channel import Channel
from ..engine import Engine
from ..fanout import Fanout
from ..isolated import EngineLost
from ..results import Status
from ..sink import SinkConfig
from .leads import Leads
from .programme import ChannelUnavailable, Programme

__all__ = ["EngineFactory", "Runtime"]

logger = logging.getLogger("air.director")

EngineFactory = Callable[[SinkConfig], Engine]
"""What makes a channel's engine: :class:`Engine` itself, one in a process of its own, or a stand-in in tests."""

_RESTART_AFTER_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""How long a lost engine's successor waits, at the first loss and the following ones; then the channel gives up."""

_STABLE_S = 60.0
"""An engine that lasted this long is not lost for the reason of the one before."""

_STOP_AGAIN_S = 0.3
"""After which an engine is stopped once more: a start may just have been on its way."""


class Runtime:
    """A channel from its first viewer to its last.

    :param as_run: where what aired is recorded.
    """

    def __init__(
        self, channel: Channel, make_engine: EngineFactory, leads: Leads, *, as_run: AsRunLog | None = None
    ) -> None:
        self._channel = channel
        self._make_engine = make_engine
        self._leads = leads
        self._as_run = as_run
        self._id = channel.channel_id
        name = f"air-ch{self._id}"
        self.fanout = Fanout(name=name)
        """Where viewers get the stream; it ends when the runtime stops or gives up."""
        self.restarts = 0
        """Engines lost so far."""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._engine: Engine | None = None
        self._programme: Programme | None = None
        self._begun = threading.Event()
        self._refusal: ChannelUnavailable | None = None
        self._thread = threading.Thread(target=self._run, name=f"{name}-programme")

    def start(self) -> None:
        """Puts the channel on air; returns when the stream has begun.

        :raises ChannelUnavailable: the engine refused, or :meth:`stop` came meanwhile.
        """
        with self._lock:
            if self._stopping.is_set():
                raise ChannelUnavailable("the channel is stopping")
            self._thread.start()
        self._begun.wait()
        if self._refusal is not None:
            raise self._refusal

    def stop(self) -> None:
        """Takes the channel off the air, from whatever it is doing; returns when nothing of it is left."""
        with self._lock:
            self._stopping.set()
            started = self._thread.ident is not None
        while started and self._thread.is_alive():
            engine = self._engine
            if engine is not None:
                self._end(engine)
            self._thread.join(_STOP_AGAIN_S)
        self.fanout.close()

    def follow(self, channel: Channel) -> None:
        """Goes over to the schedule and the filler of ``channel``; what is live or armed stays, so does the format."""
        with self._lock:
            self._channel = replace(self._channel, schedule=channel.schedule, filler=channel.filler)
            if self._programme is not None:
                self._programme.channel = self._channel

    def status(self) -> Status | None:
        """How the engine stands; ``None`` when there is none at the moment."""
        engine = self._engine
        try:
            return engine.status() if engine is not None else None
        except EngineLost:
            return None

    def _run(self) -> None:
        """The programme's thread: one engine after the other, as long as they get lost, then the end of the stream."""
        try:
            self._play_through_losses()
        except Exception as error:
            self._fail(error)
        finally:
            self._begun.set()
            if not self._stopping.is_set():
                self.fanout.close()

    def _fail(self, error: Exception) -> None:
        """Says why there is no stream: to who waits for it, or else, since nobody does, in the log."""
        is_expected = isinstance(error, (ChannelUnavailable, AirError, OSError, ValueError))
        if self._begun.is_set() or not is_expected:
            trace = None if is_expected else error
            logger.error("channel %d stops, the programme failed: %s", self._id, error, exc_info=trace)
        self._refusal = error if isinstance(error, ChannelUnavailable) else ChannelUnavailable(f"no stream: {error}")

    def _play_through_losses(self) -> None:
        losses = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._play()
                return
            except EngineLost as loss:
                if self._stopping.is_set():  # Nobody is left to miss it.
                    return
                losses = 1 if time.monotonic() - began > _STABLE_S else losses + 1
                self.restarts += 1
                if losses > len(_RESTART_AFTER_S):
                    raise ChannelUnavailable(f"its engine was lost {losses} times: {loss}") from loss
                logger.error("channel %d: engine lost: %s", self._id, loss)
                self._stopping.wait(_RESTART_AFTER_S[losses - 1])

    def _play(self) -> None:
        """One engine's life."""
        engine = self._make_engine(self._channel.named_sink())
        programme = Programme(self._channel, engine, self._leads, self._stopping, as_run=self._as_run)
        with self._lock:
            self._engine, self._programme = engine, programme
            programme.channel = self._channel  # Which may be another since.
        try:
            if self._stopping.is_set():
                raise ChannelUnavailable("the channel is stopping")
            programme.begin(self.fanout.transport, self.fanout.endpoint)
            self._begun.set()
            programme.follow()
        finally:
            with self._lock:
                self._engine = self._programme = None
            try:
                self._end(engine)
                programme.drain()
            finally:
                engine.close()

    def _end(self, engine: Engine) -> None:
        with contextlib.suppress(EngineLost):  # Then nothing of it is left.
            engine.stop_channel(self._id)
