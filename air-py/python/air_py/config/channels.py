"""The tables ``[[channel]]`` of a channels file as channels, with their media looked up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..channel import DEFAULT_FORMAT, Channel
from ..schedule import Blocks, DailyBlock, DatedBlock, Entry, Filler, Grid, Item, Library, Playlist, resolve
from ..schedule.grid import EVERY_DAY
from ..sink import SinkConfig
from .document import ConfigProblem, Place, Table
from .trial import Trials
from .values import boolean, clock, day, moment, program_format, text, texts, url, whole, zone

__all__ = ["Lookup", "read_channel"]

_LONGEST_MS = 366 * 86_400_000
"""No asset plays for a year. What is computed from more leaves the years of calendars, and the engine's integers."""
_OFFSET_MS = whole(0, _LONGEST_MS)
_DURATION_MS = whole(1, _LONGEST_MS)
_HIDDEN = "never airs, since a block after it begins at the same time"


@dataclass
class Lookup:
    """Where media are looked for, what of them was missing, and what the engine says of settings."""

    folder: Path
    """Where relative paths begin."""
    roots: tuple[Path, ...]
    """Folders that every file has to lie in."""
    library: Library
    trials: Trials = field(default_factory=Trials)
    warnings: list[ConfigProblem] = field(default_factory=list)
    """What will be skipped on air."""

    def items(self, table: Table, key: str, rate: Fraction) -> tuple[Item, ...]:
        """The media list ``key`` of ``table``; outsiders are problems, what cannot be played is a warning."""
        found = [(place, self._entry(place, value, table)) for place, value in table.each(key)]
        named = [(place, entry) for place, entry in found if entry]
        media = resolve([entry for _, entry in named], rate, self.library, self.roots)
        for trouble in media.troubles:
            place = named[trouble.entry][0]
            if trouble.is_outside:
                table.notes.add(place, trouble.reason)
            else:
                self.warnings.append(table.notes.problem(place, trouble.reason))
        return media.items

    def _entry(self, place: Place, value: Any, owner: Table) -> Entry | None:
        """One element of a media list: a name, or a table with the name of a file and what is said of it."""
        if not isinstance(value, (str, Mapping)):
            owner.notes.add(place, f'must be the name of a file in quotes, or {{ file = "…" }}, not {value!r}')
            return None
        table = Table({"file": value} if isinstance(value, str) else value, place, owner.notes)
        source = table.need("file", _source, "", '"film.mp4"')
        entry = Entry(
            source if source.startswith("pattern:") else os.path.join(self.folder, source),
            table.get("title", text, "") or None,
            table.get("description", text, ""),
            table.get("start_offset_ms", _OFFSET_MS, 0),
            table.get("duration_ms", _DURATION_MS, 0) or None,
        )
        table.close()
        return entry if source else None


def read_channel(table: Table, lookup: Lookup, taken: set[int]) -> Channel:
    """The channel that ``table`` describes, made up where the notes say that something is wrong.

    :param taken: the ids of other channels, to which its own is added.
    """
    channel_id = table.need("id", lambda value: _free(value, taken), 1, "1")
    name = table.need("name", text, f"Channel {channel_id}", '"News"')
    house = table.get("format", program_format, DEFAULT_FORMAT)
    sink = _sink(table.table("sink"))
    if refusal := lookup.trials.refusal(house, sink):
        table.notes.add((*table.place, refusal[0]), refusal[1])
    logo = table.get("logo", url, "") or None
    home = table.get("timezone", zone, ZoneInfo("UTC"))
    rate = Fraction(house.frame_rate)
    playlist = _playlist(table.table("playlist"), home, rate, lookup)
    filler = Filler(lookup.items(table, "filler", rate), rate)
    blocks = [(each.place, _block(each, home, rate, lookup)) for each in table.tables("block")]
    dated = tuple(block for _, block in blocks if isinstance(block, DatedBlock))
    daily = tuple(block for _, block in blocks if isinstance(block, DailyBlock))
    lookup.warnings += [table.notes.problem(place, _HIDDEN) for place in _hidden(blocks)]
    if "playlist" not in table and "block" not in table:
        table.notes.add(table.place, "has nothing to air: wants a [channel.playlist] or a [[channel.block]]")
    table.close()
    schedule = Grid(Blocks(dated, daily, home, rate), playlist, filler)
    return Channel(channel_id, name, schedule, house, sink, logo, filler)


def _free(value: Any, taken: set[int]) -> int:
    number = whole(1, 2**31 - 1)(value)
    if number in taken:
        raise ValueError(f"{number} is another channel's already")
    taken.add(number)
    return number


def _sink(table: Table | None) -> SinkConfig:
    if table is None:
        return SinkConfig()
    kinds = {"str | None": text, "int | None": whole(0), "Mapping[str, str]": texts}
    settings: dict[str, Any] = {
        each.name: table.get(each.name, kinds[str(each.type)], None) for each in fields(SinkConfig)
    }
    table.close()
    try:
        return SinkConfig(**{name: value for name, value in settings.items() if value is not None})
    except ValueError as error:
        table.notes.add(table.place, str(error))
        return SinkConfig()


def _playlist(table: Table | None, home: ZoneInfo, rate: Fraction, lookup: Lookup) -> Playlist | None:
    if table is None:
        return None
    _want_media(table)
    items = lookup.items(table, "media", rate)
    epoch_ms = table.get("epoch", lambda value: moment(value, home), None)
    loop = table.get("loop", boolean, True)
    seed = table.get("shuffle", whole(0), None)
    if not loop and epoch_ms is None:
        table.notes.add(table.place, "has no epoch, such as epoch = 2027-01-01T20:15:00Z: when does it begin?")
    table.close()
    return Playlist(items, rate, epoch_ms or 0, loop, seed)


def _block(table: Table, home: ZoneInfo, rate: Fraction, lookup: Lookup) -> DatedBlock | DailyBlock | None:
    _want_media(table)
    items = lookup.items(table, "media", rate)
    start_ms = table.get("start", lambda value: moment(value, home), None)
    daily = table.get("daily", clock, None)
    days = frozenset(table.array("days", day))
    table.close()
    if ("start" in table) == ("daily" in table):
        table.notes.add(table.place, "wants either start = 2027-01-01T20:15:00+01:00 or daily = 20:15:00")
    elif "days" in table and "daily" not in table:
        table.notes.add((*table.place, "days"), "goes with daily only")
    if start_ms is not None:
        return DatedBlock(start_ms, items)
    return None if daily is None else DailyBlock(daily, items, days or EVERY_DAY)


def _hidden(blocks: Sequence[tuple[Place, DatedBlock | DailyBlock | None]]) -> Iterator[Place]:
    """Where the blocks are that another one cuts before they begin."""
    for number, (place, block) in enumerate(blocks):
        for _, later in blocks[number + 1 :]:
            match block, later:
                case (DatedBlock(), DatedBlock()) if block.start_ms == later.start_ms:
                    yield place
                case (DailyBlock(), DailyBlock()) if block.start == later.start and block.days <= later.days:
                    yield place


def _want_media(table: Table) -> None:
    if "media" not in table:
        table.notes.add(table.place, 'has no media, such as media = ["film.mp4", "shows/*.mkv"]')


def _source(value: Any) -> str:
    name = text(value)
    if "://" in name:
        raise ValueError(f"only local files are played, no URL: {name}")
    return name
