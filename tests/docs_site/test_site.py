"""The pages: what they link to is there, each is in the navigation, the site builds strictly."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import ROOT

DOCS = ROOT / "docs"
GENERATED = {
    "reference/commands.md", "reference/metrics.md", "reference/parameters.md",
    "reference/python.md", "contributing.md", "changelog.md",
}  # fmt: skip
"""Pages that a build writes."""
WRITTEN = [path for path in sorted(DOCS.glob("*.md")) if path.name not in GENERATED]
PAGES = [*WRITTEN, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_what_a_page_links_to_is_in_the_repository(page: Path) -> None:
    targets = [one.partition("#")[0] for one in LINK.findall(page.read_text(encoding="utf-8"))]
    own = {one for one in targets if one and "://" not in one}
    built = {name for name in own if page.parent == DOCS and name in GENERATED}
    missing = [one for one in own - built if not (page.parent / one).exists()]
    assert missing == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_every_page_is_in_the_navigation_once() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    named = re.findall(r"^[^<\n]+ <([\w/]+)>$", index, re.MULTILINE)
    assert len(named) == len({*named})
    pages = {path.name for path in WRITTEN} - {"index.md"} | GENERATED
    assert {f"{name}.md" for name in named} == pages


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("furo", reason="the extra docs is not installed")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    built = subprocess.run(
        [*command, "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site" / "pages" / "default.html").exists()
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert all(home.count(f'href="{name.replace(".md", ".html")}"') for name in GENERATED)
