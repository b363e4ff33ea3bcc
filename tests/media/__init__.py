"""Tagged clips: media files whose every picture says which frame it is and whose sound says what time it is.

`tags` is the layout, `clip` makes ordinary files of any codec, container, sound and rate, `odd` makes the files that a
playout engine has to refuse. Clips are made by the ffmpeg command line, cached by content, and never committed.
"""

from .clip import Clip, cache_folder, make
from .odd import ODD, make_odd
from .tags import beep_samples, flash_frames, flash_starts, read_number

__all__ = [
    "ODD",
    "Clip",
    "beep_samples",
    "cache_folder",
    "flash_frames",
    "flash_starts",
    "make",
    "make_odd",
    "read_number",
]
