"""Every call in every state: the tables of docs/control-state.md, row by row, over gRPC.

The tables are generated from the engine's own state machine, which is walked by its own tests; here they are held
against what a client is answered and what the monitor says afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import NOT_READY, SMALL, UDS, Client, expect, refused
from tests.e2e.hanging import FAR_MS, Feed, feed
from tests.e2e.host import Listener, wait_until
from tests.e2e.monitor import Monitor
from tests.media import FAMILIES, make

DOCUMENT = Path(__file__).parents[3] / "docs" / "control-state.md"
CODES = {"Ok": 1, "NotReady": 2, "RejectedBusy": 3, "ProtocolViolation": 4, "Failed": 5}
BARS, BLACK = "pattern:bars", "pattern:black"
MINUTE_MS = 60_000


class Row(NamedTuple):
    """One row of a table."""

    state: str
    input: str
    becomes: str
    actions: str
    reply: str


def rows(title: str) -> list[Row]:
    """The rows of a table, those that clients can cause."""
    section = DOCUMENT.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [row for row in (Row(*line) for line in cells[2:]) if row.input in ASK]


@dataclass
class Channel:
    """A channel of its own for one row: brought into a state, asked something, looked at."""

    client: Client
    monitor: Monitor
    id: int
    folder: Path
    stack: ExitStack

    def arrange(self, state: str) -> None:
        """Brings it into a state of the tables."""
        for step in ARRANGE[state]:
            step(self)

    def slow(self) -> Feed:
        """A preview that is not cued until its file goes on."""
        slow = self.stack.enter_context(feed(self.folder))
        self.client.load(slow.path, self.id, start_offset_ms=FAR_MS)
        return slow

    def cued(self) -> None:
        self.client.load(BARS, self.id)
        assert wait_until(lambda: self.preview == "cued")

    def armed(self) -> Feed:
        slow = self.slow()
        refused(self.switch(), NOT_READY)
        return slow

    def taken_unseen(self) -> None:
        self.armed().finish()
        assert wait_until(lambda: self.preview == "empty", 5)

    def failed(self) -> None:
        self.slow().cut()
        assert wait_until(lambda: self.preview == "failed", 5)

    def armed_for_a_boundary(self) -> None:
        expect(self.switch(MINUTE_MS))

    def rolling(self) -> None:
        self.client.take(BLACK, self.id)

    def exhausted(self) -> None:
        self.client.take(make(FAMILIES["three-pictures"]), self.id)
        assert wait_until(lambda: self.monitor.live(self.id) == "exhausted")

    def switch(self, ahead_ms: int = 0) -> Any:
        boundary_ms = int(time.time() * 1000) + ahead_ms if ahead_ms else 0
        return self.client.SwitchToLive(channel_id=self.id, target_boundary_time_ms=boundary_ms)

    def attach(self, **fields: bool) -> Any:
        endpoint = self.stack.enter_context(Listener()).endpoint
        return self.client.AttachStream(channel_id=self.id, transport=UDS, endpoint=endpoint, **fields)

    @property
    def preview(self) -> str:
        return self.monitor.preview(self.id)


ASK: dict[str, Callable[[Channel], Any]] = {
    "Start": lambda on: on.client.StartChannel(channel_id=on.id, program_format_json=SMALL),
    "Stop": lambda on: on.client.StopChannel(channel_id=on.id),
    "UpdatePlan": lambda on: on.client.UpdatePlan(channel_id=on.id, plan_handle="plan"),
    "Load": lambda on: on.client.LoadPreview(channel_id=on.id, asset_path=BLACK),
    "Switch now": lambda on: on.switch(),
    "Switch at a boundary": lambda on: on.switch(MINUTE_MS),
    "Attach": lambda on: on.attach(),
    "Attach, replacing": lambda on: on.attach(replace_existing=True),
    "Detach": lambda on: on.client.DetachStream(channel_id=on.id),
}
"""What the tables call an input, as a call."""
ARRANGE: dict[str, list[Callable[[Channel], object]]] = {
    "preview empty": [],
    "preview empty, take unreported": [Channel.taken_unseen],
    "preview cueing(P)": [Channel.slow],
    "preview cued(P)": [Channel.cued],
    "preview armed(P, when cued)": [Channel.armed],
    "preview armed(P, at the boundary, not cued)": [Channel.slow, Channel.armed_for_a_boundary],
    "preview armed(P, at the boundary, cued)": [Channel.cued, Channel.armed_for_a_boundary],
    "preview failed(P)": [Channel.failed],
    "live vacant": [Channel.cued],
    "live rolling(L)": [Channel.rolling, Channel.cued],
    "live exhausted(L)": [Channel.exhausted, Channel.cued],
    "output detached": [],
    "output attached(S)": [Channel.attach],
}
"""How a channel comes into a state of the tables."""


@pytest.fixture(scope="module")
def server() -> Iterator[AirServer]:
    """One server, a channel for every row."""
    with AirServer("--max-channels", "64") as server:
        yield server


def walk(server: AirServer, rows: list[Row], folder: Path, check: Callable[[Channel, Row], None]) -> None:
    """Does `check` for each row on a channel of its own, some at a time."""

    def one(numbered: tuple[int, Row]) -> str | None:
        id, row = numbered
        with ExitStack() as stack, Monitor(server.target) as monitor:
            channel = Channel(server.client, monitor, id, folder, stack)
            try:
                check(channel, row)
            except AssertionError as error:
                return f"{row.state}, {row.input}: {error}"
            finally:
                server.client.StopChannel(channel_id=id)
        return None

    assert rows
    with ThreadPoolExecutor(8) as pool:
        wrong = [told for told in pool.map(one, enumerate(rows)) if told]
    assert wrong == []


def assert_answers(reply: Any, row: Row) -> None:
    """Success, text and code are the row's."""
    code, _, text = row.reply.partition(": ")
    assert (reply.success, reply.message) == (code == "Ok", text), reply
    assert getattr(reply, "result_code", CODES[code]) == CODES[code]


