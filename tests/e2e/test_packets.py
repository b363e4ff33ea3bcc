"""The packet reader, against a stream of another muxer."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.packets import PACKET, Stream, nal_types
from tests.media import Clip, make


@pytest.fixture(scope="module")
def clip() -> Path:
    return make(Clip(container="ts", b_frames=0))


def test_stamps_and_pids_are_those_ffprobe_reads(clip: Path) -> None:
    stream = Stream(clip.read_bytes())
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "packet=pts,codec_type:stream=id"]
    probed = json.loads(subprocess.run([*command, clip], check=True, capture_output=True).stdout)
    assert [int(s["id"], 16) for s in probed["streams"]] == [stream.video_pid, stream.audio_pid]
    assert [p.pts for p in stream.video] == [p["pts"] for p in probed["packets"] if p["codec_type"] == "video"]
    frames = [p["pts"] for p in probed["packets"] if p["codec_type"] == "audio"]
    assert [pts for _, pts in stream.audio_frames()] == [frames[i] for i, _ in stream.audio_frames()]


def test_access_units_pcr_and_tables_are_found(clip: Path) -> None:
    stream = Stream(clip.read_bytes())
    assert {7, 8, 5} <= set(nal_types(stream.video[0].data))
    assert stream.video[0].random_access
    assert len(stream.video) == 120
    assert all(a < b for (_, a), (_, b) in pairwise(stream.pcrs))
    assert 0 < max(stream.ms_between_psi(0)) < 500


def test_a_lost_packet_is_a_continuity_fault_and_a_torn_one_is_refused(clip: Path) -> None:
    data = clip.read_bytes()
    whole = Stream(data)
    assert whole.continuity_faults() == []
    lost = whole.video[5].packet
    assert Stream(data[: lost * PACKET] + data[(lost + 1) * PACKET :]).continuity_faults()
    with pytest.raises(ValueError, match="sync byte"):
        Stream(data[: lost * PACKET + 100] + data[(lost + 1) * PACKET :])
