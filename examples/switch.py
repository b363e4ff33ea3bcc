"""Plays one film, and at a time another: ``python examples/switch.py ONE OTHER | mpv -``.

The switch is ordered for a moment of the clock, five seconds ahead, and falls on the first frame at or after it.
"""

from __future__ import annotations

import sys
import time

from air_py import Engine, ProgramFormat, StreamReader


def main(one: str, other: str) -> None:
    """Writes the stream to standard output for ten seconds."""
    with StreamReader.unix() as reader, Engine() as engine:
        engine.start_channel(1, program_format=ProgramFormat(1280, 720, "25/1"))
        engine.attach_stream(1, endpoint=reader.endpoint)
        engine.load_preview(1, asset_path=one)
        engine.switch_to_live(1)

        boundary_ms = int(time.time() * 1000) + 5000
        engine.load_preview(1, asset_path=other)  # is ready long before
        engine.switch_to_live(1, target_boundary_time_ms=boundary_ms)

        for packets in reader:
            sys.stdout.buffer.write(packets)
            if time.time() * 1000 > boundary_ms + 5000:
                break
        while event := engine.next_event(timeout=0):
            print(event.message, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
