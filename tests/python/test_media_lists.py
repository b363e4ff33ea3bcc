"""Media lists: what people name, in the order they expect, as long as it plays."""

from __future__ import annotations

import logging
import os
import random
from fractions import Fraction
from pathlib import Path

import pytest

from air_py import AirError, MediaInfo
from air_py.schedule import Entry, Item, Library, Playlist, resolve
from air_py.schedule.media import Media, natural, readable

NTSC = Fraction(30000, 1001)
PAL = Fraction(25)


def info(duration_ns: int | None) -> MediaInfo:
    return MediaInfo(duration_ns, 640, 360, "25/1", "h264", "aac", 2, 48000, duration_ns is None)


@pytest.fixture(autouse=True)
def lengths(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """Lengths of files by their names, in nanoseconds; of others it is two seconds. Nothing is opened."""
    known: dict[str, int | None] = {}

    def probe(asset: str) -> MediaInfo:
        if asset.startswith("pattern:"):
            return info(None)
        if not os.path.exists(asset):
            raise AirError(f"{asset}: No such file")
        return info(known.get(os.path.basename(asset), 2_000_000_000))

    monkeypatch.setattr("air_py.schedule.library.probe", probe)
    return known


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    return path


def found(media: Media, path: Path) -> list[str]:
    return [os.path.relpath(item.asset, path) for item in media.items]


def looked_up(*sources: str | Path | Entry, rate: Fraction = PAL, roots: list[Path] | None = None) -> Media:
    entries = [source if isinstance(source, Entry) else Entry(str(source)) for source in sources]
    return resolve(entries, rate, Library(), roots)


def test_a_folder_is_its_media_and_those_below_in_natural_order(tmp_path: Path) -> None:
    names = ["Part 1.mp4", "part 2.MKV", "Part 10.mp4", "Season 2/1.ts", "Season 10/1.ts"]
    shuffled = random.Random(1).sample(names, len(names))
    folder(tmp_path, *shuffled, "cover.jpg", "notes.txt", ".hidden.mp4", ".trash/a.mp4", "._Part 1.mp4")
    media = looked_up(tmp_path)
    assert found(media, tmp_path) == names and media.troubles == ()


def test_a_glob_is_what_it_matches_in_natural_order(tmp_path: Path) -> None:
    folder(tmp_path, "a10.mp4", "a9.mp4", "b.mp4", "x/a1.mp4", "a11.mp4/inside.mp4")
    assert found(looked_up(f"{tmp_path}/a*.mp4"), tmp_path) == ["a9.mp4", "a10.mp4"]
    assert found(looked_up(f"{tmp_path}/**/a*.mp4"), tmp_path) == ["a9.mp4", "a10.mp4", "x/a1.mp4"]


def test_a_glob_finds_a_file_once_whatever_links_to_its_folder(tmp_path: Path) -> None:
    folder(tmp_path, "shows/1.mp4")
    (tmp_path / "shows/all").symlink_to("..")
    (tmp_path / "shows/2.mp4").symlink_to("1.mp4")
    assert found(looked_up(f"{tmp_path}/**/*.mp4"), tmp_path) == ["shows/1.mp4", "shows/2.mp4"]


def test_a_file_with_marks_of_a_glob_in_its_name_is_that_file(tmp_path: Path) -> None:
    folder(tmp_path, "film [2010]*.mp4", "film 2.mp4")
    assert found(looked_up(tmp_path / "film [2010]*.mp4"), tmp_path) == ["film [2010]*.mp4"]


def test_the_same_file_may_come_twice(tmp_path: Path) -> None:
    folder(tmp_path, "a.mp4", "b.mp4")
    assert found(looked_up(tmp_path / "b.mp4", tmp_path), tmp_path) == ["b.mp4", "a.mp4", "b.mp4"]


def test_what_is_not_there_is_told_and_left_out(tmp_path: Path) -> None:
    folder(tmp_path, "a.mp4").joinpath("empty").mkdir()
    media = looked_up(tmp_path / "missing.mp4", tmp_path / "a.mp4", tmp_path / "empty", f"{tmp_path}/*.mkv")
    assert found(media, tmp_path) == ["a.mp4"]
    assert [trouble.entry for trouble in media.troubles] == [0, 2, 3]


def test_names_that_are_no_text_are_told_and_left_out(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))).touch()
    media = looked_up(tmp_path)
    assert media.items == () and "not UTF-8" in media.troubles[0].reason