def word(state: str) -> str:
    """`preview armed(P, when cued)` in a word of the monitor's."""
    return state.split()[1].split("(")[0].strip(",")


def test_every_call_in_every_state_of_the_preview(server: AirServer, tmp_path: Path) -> None:
    """CS-15, CS-7, CS-8, CS-9, CS-11, CS-12: the reply, its code, and the state after it."""

    def check(channel: Channel, row: Row) -> None:
        channel.client.start(channel.id)
        channel.client.take(BARS, channel.id)  # so that no switch waits for four seconds
        channel.arrange(row.state)
        assert channel.preview == word(row.state)
        assert_answers(ASK[row.input](channel), row)
        becomes, *live = row.becomes.split("; ")
        expected = word(row.state if becomes == "–" else becomes)
        # What is loaded now is cued at once.
        assert wait_until(lambda: channel.preview in (expected, "cued" if expected == "cueing" else expected))
        assert channel.monitor.live(channel.id) == "rolling"
        assert live in ([], ["live rolling(P)"])

    walk(server, rows("Preview"), tmp_path, check)


def test_other_calls_leave_the_preview_as_it_is(server: AirServer, tmp_path: Path) -> None:
    """CS-15, CS-2, CS-5, CS-14, R-21: in every state of it; and Stop works in each."""
    replies = {row.input: row for row in rows("The session") + rows("Output") if "attached(S)" not in row.state}
    order = ("Start", "UpdatePlan", "Detach", "Attach", "Stop")

    def check(channel: Channel, row: Row) -> None:
        channel.client.start(channel.id)
        channel.client.take(BARS, channel.id)
        channel.arrange(row.state)
        for input in order:
            assert channel.preview == word(row.state)
            assert_answers(ASK[input](channel), replies[input])
        assert channel.monitor.status(channel.id) is None

    states = [state for state in ARRANGE if state.startswith("preview")]
    walk(server, [Row(state, "others", "", "", "") for state in states], tmp_path, check)


def test_every_call_in_every_state_of_the_live_slot_and_the_output(server: AirServer, tmp_path: Path) -> None:
    """CS-15, TR-6, TR-8, SL-2."""

    def check(channel: Channel, row: Row) -> None:
        channel.client.start(channel.id)
        channel.arrange(row.state)
        assert_answers(ASK[row.input](channel), row)
        if row.state.startswith("live"):
            assert (channel.preview, channel.monitor.live(channel.id)) == ("empty", "rolling")
            assert channel.monitor.status(channel.id).live_asset == BARS
            return
        is_attached = "output attached" in (row.state if row.becomes == "–" else row.becomes)
        assert channel.client.DetachStream(channel_id=channel.id).message == (
            "detached" if is_attached else "nothing is attached"
        )

    walk(server, rows("Live") + rows("Output"), tmp_path, check)


def test_every_call_without_a_session(server: AirServer, tmp_path: Path) -> None:
    """CS-15, CS-6, CS-14, TR-1."""

    def check(channel: Channel, row: Row) -> None:
        assert_answers(ASK[row.input](channel), row)
        assert (channel.monitor.status(channel.id) is not None) == (row.input == "Start")

    table = rows("Without a session")
    assert {row.input for row in table} == {"Start", "Stop", "Load", "Switch now", "Attach", "Detach", "UpdatePlan"}
    walk(server, table, tmp_path, check)
