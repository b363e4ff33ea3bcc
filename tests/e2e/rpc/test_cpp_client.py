"""A control plane in C++, with stubs that Debian's protoc makes of the server's own proto."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.air_server import AirServer
from tests.e2e.control_plane import SMALL
from tests.e2e.host import Listener
from tests.e2e.test_sink import assert_starts_clean
from tests.media import cache_folder

ROOT = Path(__file__).parents[3]
SOURCE, PROTO = ROOT / "tests" / "cpp" / "client.cc", ROOT / "protos" / "playout.proto"


def built() -> Path:
    """The client's program, compiled when there is none of these sources yet: that takes longer than all it does."""
    key = hashlib.sha256(SOURCE.read_bytes() + PROTO.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:12]
    program = cache_folder() / f"cpp-client-{key}"
    if not program.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
            build(Path(scratch)).replace(program)
    return program


def build(folder: Path) -> Path:
    """The program in a folder. Unoptimised: it runs for a second."""
    stubs = [f"--cpp_out={folder}", f"--grpc_out={folder}", "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin"]
    subprocess.run(["/usr/bin/protoc", f"-I{PROTO.parent}", *stubs, PROTO.name], check=True)
    sources = [SOURCE, folder / "playout.pb.cc", folder / "playout.grpc.pb.cc"]
    objects = [folder / f"{path.stem}.o" for path in sources]
    compiler: list[str | Path] = ["c++", "-std=c++17", "-O0", "-Wall", "-Werror", f"-I{folder}"]
    compiling = [subprocess.Popen([*compiler, "-c", path, "-o", to]) for path, to in zip(sources, objects, strict=True)]
    assert [process.wait() for process in compiling] == [0, 0, 0]
    libraries = subprocess.check_output(["pkg-config", "--libs", "grpc++", "protobuf"], text=True).split()
    program = folder / "client"
    subprocess.run(["c++", *objects, "-o", program, *libraries], check=True)
    return program


def test_a_control_plane_in_cpp_plays() -> None:
    """PR-1: all eight RPCs, each over a connection of its own."""
    with AirServer(tcp=True) as server, Listener() as listener:
        command: list[str | Path] = [built(), server.target, "pattern:bars", listener.endpoint, SMALL]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as caller:
            assert caller.stdout
            assert caller.stdout.readline() == "on air\n"
            data = listener.read_for(1)
            caller.communicate()
        assert caller.returncode == 0
        assert_starts_clean(data + listener.read_to_end())
