"""Every public name says what it is for."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import air_py

PACKAGE = Path(air_py.__file__).parent


def undocumented(tree: ast.Module) -> Iterator[str]:
    """What is in a module's ``__all__`` without a docstring, methods included."""
    if not ast.get_docstring(tree):
        yield "the module"
    exported = {ast.literal_eval(name) for node in tree.body for name in _all(node)}
    for node in _definitions(tree.body):
        if node.name not in exported:
            continue
        if not ast.get_docstring(node):
            yield node.name
        # What a base class says of a method holds for the one that takes its place.
        members = _definitions(node.body) if isinstance(node, ast.ClassDef) and not node.bases else ()
        for member in members:
            if not member.name.startswith("_") and not ast.get_docstring(member):
                yield f"{node.name}.{member.name}"


def _definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def _all(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" and isinstance(node.value, ast.List):
        return node.value.elts
    return []


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_a_module_offers_is_documented(module: Path) -> None:
    assert list(undocumented(ast.parse(module.read_text()))) == []


@pytest.mark.parametrize("name", sorted(set(air_py.__all__) - {"__version__"}))
def test_every_name_of_the_package_is_documented(name: str) -> None:
    """Also those from the native half, and methods that are inherited."""
    public = getattr(air_py, name)
    assert inspect.getdoc(public)
    members = vars(public) if inspect.isclass(public) else {}
    for member, value in members.items():
        if not member.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
            assert inspect.getdoc(getattr(public, member)), member


def test_the_list_of_names_is_whole_and_each_can_be_had() -> None:
    assert air_py.__all__ == sorted(air_py.__all__)
    assert all(hasattr(air_py, name) for name in air_py.__all__)
    assert {name for names in air_py._MODULES.values() for name in names} == set(air_py.__all__)
