"""Plays a film to everybody who connects: ``python examples/fan_out.py FILM``, then ``mpv tcp://127.0.0.1:9000``.

One engine encodes once. Each viewer begins with a picture, and native code writes to its socket: Python has no more to
do with it.
"""

from __future__ import annotations

import socket
import sys

from air_py import Engine, Fanout, ProgramFormat


def main(film: str, port: str = "9000") -> None:
    """Serves ``film`` until Ctrl-C; after its end, black."""
    with Fanout() as fanout, Engine() as engine, socket.create_server(("127.0.0.1", int(port))) as listener:
        engine.start_channel(1, program_format=ProgramFormat(1280, 720, "25/1"))
        engine.attach_stream(1, transport=fanout.transport, endpoint=fanout.endpoint)
        engine.load_preview(1, asset_path=film)
        engine.switch_to_live(1)
        print(f"tcp://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:  # The fan-out has a descriptor of its own.
                fanout.hand_over(connection.fileno())


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
