"""Records a film as a transport stream, in real time: ``python examples/record.py FILM OUT.ts``."""

from __future__ import annotations

import sys

from air_py import Engine, EventKind, ProgramFormat, Reply, StreamTransport


def require(reply: Reply) -> None:
    """A refusal is a reply that is false and says why."""
    if not reply:
        sys.exit(reply.message)


def main(film: str, out: str) -> None:
    """Plays ``film`` once, and writes what goes out to ``out``."""
    with Engine() as engine:
        require(engine.start_channel(1, program_format=ProgramFormat(1280, 720, "25/1")))
        require(engine.attach_stream(1, transport=StreamTransport.FILE, endpoint=out))
        require(engine.load_preview(1, asset_path=film))
        require(engine.switch_to_live(1))
        while event := engine.next_event(timeout=3600):
            print(event.message)
            if event.kind is EventKind.COMPLETED:
                break


if __name__ == "__main__":
    main(*sys.argv[1:])
