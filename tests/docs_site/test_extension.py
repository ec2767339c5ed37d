"""The extension of Sphinx: pages written, colons kept, faults of the built site warned of."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="the extra docs is not installed")

from docs_site import extension  # it imports sphinx
from tests.tiny import ROOT


def application(folder: Path, builder: str = "html") -> Any:
    """As much of an application of Sphinx as the extension looks at."""
    return SimpleNamespace(
        srcdir=folder / "docs", outdir=folder / "site", builder=SimpleNamespace(name=builder)
    )


def test_pages_are_written_once_and_left_alone_while_they_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    app = application(tmp_path)
    extension.write_pages(app)
    first = {name: (app.srcdir / name).stat().st_mtime_ns for name in extension.GENERATED}
    (app.srcdir / "changelog.md").write_text("old")
    extension.write_pages(app)
    again = {name: (app.srcdir / name).stat().st_mtime_ns for name in extension.GENERATED}
    assert [name for name in first if first[name] != again[name]] == ["changelog.md"]
    assert (app.srcdir / "changelog.md").read_text().startswith("# Changelog")


def test_links_of_a_page_of_the_root_lead_on_from_docs() -> None:
    assert "](docs/" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "](docs/" not in extension.from_root("CHANGELOG.md")


def test_a_colon_of_an_attribute_comes_through() -> None:
    for what, hidden in (("attribute", True), ("property", True), ("function", False)):
        lines = ["The plainest: see below.", "a: b"]
        extension.hide_colons(None, what, "", None, None, lines)  # type: ignore[arg-type]
        assert (":" not in "".join(lines)) == hidden
        extension.show_colons(None, what, "", None, None, lines)  # type: ignore[arg-type]
        assert lines == ["The plainest: see below.", "a: b"]


def test_the_stand_in_for_a_colon_is_in_no_source() -> None:
    sources = (ROOT / "src").rglob("*.py")
    assert not any(extension.HIDDEN_COLON in path.read_text(encoding="utf-8") for path in sources)


def test_report_pages_are_copied_and_faults_are_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, said = application(tmp_path), []
    monkeypatch.setattr(extension.log, "warning", said.append)
    (app.srcdir / "pages").mkdir(parents=True)
    (app.srcdir / "pages" / "default.html").write_text("a page")
    app.outdir.mkdir()
    (app.outdir / "index.html").write_text('<a href="pages/default.html"></a><a href="gone"></a>')
    extension.finish(app, ValueError("a build that failed"))
    assert not (app.outdir / "pages").exists()
    extension.finish(app, None)
    assert (app.outdir / "pages" / "default.html").read_text() == "a page"
    assert said == ["index.html: links to gone, which is not there"]
