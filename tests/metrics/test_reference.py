"""docs/metrics.md names every metric that a scorecard may hold, and no other; its example runs."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.metrics import neural_collapse, truth
from palimpsest.metrics.family import Facts, Reference, Sample
from palimpsest.metrics.likelihood import Heldout, Written, scored
from palimpsest.metrics.registry import REGISTRY

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
TEXTS = [f"text number {number} of a few" for number in range(6)]
OF_THE_MODEL = {
    "nc4_agreement", "crowding", "entanglement", "synonym_gap", "synonym_separation",
    "antonym_gap", "category_gap",
}  # fmt: skip


def rows():
    """The rows of the tables of §1 to §8: a list of cells each."""
    text = PAGE.read_text(encoding="utf-8")
    sections = text[text.index("## 1. ") : text.index("## 9. ")]
    lines = [line for line in sections.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def measured():
    """The names of all metrics, from the functions that give them."""
    points = np.random.default_rng(0).normal(size=(6, 4))
    ones = scored([1.0] * 6, [1] * 6)
    facts = Facts(lambda text: [], {("A", "size", "big"): 1})
    heldout = Heldout(ones, np.ones(6), ones, np.ones(6))
    families = Evaluator(Reference(TEXTS, points, TEXTS, facts, 1.0, 100)).measure(
        Sample(TEXTS, points, Written(ones, ones), TEXTS, heldout)
    )
    return (
        set(values([*families.values()]))
        | set(neural_collapse.collapse_metrics(points[:2], np.ones(2), np.ones((2, 4))))
        | set(truth.axioms([]))
        | OF_THE_MODEL
    )


def test_the_page_names_every_metric_once_and_no_other():
    names = [row[0].strip("`") for row in rows()]
    assert len(names) == len(set(names))
    assert set(names) == measured()
    assert set(REGISTRY) == set(names)


def test_every_row_is_whole():
    for row in rows():
        assert len(row) == 7, row
        assert all(row), row
        assert row[3].startswith(("↓", "↑", "–")), row


@pytest.mark.parametrize("code", sorted({row[6].strip("`") for row in rows()}))
def test_the_code_it_names_is_there(code):
    module, name = code.split(":")
    assert hasattr(importlib.import_module(f"palimpsest.{module}"), name)


def test_the_example_prints_what_the_page_says(capsys):
    text = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    exec(example, {})
    assert capsys.readouterr().out == shown


def test_every_measured_block_is_filled():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- ([\w-]+) -->(.*?)<!-- /\1 -->", text, re.DOTALL)
    assert [name for name, _ in blocks] == [
        "coverage", "null_band", "null_chains", "changepoint", "false_alarms", "stress-arrays",
        "stress-volume", "stress-texts", "scale",
    ]  # fmt: skip
    for name, content in blocks:
        assert content.count("\n|") > 2, name
