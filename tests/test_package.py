"""`import palimpsest`: what it offers, that it costs nothing, that its examples are true."""

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import palimpsest
from palimpsest.core.errors import PalimpsestError
from palimpsest.core.version import installed_version
from tests.tiny import ROOT

FUNCTIONS = ("audit", "integrity", "neural_collapse")


def test_what_it_offers() -> None:
    assert palimpsest.__all__ == dir(palimpsest) == ["PalimpsestError", "__version__", *FUNCTIONS]
    assert all(callable(getattr(palimpsest, name)) for name in FUNCTIONS)
    assert palimpsest.PalimpsestError is PalimpsestError
    with pytest.raises(AttributeError, match="'palimpsest' has no attribute 'audits'"):
        palimpsest.audits  # noqa: B018


def test_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert palimpsest.__version__ == installed_version()
    monkeypatch.setattr("palimpsest.core.version.installed_version", lambda: None)
    assert palimpsest.__version__ == "0+unknown"


@pytest.mark.parametrize(
    "module", sorted((ROOT / "src/palimpsest").rglob("*.py")), ids=lambda path: path.stem
)
def test_no_module_takes_a_functions_place(module: Path) -> None:
    """An import of palimpsest.audit would put the module where the function is looked for."""
    parts = module.relative_to(ROOT / "src/palimpsest").with_suffix("").parts
    assert parts[0] not in FUNCTIONS


def test_type_checkers_see_the_same() -> None:
    tree = ast.parse((ROOT / "src/palimpsest/__init__.pyi").read_text())
    names = {
        alias.asname
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names | {"__version__"} == {*palimpsest.__all__}
    assert (ROOT / "src/palimpsest/py.typed").exists()


def test_importing_it_loads_nothing() -> None:
    code = "import sys, palimpsest; dir(palimpsest); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "palimpsest" in loaded
    assert {"numpy", "torch", "pydantic", "importlib.metadata"}.isdisjoint(loaded)
    assert [name for name in loaded if name.startswith("palimpsest.")] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_examples_of_the_docstrings_are_true(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    function = getattr(palimpsest, name)
    assert inspect.getdoc(function)
    (test,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    assert test.examples
    said: list[str] = []
    result = doctest.DocTestRunner().run(test, out=said.append)
    assert result.failed == 0, "".join(said)
