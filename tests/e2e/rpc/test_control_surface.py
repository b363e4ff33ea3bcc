"""What each call does and refuses: the contract's control surface, over gRPC."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import (
    FAILED,
    NOT_READY,
    OK,
    PROTOCOL_VIOLATION,
    REJECTED_BUSY,
    SMALL,
    Client,
    expect,
    format_json,
    refused,
)
from tests.e2e.hanging import FAR_MS, feed, never
from tests.e2e.host import Listener, wait_until
from tests.e2e.packets import Stream
from tests.e2e.server import thread_names
from tests.media import ODD, Clip, make, make_odd

BARS = "pattern:bars"


@pytest.mark.parametrize("plan", ["/no/such/plan", "mock", ""])
def test_a_plan_is_a_word_and_no_file(plan: str, client: Client) -> None:
    """CS-1, R-17."""
    expect(client.StartChannel(channel_id=1, plan_handle=plan, port=1, program_format_json=SMALL))
    expect(client.UpdatePlan(channel_id=1, plan_handle=plan))


def test_starting_a_channel_opens_no_file(tmp_path: Path) -> None:
    """CS-1: the system calls of it are looked at, for a plan that is a file."""
    plan, trace = make(Clip()), tmp_path / "trace"
    strace = ["strace", "-f", "-e", "trace=open,openat,openat2,stat,newfstatat,statx,access,readlink", "-o", str(trace)]
    with AirServer(wrapped_in=strace) as server:
        expect(server.client.StartChannel(channel_id=1, plan_handle=str(plan), program_format_json=SMALL))
        expect(server.client.UpdatePlan(channel_id=1, plan_handle=str(plan)))
        server.client.load(make(Clip(container="ts")))
        os.kill(child_of(server.pid), signal.SIGTERM)  # strace leaves with what it ran
        server.process.wait(5)
    opened = trace.read_text()
    assert make(Clip(container="ts")).name in opened, "the trace shows what is opened"
    assert plan.name not in opened


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_second_start_changes_nothing(client: Client) -> None:
    """CS-2, PF-4: the size on air is still the first one's."""
    client.start()
    expect(client.StartChannel(channel_id=1, program_format_json=format_json(640, 360)))
    expect(client.StartChannel(channel_id=1, program_format_json="no format"))
    with Listener() as listener:
        client.attach(listener.endpoint)
        client.take(BARS)
        parameter_sets = bytes(Stream(listener.read_for(1)).video[0].data).split(b"\0\0\1")
    (sps,) = (nal for nal in parameter_sets if nal[:1] and nal[0] & 31 == 7)
    with AirServer() as other, Listener() as listener:
        other.client.start()
        other.client.attach(listener.endpoint)
        other.client.take(BARS)
        assert sps in bytes(Stream(listener.read_for(1)).video[0].data)


def test_another_channel_is_refused_while_one_runs(client: Client) -> None:
    """CS-3: and the one that runs goes on."""
    client.start(1)
    with Listener() as listener:
        client.attach(listener.endpoint)
        client.take(BARS)
        assert "1" in refused(client.StartChannel(channel_id=2, program_format_json=SMALL))
        refused(client.LoadPreview(channel_id=2, asset_path=BARS), PROTOCOL_VIOLATION)
        assert Stream(listener.read_for(1)).continuity_faults() == []
    expect(client.StopChannel(channel_id=1))
    client.start(2)


@pytest.mark.parametrize("channel_id", [0, -1, 2**31 - 1, -(2**31)])
def test_any_number_is_a_channel(channel_id: int, client: Client) -> None:
    """CS-4."""
    with client.channel(channel_id):
        client.take(BARS, channel_id)
        refused(client.SwitchToLive(channel_id=channel_id), PROTOCOL_VIOLATION)


def test_stopping_leaves_the_process_as_it_was(server: AirServer) -> None:
    """CS-5, TR-9: descriptors and threads; a channel that is not there can be stopped too."""
    client, clip = server.client, make(Clip(size=(320, 180)))

    def cycle() -> None:
        with Listener() as listener:
            client.start()
            client.attach(listener.endpoint)
            client.take(clip)
            client.load(clip)
            expect(client.StopChannel(channel_id=1))
            listener.read_to_end()

    cycle()
    before = server.settled()
    assert before.threads == 3, "the main thread, the log's, and the one that waits for the end"
    for _ in range(5):
        cycle()
    assert server.comes_back_to(before), (before, server.holdings())
    expect(client.StopChannel(channel_id=1))
    expect(client.StopChannel(channel_id=999))


def test_commands_out_of_turn_are_answered(client: Client) -> None:
    """CS-6, CS-7, CS-13, CS-14, TR-1: gRPC's own status is OK; the refusal is in the answer."""
    refused(client.LoadPreview(channel_id=1, asset_path=BARS), PROTOCOL_VIOLATION)
    refused(client.SwitchToLive(channel_id=1), PROTOCOL_VIOLATION)
    refused(client.UpdatePlan(channel_id=1, plan_handle="plan"))
    refused(client.AttachStream(channel_id=1, transport=1, endpoint="/tmp/air"))
    expect(client.DetachStream(channel_id=1))
    client.start()
    refused(client.SwitchToLive(channel_id=1), PROTOCOL_VIOLATION)
    expect(client.UpdatePlan(channel_id=1, plan_handle="plan"))


