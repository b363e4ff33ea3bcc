"""A plan rendered to a file, and the judge on what came out."""

from __future__ import annotations

from pathlib import Path

import pytest

from air_py import AirError, ProgramFormat, Progress, Segment, SinkConfig, check, render

pytestmark = pytest.mark.engine

FORMAT = ProgramFormat(640, 360, "25/1")
SINK = SinkConfig(preset="ultrafast", video_bitrate=500_000)
PLAN = [Segment("pattern:bars", duration_ms=2000), Segment("pattern:black", duration_ms=1000)]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("render") / "out.ts"
    stats = render(PLAN, out, format=FORMAT, sink=SINK)
    assert (stats.ticks, stats.bytes) == (75, out.stat().st_size)
    return out


def test_the_file_is_clean_by_the_house_s_own_limits(rendered: Path) -> None:
    report = check(rendered, profile="house")
    assert report, report.checks
    video, audio = report.facts.streams
    assert (video.units, video.idr_pictures) == (75, 3)
    # Whole frames, to the last sample.
    assert audio.units == -(-3 * 48000 // 1024)


def test_the_same_plan_gives_the_same_bytes(rendered: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.ts"
    render(PLAN, again, format=FORMAT, sink=SINK)
    assert again.read_bytes() == rendered.read_bytes()


def test_bytes_and_file_are_judged_alike(rendered: Path) -> None:
    data = rendered.read_bytes()
    assert check(data) == check(bytearray(data)) == check(memoryview(data)) == check(rendered) == check(str(rendered))


def test_a_missing_packet_is_found_where_it_is_missing(rendered: Path) -> None:
    data = rendered.read_bytes()
    video = check(data).facts.streams[0].pid
    position = next(index for index in range(len(data) // 376, len(data) // 188) if counts(data, index, video))
    report = check(data[: position * 188] + data[(position + 1) * 188 :])
    assert not report.is_clean
    finding = next(finding for finding in report.findings if "Continuity" in finding.check)
    assert (finding.severity, finding.pid) == ("hard", video) and finding.packet >= position
    assert report.to_dict()["findings"]


def counts(data: bytes, index: int, pid: int) -> bool:
    """Whether that packet is one of ``pid`` with a payload: others do not move the continuity counter."""
    header = data[index * 188 : index * 188 + 4]
    return int.from_bytes(header[1:3], "big") & 0x1FFF == pid and bool(header[3] & 0x10)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="strict"):
        check(b"", profile="strict")  # type: ignore[arg-type]


def test_an_asset_that_cannot_be_played_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(AirError, match=r"nonexistent\.mp4"):
        render(["/nonexistent.mp4"], tmp_path / "out.ts", format=FORMAT, sink=SINK)


LONG = [Segment("pattern:bars", duration_ms=3_600_000)]


def test_progress_can_cancel(tmp_path: Path) -> None:
    seen: list[Progress] = []

    def stop(progress: Progress) -> bool:
        seen.append(progress)
        return False

    with pytest.raises(AirError):
        render(LONG, tmp_path / "out.ts", format=FORMAT, sink=SINK, progress=stop)
    assert len(seen) == 1


def test_an_exception_in_progress_comes_through(tmp_path: Path) -> None:
    def fail(progress: Progress) -> None:
        raise LookupError(progress)

    with pytest.raises(LookupError):
        render(LONG, tmp_path / "out.ts", format=FORMAT, sink=SINK, progress=fail)
