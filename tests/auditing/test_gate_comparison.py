"""What keeps two values of a metric from being compared, and what does not."""

import pytest

from palimpsest.auditing.gate_comparison import DEPENDENT, OF_WHOLE_TEXTS, incomparable
from palimpsest.metrics.registry import FAMILIES, REGISTRY

HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "what", "matters"),
    [
        ("vendi", "words", False),
        ("truth", "words", False),
        ("distinct_2", "words", True),
        ("length_mean", "words", False),
        ("duplicates", "words", False),
        ("memorised", "words", False),
        ("memorised", "segmentation", True),
        ("length_mean", "segmentation", True),
        ("integrity", "segmentation", False),
        ("integrity", "encoder", True),
        ("effective_rank", "encoder", True),
        ("recall", "encoder", True),
        ("distinct_2", "encoder", False),
        ("perplexity_human", "encoder", False),
        ("perplexity_human", "model", True),
        ("vendi", "model", False),
        ("vendi", "reference", True),
        ("distinct_2", "reference", True),
        ("distinct_2", "sample", True),
        ("a_metric_of_ones_own", "encoder", True),
        ("a_metric_of_ones_own", "words", True),
    ],
)
def test_a_metric_is_held_apart_by_what_it_depends_on(name, what, matters):
    said = incomparable(name, {what: "one"}, {what: "other"}, "old.json")
    assert said == (f"{what} one here and other in old.json" if matters else "")


def test_what_is_the_same_or_not_said_keeps_nothing_apart():
    assert incomparable("vendi", {"sample": 9, "encoder": "a"}, {"sample": 9}, "old") == ""
    assert incomparable("vendi", {}, {"sample": 9, "encoder": None}, "old") == ""
    assert incomparable("vendi", {"sample": 9}, {"sample": 9}, "old") == ""


def test_what_is_not_known_is_never_the_same():
    unknown = {"encoder": None}
    said = incomparable("vendi", unknown, unknown, "old")
    assert said == "the encoder is not known, here and in old"
    assert incomparable("distinct_2", unknown, unknown, "old") == ""
    said = incomparable("vendi", {"encoder": HASH}, unknown, "old")
    assert said == "encoder 0123456789ab here and unknown in old"


def test_every_name_is_one_of_the_registry():
    families = {family for named in DEPENDENT.values() for family in named}
    assert families <= {*FAMILIES}
    assert {REGISTRY[name].family for name in OF_WHOLE_TEXTS} == {"text"}
