"""The check of a site's links finds what is broken, and nothing else."""

from pathlib import Path

import pytest

from docs_site.links import faults

WHOLE = """<html><head><link rel="stylesheet" href="style.css?v=1"><link rel="next" href="b.html">
<link rel="canonical" href="https://example.org/a.html"></head><body>
<a href="#here">here</a><a href="b.html#there">there</a><a href="https://example.org">out</a>
<a href="mailto:you@example.org">mail</a><a href="pages/report.html#any">page</a>
<img src="data:image/png;base64,AA=="><p id="here"></p></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "a.html").write_text(WHOLE)
    (tmp_path / "b.html").write_text('<a name="there"></a><a href="a.html">back</a>')
    (tmp_path / "style.css").write_text("")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "report.html").write_text('<img src="gone.png">')
    (tmp_path / "404.html").write_text('<a href="/nowhere.html">a server knows</a>')
    return tmp_path


def test_a_whole_site_has_none(site: Path) -> None:
    assert [*faults(site)] == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ('<a href="gone.html">x</a>', "links to gone.html, which is not there"),
        ('<a href="a.html#gone">x</a>', "links to a.html#gone, which has no such anchor"),
        ('<a href="#gone">x</a>', "links to #gone, which has no such anchor"),
        ('<img src="gone.png">', "links to gone.png, which is not there"),
        ('<iframe src="pages/gone.html"></iframe>', "links to pages/gone.html, which is not there"),
        ('<script src="https://cdn.org/x.js"></script>', "loads https://cdn.org/x.js from outside"),
        ('<script src="//cdn.org/x.js"></script>', "loads //cdn.org/x.js from outside"),
        ('<link rel="stylesheet" href="https://f.org/f.css">', "loads https://f.org/f.css from"),
        ('<a href="pages">a folder</a>', "links to pages, which is not there"),
    ],
)
def test_what_is_broken_is_named_with_its_page(site: Path, broken: str, fault: str) -> None:
    (site / "c.html").write_text(broken)
    (found,) = faults(site)
    assert found.startswith(f"c.html: {fault}")
