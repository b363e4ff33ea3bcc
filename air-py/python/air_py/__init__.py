"""Air, a playout engine: media files in, one continuous broadcast-grade MPEG transport stream per channel out.

:class:`Engine` runs a channel; :class:`StreamReader` is the listening end of its stream; :func:`check` judges a
transport stream; :func:`render` writes a plan to a file. :class:`Fanout` gives a stream to any number of viewers, and
:class:`ProgramDirector`, which needs the extra ``serve``, offers channels with schedules over HTTP. Records go to the
logger ``air``.
"""

from importlib import import_module

TYPE_CHECKING = False  # That of typing, which takes longer to load than all else here.
if TYPE_CHECKING:
    from ._air import AirError, __version__
    from .channel import Channel
    from .config import Config, ConfigError, ConfigProblem, load_config
    from .director import ProgramDirector
    from .engine import Engine
    from .fanout import Fanout, FanoutStats, SlowPolicy, StreamFinding, Viewer
    from .formats import ProgramFormat
    from .isolated import EngineLost, IsolatedEngine
    from .media_info import MediaInfo, probe
    from .plan import load_plan
    from .rendering import Progress, Segment, Stats, render
    from .report import CheckSummary, Facts, Finding, Report, StreamFacts, check
    from .results import (
        AsRun,
        AttachStreamReply,
        Counters,
        Event,
        EventKind,
        LoadPreviewReply,
        Reply,
        ResultCode,
        SourcePicture,
        Status,
        StreamTransport,
        SwitchToLiveReply,
    )
    from .schedule import Airing, Playlist, Schedule
    from .sink import SinkConfig
    from .stream_reader import StreamReader

__all__ = [
    "AirError",
    "Airing",
    "AsRun",
    "AttachStreamReply",
    "Channel",
    "CheckSummary",
    "Config",
    "ConfigError",
    "ConfigProblem",
    "Counters",
    "Engine",
    "EngineLost",
    "Event",
    "EventKind",
    "Facts",
    "Fanout",
    "FanoutStats",
    "Finding",
    "IsolatedEngine",
    "LoadPreviewReply",
    "MediaInfo",
    "Playlist",
    "ProgramDirector",
    "ProgramFormat",
    "Progress",
    "Reply",
    "Report",
    "ResultCode",
    "Schedule",
    "Segment",
    "SinkConfig",
    "SlowPolicy",
    "SourcePicture",
    "Stats",
    "Status",
    "StreamFacts",
    "StreamFinding",
    "StreamReader",
    "StreamTransport",
    "SwitchToLiveReply",
    "Viewer",
    "__version__",
    "check",
    "load_config",
    "load_plan",
    "probe",
    "render",
]

_MODULES = {
    "_air": ("AirError", "__version__"),
    "channel": ("Channel",),
    "config": ("Config", "ConfigError", "ConfigProblem", "load_config"),
    "director": ("ProgramDirector",),
    "engine": ("Engine",),
    "fanout": ("Fanout", "FanoutStats", "SlowPolicy", "StreamFinding", "Viewer"),
    "formats": ("ProgramFormat",),
    "isolated": ("EngineLost", "IsolatedEngine"),
    "media_info": ("MediaInfo", "probe"),
    "plan": ("load_plan",),
    "rendering": ("Progress", "Segment", "Stats", "render"),
    "report": ("CheckSummary", "Facts", "Finding", "Report", "StreamFacts", "check"),
    "results": (
        "AsRun",
        "AttachStreamReply",
        "Counters",
        "Event",
        "EventKind",
        "LoadPreviewReply",
        "Reply",
        "ResultCode",
        "SourcePicture",
        "Status",
        "StreamTransport",
        "SwitchToLiveReply",
    ),
    "schedule": ("Airing", "Playlist", "Schedule"),
    "sink": ("SinkConfig",),
    "stream_reader": ("StreamReader",),
}
"""Where each name comes from. It is loaded when it is asked for: a command has signals to see to before that."""


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            return globals().setdefault(name, getattr(import_module(f".{module}", __name__), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
