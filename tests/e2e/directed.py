"""`air-py serve` for tests of the web page, with all that is behind it."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.server import Server


class Directed:
    """One channel, of ``assets`` that take turns, ``turn_ms`` each, by the clock on the wall."""

    def __init__(self, folder: Path, assets: list[str], turn_ms: int, *arguments: str) -> None:
        media = ", ".join(f'{{ file = "{asset}", duration_ms = {turn_ms} }}' for asset in assets)
        file = folder / "channels.toml"
        file.write_text(
            'media_roots = ["/"]\n[[channel]]\nid = 1\nname = "One"\nformat = "640x360@30000/1001"\n'
            f"playlist = {{ media = [{media}], epoch = 2026-01-01T00:00:00Z }}\n"
        )
        self._server = Server("--channels", str(file), *arguments, format=None)
        self.url = f"{self._server.base}/"

    def __enter__(self) -> Directed:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__(None, None, None)

    def is_on_air(self, channel_id: int = 1) -> bool:
        """Whether anything of an engine runs; there is one channel."""
        return channel_id == 1 and not self._server.has_no_viewer()
