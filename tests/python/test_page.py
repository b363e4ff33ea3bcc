"""The files of the web page, without a browser."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from air_py import page


def test_every_file_of_the_page_is_offered_and_nothing_else() -> None:
    folder = Path(page.__file__).parent
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if "__" not in str(path.relative_to(folder))
    }
    assert set(page.files()) == there
    assert "../__init__.py" not in page.files() and "__init__.py" not in page.files()


def test_a_file_has_a_type_and_a_tag_of_its_own() -> None:
    files = page.files()
    assert files["index.html"].media_type == "text/html; charset=utf-8"
    assert {file.media_type for name, file in files.items() if name.endswith(".js")} == {
        "text/javascript; charset=utf-8"
    }
    assert all(re.fullmatch('"[0-9a-f]{16}"', file.etag) for file in files.values())
    assert len({file.etag for file in files.values()}) == len(files)
    assert page.files() is files, "read more than once"


def test_nothing_comes_from_elsewhere_and_no_script_or_style_is_inline() -> None:
    """What the content security policy would refuse in the browser shows here first."""
    files = page.files()
    html = files["index.html"].body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=", html)
    for name, file in files.items():
        if not name.startswith("vendor/") and name != "icon.svg":
            addresses = re.findall(r"https?://[^\s\"')]+", file.body.decode())
            assert [one for one in addresses if one != "http://www.w3.org/2000/svg"] == [], name


def test_every_file_the_page_names_is_there() -> None:
    files = page.files()
    html = files["index.html"].body.decode()
    named = {name for name in re.findall(r'(?:href|src)="page/([^"]+)"', html)}
    for name, file in files.items():
        if name.endswith(".js") and not name.startswith("vendor/"):
            named |= set(re.findall(r'from "\./([^"]+)"', file.body.decode()))
    assert named <= set(files)
    assert {"main.js", "player.js", "style.css", "icon.svg"} <= named


def test_the_vendored_player_is_as_published_with_its_licence_beside_it() -> None:
    published = "bda31748736a69cb610c2edf4623e633f1f4f47b5bda83668c8d287e51b0c3a8"
    assert hashlib.sha256(page.files()["vendor/mpegts.js"].body).hexdigest() == published
    licence = page.files()["vendor/mpegts.js.LICENSE"].body.decode()
    assert "Apache License" in licence and "es6-promise" in licence
