"""Tagged clips: media files whose every picture says which frame it is and whose sound says what time it is.

`tags` is the layout, `clip` describes a file of any codec, container, sound, rate and oddity, `families` names one of
each kind that people own, `making` makes them, and `odd` the files that a playout engine has to refuse. Clips are made
by the ffmpeg command line, cached by content, and never committed. `python -m tests.media` lists and makes them.
"""

from .clip import Clip
from .families import FAMILIES
from .making import cache_folder, make
from .odd import ODD, make_odd
from .tags import read_number

__all__ = [
    "FAMILIES",
    "ODD",
    "Clip",
    "cache_folder",
    "make",
    "make_odd",
    "read_number",
]
