"""Intervals hold what they should: `benchmarks/coverage.py` by hand and on a few made-up texts.

Shares are taken over metrics together, and metrics of one sample go up and down together: hence the
room around 90 to 99 %. The table of docs/metrics.md has many more samples of real texts.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks import coverage
from benchmarks.pools import Pool
from palimpsest.evaluation import evaluator
from palimpsest.evaluation.human import Texts
from palimpsest.metrics.likelihood import Scored
from palimpsest.metrics.registry import REGISTRY
from palimpsest.statistics.jackknife import Interval

SMOOTH = ("dispersion", "compression", "spread", "residual", "drift", "anisotropy", "mmd2")
JUDGE = Path("nowhere")


def made_up(count):
    """Texts of 12 words of Zipf's law, with normal embeddings of their own."""
    rng, chances = np.random.default_rng(0), 1 / np.arange(1, 301)
    words = rng.choice(300, size=(count, 12), p=chances / chances.sum())
    texts = [" ".join(f"w{word}" for word in row) for row in words]
    embeddings = (rng.normal(size=(count, 6)) * [3, 2, 1.5, 1, 0.5, 0.3]).astype(np.float32)
    read = Scored(rng.gamma(36.0, size=count), np.full(count, 12.0))
    return Pool("made-up", Texts(texts, embeddings, read), None)


@pytest.fixture
def in_one_process(monkeypatch):
    monkeypatch.setattr(coverage, "ProcessPoolExecutor", lambda: ThreadPoolExecutor(1))
    return monkeypatch


def test_smooth_metrics_hold_the_value_expected_of_so_many_texts(in_one_process):
    sizes = {"TEXTS": 60, "WORDS": 500, "NULL_SAMPLES": 4, "VALUES": 40, "INTERVALS": 24}
    for name, size in sizes.items():
        in_one_process.setattr(coverage, name, size)
    pool = made_up(1600)
    in_one_process.setattr(coverage, "pool", lambda name, judge: pool)
    some = {name: evaluator.FAMILIES[name] for name in ("geometry", "spectrum", "distribution")}
    in_one_process.setattr(evaluator, "FAMILIES", some)  # to be done in seconds
    found = coverage.coverage("made-up.jsonl", JUDGE, ("registry",))
    shares = [found[name]["registry"] for name in SMOOTH]
    assert 0.85 <= np.mean(shares) <= 0.995
    assert all(set(one) <= {"registry"} for one in found.values())
    assert "explained" not in found  # no text moves it


def test_shares_by_hand(in_one_process):
    """Expected are 2 of `moves`; 3 of 4 intervals hold it, ends included."""
    values = [{"moves": value, "same": 7.0, "rare": None if value == 1.0 else value}
              for value in (1.0, 2.0, 2.0, 3.0)]  # fmt: skip
    ends = [(1.0, 2.0), (2.0, 9.0), (0.0, 5.0), (2.5, 3.0)]

    def intervals(number, kinds):
        other = Interval(2.0) if number else Interval(2.0, 0.0, 1.0)
        own = Interval(2.0, *ends[number])
        return {"half": {"moves": own}, "group": {"moves": other}, "none": {"moves": Interval(2.0)}}

    in_one_process.setattr(coverage, "pool", lambda name, judge: made_up(1))
    in_one_process.setattr(coverage, "evaluator_for", lambda human, judged: None)
    in_one_process.setattr(coverage, "_value", values.__getitem__)
    in_one_process.setattr(coverage, "_interval", intervals)
    in_one_process.setattr(coverage, "VALUES", 4)
    in_one_process.setattr(coverage, "INTERVALS", 4)
    # without an interval there is nothing to hold: 0 of 1, and no share at all
    shares = {"half": 0.75, "group": 0.0}
    assert coverage.coverage("x", JUDGE, ("half", "group", "none")) == {"moves": shares}


def test_the_table_marks_what_is_not_printed(monkeypatch, tmp_path, capsys):
    found = {"world": {"volume": 0.9, "drift": 0.89}, "wiki": {"volume": 1.0, "drift": 0.99}}
    monkeypatch.setattr(
        coverage, "coverage",
        lambda name, judge, kinds: {
            key: {"registry": share} for key, share in found[Path(name).stem].items()
        },
    )  # fmt: skip
    docs = tmp_path / "metrics.md"
    docs.write_text("before\n<!-- coverage -->\nold\n<!-- /coverage -->\nafter\n")
    coverage.main(["world", "files/wiki.jsonl", "--docs", str(tmp_path)])
    kinds = [REGISTRY[name].interval for name in ("volume", "drift")]
    table = (
        "| metric | interval | world | wiki |\n"
        "|---|---|--:|--:|\n"
        f"| `volume` | {kinds[0]} | 90.0 % | 100.0 % ✗ |\n"
        f"| `drift` | {kinds[1]} | 89.0 % ✗ | 99.0 % |"
    )
    assert capsys.readouterr().out == f"{table}\n"
    assert docs.read_text() == (
        f"before\n<!-- coverage -->\n\n{table}\n\n<!-- /coverage -->\nafter\n"
    )
