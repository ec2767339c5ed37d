"""An audit to look at, by hand: the sentence, the table, the page, the numbers of the file."""

import json
from dataclasses import replace

import pytest

from palimpsest.auditing.copies import Copies
from palimpsest.auditing.facts import Example, Fact
from palimpsest.auditing.judgements import Evidence, judgements
from palimpsest.auditing.lengths import Lengths
from palimpsest.auditing.result import Audit
from palimpsest.auditing.topics import Missing
from palimpsest.auditing.verdict import DEFAULTS, AuditVerdict, Finding
from palimpsest.core.storage import json_bytes
from palimpsest.report.audit import FEW_TEXTS, as_dict, notes, sentence, table, text
from palimpsest.statistics.null_band import Band

VENDI = Finding(
    "vendi", 12.0, 10.0, 14.0, Band(30.0, 40.0, 20, 35.0, 2.5), 1e-5, "below", "collapse"
)
DRIFT = Finding(
    "drift", 0.5, None, None, Band(0.0, 0.125, 20, 0.0625, 0.03), 0.001, "above", "different"
)
DISTINCT = Finding(
    "distinct_2", 0.8, 0.75, 0.85, Band(0.78, 0.9, 20, 0.84, 0.03), 0.3, "inside", ""
)


NOTHING = Fact((), 250, 0, 900)
COPIES = Copies(
    copied=NOTHING, exact=(), repeated=NOTHING, duplicates=(), largest=(), empty=(), looped=()
)


def audit(variety=None, *reasons, sample=200, **evidence):
    found = Evidence(**{
        "copies": COPIES, "opening": NOTHING, "garbled": None, "surprise": None,
        "lengths": Lengths(30.0, 31.0, False, NOTHING), "variety": variety, "reasons": reasons,
        "metrics": 3, "null_samples": 20, "missing": None, "away": "", **evidence,
    })  # fmt: skip
    return Audit(
        judgements=judgements(found), evidence=found, findings=(VENDI, DRIFT, DISTINCT),
        sample=sample, words=5000, segmentation="ICU 78", candidate_texts=250, reference_texts=900,
        reference_repeated=0, params=DEFAULTS,
    )  # fmt: skip


def test_the_sentence_gives_the_reasons_with_their_bands():
    assert sentence(audit(AuditVerdict.COLLAPSED, VENDI, DRIFT)) == (
        "Collapsed: Vendi score 12 (human samples: 30 to 40); drift 0.500 (human samples: 0 to "
        "0.125)."
    )
    assert sentence(audit(AuditVerdict.NARROWER, VENDI)).startswith("Narrower than the reference: ")
    assert sentence(audit()) == (
        "No sign of collapse: none of 3 metrics stands out from 20 samples of the reference."
    )


def test_a_metric_that_stands_out_is_not_followed_by_none_stands_out():
    assert sentence(audit(None, DRIFT)) == (
        "No sign of collapse: no loss of variety, though something differs: drift 0.500 (human "
        "samples: 0 to 0.125)."
    )


def test_plain_facts_come_first_each_with_its_counts():
    twins = tuple(range(60))
    repeated = Fact(twins[1:], 250, 0, 900, (Example(0, "I cannot.", "60 times"),))
    copies = Copies(
        copied=NOTHING, exact=(), repeated=repeated, duplicates=twins[1:], largest=twins, empty=(),
        looped=(),
    )  # fmt: skip
    one = audit(AuditVerdict.NARROWER, VENDI, copies=copies, away="far")
    assert one.verdicts == (
        AuditVerdict.REPEATED, AuditVerdict.NARROWER, AuditVerdict.OTHER_SUBJECT,
    )  # fmt: skip
    assert sentence(one).startswith("Repeated: 60 of 250 texts are one text. Narrower")
    assert "repeated, text 1 (60 times): “I cannot.”" in text(one)
    assert one.judgements[0].share == 59 / 250


MISSING = Missing(0.17, 0.01, 0.05, 0.03, 0.0005, 0.0, (Example(8, "A pope.", of="reference"),))


