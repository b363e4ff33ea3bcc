"""A TOML file whose every value knows its line, and tables that are asked key by key.

What is wrong is noted, and reading goes on with a default: whoever wrote the file learns all of it at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from .. import _air

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ConfigError", "ConfigProblem", "Notes", "Table", "parse", "suggestion"]

_Value = TypeVar("_Value")
_Default = TypeVar("_Default")
Place = tuple[str | int, ...]
"""The way to a value: keys of tables, and indices of arrays from 0."""

_WHERE = re.compile(r"(?P<message>.*) \(at line (?P<line>\d+), column \d+\)", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True)
class ConfigProblem:
    """One thing that is wrong with a file."""

    line: int
    """From 1."""
    key: str
    """As in ``channel[2].block[1].start``, counted from 1; empty for the file as a whole."""
    message: str
    """What is wrong, and what would be right."""

    def __str__(self) -> str:
        return f"{self.line}: {self.key}: {self.message}" if self.key else f"{self.line}: {self.message}"


class ConfigError(ValueError):
    """A file is of no use. Its text has a line ``FILE:LINE: KEY: …`` for each problem."""

    def __init__(
        self, path: str | os.PathLike[str], problems: list[ConfigProblem], warnings: Sequence[ConfigProblem] = ()
    ) -> None:
        super().__init__("\n".join(f"{os.fspath(path)}:{problem}" for problem in problems))
        self.path = path
        self.problems = problems
        self.warnings = tuple(warnings)
        """What would not keep it from being of use."""


class Notes:
    """The problems found so far, by their lines."""

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self._lines = lines
        self.problems: list[ConfigProblem] = []

    def add(self, place: Place, message: str) -> None:
        """Notes what is wrong at ``place``."""
        self.problems.append(self.problem(place, message))

    def problem(self, place: Place, message: str) -> ConfigProblem:
        """A problem at ``place``, on the line of what is nearest above it if nothing stands there."""
        line = next((self._lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in self._lines), 1)
        return ConfigProblem(line, _spelt(place), message)


class Table:
    """A table of the file; each key that can be in it is asked for once, then :meth:`close` tells the others."""

    def __init__(self, values: Mapping[str, Any], place: Place, notes: Notes) -> None:
        self._values = values
        self._asked: list[str] = []
        self.place = place
        self.notes = notes

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str, convert: Callable[[Any], _Value], default: _Default) -> _Value | _Default:
        """The value of ``key``; ``default`` if it is not there, or ``convert`` raises a ``ValueError`` on it."""
        self._asked.append(key)
        if key not in self._values:
            return default
        return self._converted((*self.place, key), self._values[key], convert, default)

    def need(self, key: str, convert: Callable[[Any], _Value], default: _Default, example: str) -> _Value | _Default:
        """As :meth:`get`, for a key that has to be there."""
        if key not in self._values:
            self.notes.add(self.place, f"has no {key}, such as {key} = {example}")
        return self.get(key, convert, default)

    def each(self, key: str) -> Iterator[tuple[Place, Any]]:
        """The values of an array, which need not be there, with the places of their own."""
        values: list[Any] = self.get(key, _array, [])
        yield from (((*self.place, key, index), value) for index, value in enumerate(values))

    def array(self, key: str, convert: Callable[[Any], _Value]) -> list[_Value]:
        """The values of an array, without those on which ``convert`` raises a ``ValueError``."""
        kept = []
        for place, value in self.each(key):
            try:
                kept.append(convert(value))
            except ValueError as error:
                self.notes.add(place, str(error))
        return kept

    def table(self, key: str) -> Table | None:
        """The table of that name, if there is one."""
        values: Mapping[str, Any] | None = self.get(key, _mapping, None)
        return None if values is None else Table(values, (*self.place, key), self.notes)

    def tables(self, key: str) -> Iterator[Table]:
        """The tables ``[[key]]``."""
        for place, value in self.each(key):
            values: Mapping[str, Any] | None = self._converted(place, value, _mapping, None)
            if values is not None:
                yield Table(values, place, self.notes)

    def close(self) -> None:
        """Notes every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                hint = suggestion(key, self._asked) or f"; there are {', '.join(self._asked)}"
                self.notes.add((*self.place, key), f"no such key{hint}")

    def _converted(
        self, place: Place, value: Any, convert: Callable[[Any], _Value], default: _Default
    ) -> _Value | _Default:
        try:
            return convert(value)
        except ValueError as error:
            self.notes.add(place, str(error))
            return default


def parse(path: str | os.PathLike[str]) -> Table:
    """The whole of a file.

    :raises OSError: it cannot be read.
    :raises ConfigError: it is no TOML.
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        text = content.decode()
        return Table(tomllib.loads(text), (), Notes(_air.toml_lines(text)))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, [ConfigProblem(line, "", "is not UTF-8")]) from error
    except RecursionError as error:
        raise ConfigError(path, [ConfigProblem(1, "", "is nested too deep")]) from error
    except tomllib.TOMLDecodeError as error:
        found = _WHERE.fullmatch(str(error))
        line, message = (int(found["line"]), found["message"]) if found else (content.count(b"\n") + 1, str(error))
        raise ConfigError(path, [ConfigProblem(line, "", f"is no TOML: {message}")]) from error
    except ValueError as error:
        number = re.search(rb"[0-9_]{4000}", content)
        line = content.count(b"\n", 0, number.start()) + 1 if number else 1
        raise ConfigError(path, [ConfigProblem(line, "", "holds a number of thousands of digits")]) from error


def suggestion(wrong: str, right: list[str]) -> str:
    """``; did you mean …?``, if something is near."""
    near = get_close_matches(wrong, right, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _spelt(place: Place) -> str:
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += f".{step if _BARE.fullmatch(step) else repr(step)}"
    return text.removeprefix(".")


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"must be an array [ … ], not {value!r}")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, not {value!r}")
    return value
