"""The page of all metrics is the registry, metric by metric, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from docs_site.markdown import inline
from docs_site.metric_list import page
from palimpsest.cli.metrics import updated
from palimpsest.metrics.registry import FAMILIES, REGISTRY
from tests.tiny import ROOT

METRICS = ROOT / "docs" / "metrics.md"
PAGE = page(METRICS)
ENTRIES = dict(re.findall(r"^### `(\w+)`.*?\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_each_metric_has_an_entry_in_the_order_of_the_registry() -> None:
    assert [*ENTRIES] == [*REGISTRY]
    assert PAGE.count("\n## ") == len(FAMILIES)
    assert f"All {len(REGISTRY)} metrics" in PAGE


@pytest.mark.parametrize("name", REGISTRY)
def test_an_entry_says_what_the_registry_says(name: str) -> None:
    one, entry = REGISTRY[name], ENTRIES[name]
    for words in (one.label, one.definition, one.range_text, one.degenerate, one.source):
        assert inline(words) in entry
    assert f"`palimpsest.{one.code}`" in entry
    assert ("**The same as:**" in entry) == (one.alias_of is not None)


def test_the_sections_that_it_links_to_are_headings() -> None:
    headings = re.findall(r"^## (.+)$", METRICS.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    linked = re.findall(r"\(\.\./metrics\.md#([\w-]+)\)", PAGE)
    assert len(linked) == len(FAMILIES)
    assert {*linked} <= anchors


def test_a_page_with_a_section_missing_is_refused(tmp_path: Path) -> None:
    cut = tmp_path / "metrics.md"
    cut.write_text("## 1. Geometry\n")
    with pytest.raises(ValueError, match="shorter"):
        page(cut)


def test_the_tables_of_the_hand_written_page_are_the_registrys_too() -> None:
    text = METRICS.read_text(encoding="utf-8")
    assert updated(text, "docs/metrics.md") == text