def test_what_is_left_out_is_narrower_and_comes_before_the_metrics():
    alone = audit(missing=MISSING)
    assert sentence(alone) == (
        "Narrower than the reference: there is next to nothing like 17 % of the reference texts "
        "(of human samples: 1 to 5 %)."
    )
    assert "narrower, reference text 9: “A pope.”" in text(alone)
    with_metric = audit(AuditVerdict.NARROWER, VENDI, missing=MISSING)
    assert "(of human samples: 1 to 5 %); Vendi score 12" in sentence(with_metric)


@pytest.mark.parametrize("change", [{"own": 0.02}, {"p_value": 0.002}, {"share": 0.049}])
def test_ground_of_its_own_chance_or_little_is_no_verdict(change):
    assert audit(missing=replace(MISSING, **change)).verdict is AuditVerdict.NO_SIGN


def test_a_collapse_is_not_called_narrower_as_well():
    one = audit(AuditVerdict.COLLAPSED, VENDI, missing=MISSING)
    assert one.verdicts == (AuditVerdict.COLLAPSED,)
    assert "next to nothing" not in sentence(one)


def test_the_table_says_where_and_what_it_counts_as():
    head, vendi, drift, distinct = table(audit(AuditVerdict.COLLAPSED)).splitlines()
    assert head.split() == ["metric", "value", "95", "%", "interval", "null", "band", "where"]
    cells = [[cell for cell in line.split("  ") if cell] for line in (vendi, drift, distinct)]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["vendi", "12", "10 to 14", "30 to 40", "below", "collapse"],
        ["drift", "0.500", "–", "0 to 0.125", "above", "different"],
        ["distinct_2", "0.800", "0.750 to 0.850", "0.780 to 0.900", "inside"],
    ]
    bands = ((vendi, "30 to 40"), (drift, "0 to 0.125"), (distinct, "0.780 to 0.900"))
    assert len({line.index(cell) + len(cell) for line, cell in bands}) == 1


@pytest.mark.parametrize("sample", [FEW_TEXTS, FEW_TEXTS - 1])
def test_few_texts_are_said(sample):
    lines = notes(audit(sample=sample))
    assert lines[0] == (
        f"{sample} of 250 candidate texts, each against {sample} of 900 reference texts; 20 null "
        f"samples of {sample}; 5000 words (ICU 78); seed 0."
    )
    few = [f"With {sample} texts only gross changes show."]
    assert lines[1:] == (few if sample < FEW_TEXTS else [])


def test_what_is_printed_ends_with_the_verdict():
    one = audit(AuditVerdict.COLLAPSED, VENDI)
    lines = text(one).splitlines()
    assert lines[:4] == table(one).splitlines()
    assert lines[4:-1] == ["", *notes(one)]
    assert lines[-1] == f"{sentence(one)} What to do: {one.judgements[0].advice}."


def test_the_file_has_every_number():
    one = audit(AuditVerdict.COLLAPSED, VENDI, DRIFT)
    content = json.loads(json_bytes(as_dict(one)))
    assert content["verdict"] == "collapsed"
    assert content["sentence"] == sentence(one)
    assert content["reasons"] == ["vendi", "drift"]
    sizes = ("sample", "words", "candidate_texts", "reference_texts")
    assert [content[key] for key in sizes] == [200, 5000, 250, 900]
    assert content["parameters"] == DEFAULTS.as_dict()
    assert list(content["metrics"]) == ["distinct_2", "drift", "vendi"]
    assert content["metrics"]["vendi"] == {
        "value": 12.0, "low": 10.0, "high": 14.0, "p_value": 1e-5, "place": "below",
        "counts": "collapse", "null": {"low": 30.0, "high": 40.0, "mean": 35.0, "sd": 2.5},
    }  # fmt: skip
    assert content["metrics"]["drift"]["low"] is None


def test_warnings_are_printed_and_written_and_leave_no_trace_where_none_are():
    plain_one = audit()
    seen = Audit(**{**vars(plain_one), "warnings": ("odd <letters>",)})
    assert "\nwarning: odd <letters>\n" in text(seen)
    assert as_dict(seen) == {**as_dict(plain_one), "warnings": ["odd <letters>"]}
    assert "warning" not in text(plain_one)
