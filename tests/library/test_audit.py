"""`palimpsest.audit`: the command's numbers, as a notebook and a program want them."""

import json
from pathlib import Path
from typing import Any

import pandas
import pytest

import palimpsest
from palimpsest.auditing.measure import audit as measured
from palimpsest.auditing.verdict import DEFAULTS
from palimpsest.core.errors import CorpusError, MetricError, ModelError, PalimpsestError
from palimpsest.library.audit import AuditResult
from palimpsest.report import audit as report
from palimpsest.report.audit_page import page as audit_page
from tests.auditing.corpora import encode, human
from tests.library.test_neural_collapse import their_tokenizer
from tests.lm.tiny import saved, theirs

QUICK: dict[str, Any] = {"half_samples": 6, "null_samples": 8}
HUMAN, GOOD, BAD = human(120, seed=1), human(40, seed=2), human(4, seed=3) * 10


def audited(texts: Any = BAD, **options: Any) -> AuditResult:
    return palimpsest.audit(texts, **{"reference": HUMAN, "encoder": encode} | QUICK | options)


def test_it_is_the_commands_audit(capsys: pytest.CaptureFixture[str]) -> None:
    expected = measured(BAD, HUMAN, encode, None, DEFAULTS.changed(seed=4, **QUICK))
    got = audited(seed=4)
    assert got.as_dict() == report.as_dict(expected)
    assert (got.verdict, got.verdicts[-1]) == ("repeated", "collapsed")
    assert repr(got) == str(got) == got.sentence == report.sentence(expected)
    assert got.table() == report.text(expected)
    print(got)
    assert capsys.readouterr().out == f"{got.sentence}\n"
    assert got.warnings == expected.warnings


def test_metrics_are_rows_of_a_table() -> None:
    got = audited(GOOD)
    frame = pandas.DataFrame(got.metrics).set_index("metric")
    entries = got.as_dict()["metrics"]
    assert [*frame.index] == [*entries]
    row, entry = frame.loc["spread"], entries["spread"]
    assert (row["value"], row["low"], row["high"]) == (entry["value"], entry["low"], entry["high"])
    band = [row["null_low"], row["null_high"], row["null_mean"]]
    assert band == [entry["null"][name] for name in ("low", "high", "mean")]
    assert (row["place"], row["counts"]) == (entry["place"], entry["counts"])
    assert row["p_value"] == entry["p_value"]


def test_flagged_texts_are_named_by_their_rows() -> None:
    texts = [*GOOD[:30], "", HUMAN[3], GOOD[0], "again and again " * 40]
    flagged = audited(texts).flagged
    assert {row["row"]: row["flags"] for row in flagged} == {
        30: ["empty"],
        31: ["copy"],
        32: ["duplicate"],
        33: ["loop"],
    }
    assert [row["text"] for row in flagged] == texts[30:]
    assert audited(GOOD).flagged == []


def test_files_are_those_of_the_command(tmp_path: Path) -> None:
    got = audited()
    got.to_json(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["verdict"] == "repeated"
    got.to_html(str(tmp_path / "a.html"))
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page == audit_page(got.details, "the texts", "the reference")
    got.to_html(tmp_path / "b.html", candidate="mine", reference="theirs")
    assert "mine against theirs" in (tmp_path / "b.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("write", ["to_json", "to_html"])
def test_a_path_that_cannot_be_written(write: str, tmp_path: Path) -> None:
    with pytest.raises(PalimpsestError):
        getattr(audited(), write)(tmp_path)


def test_a_notebook_shows_sentence_and_table_and_no_text_as_html() -> None:
    got = audited([*GOOD[:20], *["<script>alert(1)</script> " * 20] * 20])
    shown = got._repr_html_()
    assert shown.count("<tr>") == 1 + len(got.metrics)
    assert "<script" not in shown
    assert "Repeated: " in shown


@pytest.mark.parametrize("kind", ["folder", "pair"])
def test_a_model_adds_its_likelihoods(kind: str, tmp_path: Path) -> None:
    model = theirs("gpt2")
    given = saved(model, tmp_path) if kind == "folder" else (model, their_tokenizer())
    result = audited(GOOD, model=given)
    names = {row["metric"] for row in result.metrics}
    assert len(result.as_dict()["model"]) == 64
    assert names - {row["metric"] for row in audited(GOOD).metrics} >= {"perplexity_human"}


@pytest.mark.parametrize("column", [pandas.Series(GOOD), iter(GOOD), tuple(GOOD)])
def test_texts_are_any_iterable(column: Any) -> None:
    assert audited(column).as_dict() == audited(GOOD).as_dict()


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"texts": "one"}, MetricError, "texts: want texts .*got one string"),
        ({"reference": None}, MetricError, "reference: want texts .*got None"),
        ({"reference": HUMAN[:14]}, CorpusError, "reference: want >= 15 texts"),
        ({"texts": GOOD[:4]}, MetricError, "want >= 5 texts, got 4"),
        ({"samples": 9}, PalimpsestError, "audit.samples"),
        ({"level": 2.0}, PalimpsestError, "audit.level: want > 0 and < 1"),
        ({"encoder": 3}, ModelError, "encoder: want 'bundled'"),
        ({"model": 3}, ModelError, "model: want a causal language model.*got int"),
        ({"model": (1, 2, 3)}, ModelError, r"model: want a folder, or the pair .*got 3 things"),
        ({"model": theirs("gpt2")}, ModelError, "tokenizer: want its tokenizer .*got None"),
    ],
)
def test_mistakes(change: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        audited(**{"texts": GOOD} | change)