def test_links_that_lead_out_of_the_roots_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "root", "a.mp4")
    folder(tmp_path, "secret.mp4")
    (root / "b.mp4").symlink_to(tmp_path / "secret.mp4")
    (root / "c.mp4").symlink_to(root / "a.mp4")
    media = looked_up(root, f"{root}/../secret.mp4", "pattern:bars", roots=[root])
    assert [item.title for item in media.items] == ["a", "c", "Bars"]
    assert [(trouble.entry, trouble.is_outside) for trouble in media.troubles] == [(0, True), (1, True)]


@pytest.mark.parametrize(
    "duration_ns, rate, frames",
    [
        (2_000_000_000, PAL, 50),
        (2_000_000_001, PAL, 50),  # Within a microsecond, as for the engine, an instant is the same.
        (2_000_002_000, PAL, 51),
        (3_970_633_333, NTSC, 119),
        (33_366_667, NTSC, 1),
        (1, PAL, 1),
        (1_001_000_000 * 3600, NTSC, 108_000),
    ],
)
def test_lengths_are_whole_frames_that_hold_every_picture(
    duration_ns: int, rate: Fraction, frames: int, tmp_path: Path, lengths: dict[str, int | None]
) -> None:
    lengths["a.mp4"] = duration_ns
    (item,) = looked_up(folder(tmp_path, "a.mp4") / "a.mp4", rate=rate).items
    assert item.frames == frames


def test_offset_and_duration_cut_an_item(tmp_path: Path) -> None:
    path = str(folder(tmp_path, "a.mp4") / "a.mp4")
    media = looked_up(
        Entry(path, start_offset_ms=500),
        Entry(path, duration_ms=400),
        Entry(path, start_offset_ms=1500, duration_ms=9000),
        Entry(path, start_offset_ms=2000),
    )
    assert [(item.offset_ms, item.frames) for item in media.items] == [(500, 38), (0, 10), (1500, 13)]
    assert media.troubles[0].reason.endswith("is 2000 ms long, and would begin at 2000 ms")


def test_what_has_no_end_has_an_hour_unless_it_is_told(tmp_path: Path, lengths: dict[str, int | None]) -> None:
    lengths["still.png"] = None
    still = folder(tmp_path, "still.png") / "still.png"
    media = looked_up(still, Entry(str(still), duration_ms=10_000), "pattern:bars")
    assert [item.frames for item in media.items] == [90_000, 250, 90_000]


def test_titles_are_the_names_of_files_made_readable(tmp_path: Path) -> None:
    titles = {
        "/m/Lights, camera, action.mp4": "Lights, camera, action",
        "The_Late_Show.mkv": "The Late Show",
        "Some.Film.2010.mp4": "Some Film 2010",
        "Dr. Who - 1.5.mp4": "Dr. Who - 1.5",
        "_.mp4": "_",
        "pattern:bars": "Bars",
    }
    assert {name: readable(name) for name in titles} == titles
    told = Entry(str(folder(tmp_path, "x.mp4") / "x.mp4"), "A Title", "And what it is.")
    assert [(item.title, item.description) for item in looked_up(told).items] == [("A Title", "And what it is.")]


def test_natural_order_is_total() -> None:
    names = ["10", "9", "a1b", "a1", "A1", "a01", "", "1a", "ä", "a\ud800"]
    assert len(sorted(names, key=natural)) == len(names)
    assert sorted(["b10", "b9", "B1"], key=natural) == ["B1", "b9", "b10"]


def test_a_playlist_is_made_of_what_can_be_played(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = str(folder(tmp_path, "a.mp4") / "a.mp4")
    with caplog.at_level(logging.WARNING, "air.schedule"):
        playlist = Playlist.of([path, str(tmp_path / "no.mp4")], "30000/1001", epoch_ms=5)
    assert playlist == Playlist((Item(path, "a", 60, picture_ms=40),), NTSC, 5)
    assert "no.mp4: No such file" in caplog.text
