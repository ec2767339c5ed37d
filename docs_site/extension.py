"""The extension of Sphinx: pages that are written from the code, and the check of all links.

The pages of `GENERATED` are written when a build begins and are not in git, so that they are never
older than the code.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

from docs_site import commands, links, metric_list, parameter_list, python_api

ROOT = Path(__file__).resolve().parents[1]
GENERATED: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands.page,
    "reference/metrics.md": lambda: metric_list.page(ROOT / "docs" / "metrics.md"),
    "reference/parameters.md": lambda: parameter_list.page(ROOT),
    "reference/python.md": python_api.page,
    "contributing.md": lambda: from_root("CONTRIBUTING.md"),
    "changelog.md": lambda: from_root("CHANGELOG.md"),
}
"""Page of docs/ -> what writes it."""

BEFORE_NAPOLEON, AFTER_NAPOLEON = 400, 600
"""Sphinx calls handlers of lower priority first; napoleon has the default, 500."""
HIDDEN_COLON = "\N{RATIO}"
"""Looks like a colon, and stands in no docstring of the interface."""

log = logging.getLogger(__name__)


def from_root(name: str) -> str:
    """A page of the repository's root, its links as they are seen from docs/."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.replace("](docs/", "](")


def write_pages(app: Sphinx) -> None:
    """Writes the generated pages; one that says the same is left alone, and not built again."""
    for address, write in GENERATED.items():
        path, text = Path(app.srcdir) / address, write()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


def hide_colons(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Keeps napoleon from taking words before a colon for an attribute's type."""
    del app, name, of, options
    if what in ("attribute", "property"):
        lines[:] = [line.replace(":", HIDDEN_COLON) for line in lines]


def show_colons(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Puts back what `hide_colons` has hidden."""
    del app, what, name, of, options
    lines[:] = [line.replace(HIDDEN_COLON, ":") for line in lines]


def finish(app: Sphinx, error: Exception | None) -> None:
    """Copies the report pages of docs/pages as they are, and warns of every link that leads
    nowhere; with ``-W`` a warning fails the build.
    """
    if error is None and app.builder.name == "html":
        shutil.copytree(Path(app.srcdir) / "pages", Path(app.outdir) / "pages", dirs_exist_ok=True)
        for fault in links.faults(Path(app.outdir)):
            log.warning(fault)


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds them to a build."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", hide_colons, priority=BEFORE_NAPOLEON)
    app.connect("autodoc-process-docstring", show_colons, priority=AFTER_NAPOLEON)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True}
