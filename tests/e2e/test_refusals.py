"""What is not programme material is refused in time, with the reason, and nobody on air notices."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from air_py import ResultCode
from tests.e2e.host import FORMAT, Holdings, Listener, channel, drained, expect, on_air, wait_until
from tests.media import ODD, Clip, make, make_odd

DEADLINE_S = 3.5
"""Three seconds by contract, and room for a busy machine."""


@pytest.mark.parametrize("name", ODD)
def test_bad_media_fail_in_time_and_the_channel_goes_on(name: str, tmp_path: Path) -> None:
    """CS-10, SL-2, L-45: the earlier preview and what is on air are untouched, and nothing is left running."""
    if name == "unreadable.mp4" and os.geteuid() == 0:
        pytest.skip("root can read everything")
    with Listener() as listener, on_air("pattern:bars", listener) as engine, drained(listener):
        expect(engine.load_preview(1, asset_path=make(Clip())))
        before = Holdings.now()
        began = time.monotonic()
        reply = engine.load_preview(1, asset_path=make_odd(name, tmp_path))
        assert time.monotonic() - began < DEADLINE_S
        assert (reply.success, reply.result_code) == (False, ResultCode.FAILED)
        assert reply.message
        assert not reply.shadow_decode_started
        assert wait_until(lambda: Holdings.now() == before)
        status = engine.status()
        assert status is not None
        assert status.counters.black_frames == status.counters.underruns == 0
        expect(engine.switch_to_live(1))


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("template", ["http://{}/a.mp4", "tcp://{}", "concat:{}|{}", "hls+http://{}/a.m3u8"])
def test_addresses_are_not_opened(template: str) -> None:
    """CS-10: media are local files; no connection is even tried."""
    with socket.create_server(("127.0.0.1", 0)) as server, channel() as engine:
        server.settimeout(0.2)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        reply = engine.load_preview(1, asset_path=template.format(address, address))
        assert (reply.success, reply.result_code) == (False, ResultCode.FAILED)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_concat_of_real_files_is_refused() -> None:
    """CS-10: although each part would be welcome."""
    part = make(Clip(container="ts"))
    with channel() as engine:
        assert engine.load_preview(1, asset_path=f"concat:{part}|{part}").result_code == ResultCode.FAILED


@pytest.mark.usefixtures("both_ways")
def test_a_hanging_file_holds_up_no_other_call(tmp_path: Path) -> None:
    """CS-16, FP-12, L-45."""
    with Listener() as listener, on_air("pattern:bars", listener) as engine, drained(listener):
        hanging = make_odd("hanging.mp4", tmp_path)
        loading = threading.Thread(target=engine.load_preview, args=(1,), kwargs={"asset_path": hanging})
        loading.start()
        time.sleep(0.3)  # until the call is inside its open
        began = time.monotonic()
        assert engine.get_version() == "1.0.0"
        expect(engine.stop_channel(1))
        assert time.monotonic() - began < 1
        loading.join()


@pytest.mark.usefixtures("both_ways")
def test_commands_out_of_turn_are_protocol_violations() -> None:
    """CS-3, CS-6, CS-7, CS-14."""
    with channel() as engine:
        assert engine.switch_to_live(1).result_code == ResultCode.PROTOCOL_VIOLATION
        assert not engine.start_channel(2, program_format=FORMAT).success
        assert engine.load_preview(2, asset_path="pattern:bars").result_code == ResultCode.PROTOCOL_VIOLATION
        assert not engine.update_plan(2, plan_handle="plan").success
        expect(engine.update_plan(1, plan_handle="plan"))
