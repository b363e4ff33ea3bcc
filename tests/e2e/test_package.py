"""The package as its users get it: an archive of sources that builds anywhere, and what that installs.

Needs the network, as installing does, and some seconds of the compiler, which has the workspace's dependencies ready.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

ISOLATED = """
from air_py.isolated import IsolatedEngine
with IsolatedEngine() as engine:
    print(engine.get_version())
"""


def run(*command: str | Path, cwd: Path = Path("/")) -> str:
    """What the command says; a failure comes with what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["CARGO_TARGET_DIR"] = str(TARGET)
    ended = subprocess.run(command, text=True, capture_output=True, env=environment, cwd=cwd, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return str(ended.stdout)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of sources."""
    out = tmp_path_factory.mktemp("sdist")
    run(Path(sys.executable).with_name("maturin"), "sdist", "-o", out, cwd=ROOT)
    (archive,) = out.iterdir()
    return archive


@pytest.fixture(scope="module")
def installed(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with what the archive installs there, and nothing else of ours."""
    sources = TARGET / "sdist"  # Always the same, or each run would leave its own artefacts in the target directory.
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    # The compiler goes by the time of files, which is the same in all archives.
    run("tar", "--extract", "--touch", "--strip-components=1", "--file", sdist, cwd=sources)
    environment = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", environment)
    run(environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check", sources)
    return environment / "bin"


def test_the_archive_has_what_building_takes_and_no_binary(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE-MIT", "LICENSE-APACHE", "Cargo.lock", "pyproject.toml"} <= names
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "air-py/python").rglob("*.py*")}
    assert {name for name in package if "__pycache__" not in name} <= names
    assert "air-py/python/air_py/py.typed" in names
    assert not [name for name in names if name.endswith((".so", ".pyc", ".ts", ".mp4"))]


def test_the_wheel_is_for_every_python_from_the_first(installed: Path) -> None:
    """One build serves Python 3.10 and all after it."""
    (wheel,) = (installed.parent / "lib").glob("python3*/site-packages/air_py-*.dist-info/WHEEL")
    assert "Tag: cp310-abi3-linux" in wheel.read_text()


def test_the_core_install_is_small(installed: Path) -> None:
    """Nothing but this package, and what Python itself lacks."""
    listed = run(installed / "pip", "list", "--format=freeze", "--disable-pip-version-check").split()
    assert {line.partition("==")[0] for line in listed} <= {"air-py", "pip", "setuptools", "tomli"}


def test_what_is_installed_renders(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ts"
    said = run(installed / "air-py", "render", "--format", "320x180@25/1", "-o", out, "pattern,dur=400")
    assert "10 frames" in said and out.read_bytes()[:1] == b"\x47"
    run(installed / "air-py", "check", "--profile", "house", out)


def test_what_is_installed_can_run_an_engine_in_its_own_process(installed: Path) -> None:
    assert run(installed / "python", "-c", ISOLATED) == "1.0.0\n"


def test_without_the_extra_serving_says_what_it_lacks(installed: Path) -> None:
    ended = subprocess.run([installed / "air-py", "serve"], capture_output=True, text=True)
    assert ended.returncode == 2 and "pip install air-py[serve]" in ended.stderr
