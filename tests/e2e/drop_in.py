"""`python -m tests.e2e.drop_in STUBS TARGET ENDPOINT ASSET...`: a control plane that was written for another engine.

It has stubs of its own, makes a connection for every call, and repeats none: whatever is not answered with success the
first time ends it. It plays the assets one after the other, each for two seconds, and stops the channel when its
standard input ends.
"""

from __future__ import annotations

import sys
import time

from tests.e2e.control_plane import UDS, Client, expect, format_json, load_stubs

FORMAT = format_json(1920, 1080, "30/1")


def main() -> None:
    """Put the assets on air."""
    stubs, target, endpoint, *assets = sys.argv[1:]
    client = Client(target, load_stubs(stubs))
    assert client.GetVersion().version == "1.0.0"
    expect(client.StartChannel(channel_id=1, plan_handle="/no/such/plan", port=50051, program_format_json=FORMAT))
    for number, asset in enumerate(assets):
        loaded = expect(client.LoadPreview(channel_id=1, asset_path=asset, start_offset_ms=0, hard_stop_time_ms=0))
        assert loaded.shadow_decode_started
        if number == 0:
            attached = expect(client.AttachStream(channel_id=1, transport=UDS, endpoint=endpoint))
            assert (attached.negotiated_transport, attached.negotiated_endpoint) == (UDS, endpoint)
        time.sleep(2 if number else 0)  # loaded ahead, as schedules do it
        assert expect(client.SwitchToLive(channel_id=1)).pts_contiguous
    print("on air", flush=True)
    sys.stdin.read()
    expect(client.StopChannel(channel_id=1))


if __name__ == "__main__":
    main()
