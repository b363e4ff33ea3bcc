"""The program director: channels for viewers over HTTP, each on air only while somebody watches.

Read :mod:`.director` first, then :mod:`.live_channel` (a channel's life), :mod:`.runtime` (its engine) and
:mod:`.programme` (what the engine is told to air).
"""

from ..channel_status import ChannelState, ChannelStatus, TuneIns
from .director import ProgramDirector

__all__ = ["ChannelState", "ChannelStatus", "ProgramDirector", "TuneIns"]