def test_a_switch_without_preview_disturbs_nothing(client: Client) -> None:
    """CS-7."""
    client.start()
    with Listener() as listener:
        client.attach(listener.endpoint)
        client.take(BARS)
        for _ in range(20):
            refused(client.SwitchToLive(channel_id=1), PROTOCOL_VIOLATION)
        assert Stream(listener.read_for(1)).continuity_faults() == []


def test_a_second_preview_replaces_the_first(server: AirServer) -> None:
    """CS-8: the first one's file is closed, and the second goes on air."""
    client, first, second = server.client, make(Clip()), make(Clip(container="ts"))
    client.start()
    client.load(first)
    assert holds_open(server, first)
    client.load(second)
    assert wait_until(lambda: not holds_open(server, first))
    expect(client.SwitchToLive(channel_id=1))
    assert holds_open(server, second)


def holds_open(server: AirServer, path: Path) -> bool:
    """Whether the server has the file open."""
    links = Path(f"/proc/{server.pid}/fd")
    return any(os.path.realpath(link) == str(path) for link in links.iterdir())


def test_an_armed_switch_keeps_its_preview_and_happens_once(client: Client, tmp_path: Path) -> None:
    """CS-9, CS-11, CS-12, R-3, SW-19: repeated or not, it is one switch, and it is reported once."""
    client.start()
    client.take(BARS)
    with feed(tmp_path) as slow:
        client.load(slow.path, start_offset_ms=FAR_MS)
        for _ in range(5):
            refused(client.SwitchToLive(channel_id=1), NOT_READY)
        busy = refused(client.LoadPreview(channel_id=1, asset_path=BARS), REJECTED_BUSY)
        assert "armed" in busy
        slow.finish()
        assert wait_until(lambda: client.SwitchToLive(channel_id=1).result_code == OK, 5)
        for _ in range(5):
            refused(client.SwitchToLive(channel_id=1), PROTOCOL_VIOLATION)
        client.load(BARS)


@pytest.mark.parametrize("name", [name for name in ODD if name != "hanging.mp4"])
def test_an_asset_that_cannot_be_played_is_refused(name: str, client: Client, tmp_path: Path) -> None:
    """CS-10, CS-13: what is in preview and on air is untouched."""
    if name == "unreadable.mp4" and os.geteuid() == 0:
        pytest.skip("root can read everything")
    client.start()
    client.take(BARS)
    client.load(make(Clip()))
    reply = client.LoadPreview(channel_id=1, asset_path=str(make_odd(name, tmp_path)))
    refused(reply, FAILED)
    assert not reply.shadow_decode_started
    expect(client.SwitchToLive(channel_id=1))


@pytest.mark.parametrize(
    "fields",
    [
        {"asset_path": ""},
        {"asset_path": BARS, "start_offset_ms": -1},
        {"asset_path": "a\0b"},
        {"asset_path": "x" * 9999},
    ],
    ids=["empty", "negative offset", "NUL", "long"],
)
def test_arguments_that_make_no_sense_are_refused(fields: dict[str, object], client: Client) -> None:
    """CS-10, CS-13."""
    client.start()
    refused(client.LoadPreview(channel_id=1, **fields), FAILED)


def test_a_hanging_file_holds_up_no_other_call(client: Client, tmp_path: Path) -> None:
    """CS-16: GetVersion and StopChannel answer while three loads wait."""
    client.start()
    hanging = str(never(tmp_path))
    with ThreadPoolExecutor() as pool:
        loads = [pool.submit(client.LoadPreview, channel_id=1, asset_path=hanging) for _ in range(3)]
        time.sleep(0.3)  # until the first is inside its open
        assert not any(load.done() for load in loads)
        began = time.monotonic()
        assert client.GetVersion().version == "1.0.0"
        expect(client.StopChannel(channel_id=1))
        assert time.monotonic() - began < 1
        for load in loads:
            refused(load.result(), PROTOCOL_VIOLATION)


def test_calls_that_were_given_up_do_not_pile_up(server: AirServer, tmp_path: Path) -> None:
    """CS-16: a client that asks for a hanging file again and again takes no thread for each time."""
    client, hanging = server.client, str(never(tmp_path))
    client.start()
    threads = len(thread_names(server.pid))
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as error:
            client.LoadPreview(channel_id=1, asset_path=hanging, timeout=0.02)
        # The client's clock or the server's may be first.
        assert error.value.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
    assert len(thread_names(server.pid)) < threads + 10
    began = time.monotonic()
    expect(client.StopChannel(channel_id=1))
    assert time.monotonic() - began < 1


def test_a_client_that_is_killed_in_its_call_leaves_nothing_behind(server: AirServer, tmp_path: Path) -> None:
    """CS-16: the next client finds the channel as it was, and no thread of the call."""
    client = server.client
    client.start()
    client.take(BARS)
    script = (
        "import sys; from tests.e2e.control_plane import Client; c = Client(sys.argv[1]); c.GetVersion()\n"
        "print('calls', flush=True); c.LoadPreview(channel_id=1, asset_path=sys.argv[2], timeout=30)"
    )
    before = server.settled()
    command: list[str | Path] = [sys.executable, "-c", script, server.target, never(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout
        assert caller.stdout.readline() == "calls\n"
        time.sleep(0.3)  # until the call is inside
        caller.kill()
    assert client.is_answered()
    client.load(BARS)
    expect(client.SwitchToLive(channel_id=1))
    assert server.comes_back_to(before, 5), (before, server.holdings())
