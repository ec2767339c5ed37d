"""The examples of docs/examples run as they stand, and what their comments say is so."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import ROOT

FOLDER = ROOT / "docs" / "examples"


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs an example in an empty folder, and gives its variables."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return lambda name: runpy.run_path(str(FOLDER / f"{name}.py"))


def test_there_is_one_for_each_function() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == {"audit", "integrity", "monitor", "neural_collapse"}
    for name in names - {"monitor"}:  # tests/monitor
        first, *_, last = (FOLDER / f"{name}.py").read_text().split("# %%")
        assert first == ""
        assert last.startswith("\n")


def test_audit(cells: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = cells("audit")["result"]
    assert result.verdicts == ("repeated", "collapsed")
    said = capsys.readouterr().out
    assert said.startswith("Repeated: 95 of 100 texts")
    assert "95 texts; the first: {'row': 5," in said
    assert (tmp_path / "audit.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_integrity(cells: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cells("integrity")
    fresh, nearer, one, published, *rows = capsys.readouterr().out.splitlines()
    assert fresh.endswith("as human text")
    assert nearer.endswith("narrower than human text")
    assert one.startswith("all one          Integrity(0 ")
    assert 0 < float(published.removeprefix("fresh, as published: ")) < 0.8
    assert rows[0].startswith("volume 0.0 ")


def test_neural_collapse(cells: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = cells("neural_collapse")
    before, after = found["before"], found["after"]
    assert after["nc1_cdnv"] < before["nc1_cdnv"] < 1e6
    assert after["nc4_agreement"] > before["nc4_agreement"]
    assert "nc4_agreement" in capsys.readouterr().out.splitlines()[-1]
