"""The system's Chromium without a window, told what to do over its debugging pipe.

No more of the DevTools protocol than the tests of the web page need: open a page, run script in it, hear what fails.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--mute-audio",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # the sandbox wants a user of its own
)
_ANSWER_S = 20
"""How long a command may take; the machine may have other things to do."""
_READS_FD, _WRITES_FD = 3, 4
"""Where Chromium expects the two ends of its pipe."""


class Browser:
    """One process of Chromium, with a profile of its own."""

    def __init__(self) -> None:
        # What becomes 3 and 4 in the child must not itself be 3 or 4.
        commands, self._commands = _pipe()
        self._answers, answers = _pipe()
        self._profile = tempfile.TemporaryDirectory(prefix="air-browser-", ignore_cleanup_errors=True)
        self._log = Path(self._profile.name, "log")
        self._pid = os.posix_spawn(
            CHROMIUM,
            [CHROMIUM, *_FLAGS, f"--user-data-dir={self._profile.name}"],
            {**os.environ, "HOME": self._profile.name},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, commands, _READS_FD),
                (os.POSIX_SPAWN_DUP2, answers, _WRITES_FD),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(self._log), os.O_WRONLY | os.O_CREAT, 0o600),
            ],
            setpgroup=0,
        )
        os.close(commands)
        os.close(answers)
        self._received = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._commands)  # it ends when nobody can command it any more
        os.close(self._answers)
        until = time.monotonic() + 5
        while os.waitpid(self._pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > until:
                os.killpg(self._pid, signal.SIGKILL)
            time.sleep(0.02)  # another process' end
        self._profile.cleanup()

    def ask(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """The result of a command of the DevTools protocol."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        until = time.monotonic() + _ANSWER_S
        while True:
            message = self._next(until, method)
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    def _next(self, until: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._answers], [], [], max(0, until - time.monotonic()))
            part = os.read(self._answers, 1 << 20) if ready else b""
            assert part, f"Chromium does not answer {method}: {self._log.read_text(errors='replace')[-2000:]}"
            self._received += part
        text, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    @contextmanager
    def page(self, url: str, *, before: str = "", width: int = 1280, height: int = 800) -> Iterator[Page]:
        """A tab that shows ``url``, closed at the end. The script ``before`` runs before any of its own."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log"):
            page.ask(f"{domain}.enable")
        page.ask("Page.addScriptToEvaluateOnNewDocument", source=before)
        page.resize(width, height)
        page.ask("Page.navigate", url=url)
        page.wait("document.readyState == 'complete'")
        try:
            yield page
        finally:
            self.ask("Target.closeTarget", targetId=target)


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of a command to this tab."""
        return self._browser.ask(method, self._session, **parameters)

    def run(self, script: str) -> Any:
        """The value of ``script``; of its promise, if it is one."""
        result = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in result, f"{script}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def wait(self, condition: str, seconds: float = 10) -> Any:
        """The value of ``condition`` once it is true."""
        until = time.monotonic() + seconds
        while not (value := self.run(condition)):
            assert time.monotonic() < until, f"did not come true in {seconds} s: {condition}"
            time.sleep(0.05)  # a page of another process
        return value

    def press(self, key: str) -> None:
        """Press and release a key, by its name in the DOM."""
        typed = {"text": "\r"} if key == "Enter" else {}  # no link is followed without
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **typed)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def resize(self, width: int, height: int, scale: int = 1) -> None:
        """Show the page at this size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def picture(self, path: Path) -> None:
        """Write what the tab shows as a PNG."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Exceptions and errors since it was opened."""
        self.run("0")  # hears all there is
        mine = [event for event in self._browser.events if event.get("sessionId") == self._session]
        found = [str(event["params"]) for event in mine if event["method"] == "Runtime.exceptionThrown"]
        entries = [event["params"]["entry"] for event in mine if event["method"] == "Log.entryAdded"]
        return found + [str(entry) for entry in entries if entry["level"] == "error"]


def _pipe() -> tuple[int, int]:
    """A pipe, (read, write), whose ends are no small numbers."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 16))
        os.close(end)
    return ends[0], ends[1]
