"""The protocol of a family: fit, prepare, compute; the same for all of them."""

import numpy as np
import pytest

from palimpsest.evaluation.evaluator import FAMILIES
from palimpsest.evaluation.model_metrics import model_metrics
from palimpsest.metrics.family import Sample
from palimpsest.metrics.likelihood import Heldout, Written, scored
from palimpsest.metrics.registry import REGISTRY
from tests.evaluation.generations import OF_A_ROW, TEXTS, generation, points, reference, texts

READS = {"likelihood": "written", "truth": "facts", "heldout": "heldout"}
"""Families that give nothing for a sample, or a reference, that lacks this."""


def sample(with_all=True):
    parts = {}
    if with_all:
        ones, few = (scored(np.full(n, 2.0), np.full(n, 3.0)) for n in (TEXTS, 8))
        parts = {
            "written": Written(ones, ones),
            "heldout": Heldout(few, np.full(8, 9.0), few, np.full(8, 1.0)),
            "previous": texts(TEXTS, 0),
        }
    return Sample(texts(TEXTS, 1), points(TEXTS, 1), **parts)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_sample_is_prepared_once_and_computed_from_any_rows(name):
    measurement = FAMILIES[name](reference()).prepare(sample())
    assert measurement.count == (8 if name == "heldout" else TEXTS)
    whole = measurement.compute()
    rows = np.arange(0, measurement.count, 2)
    half = measurement.compute(rows)
    assert half.keys() == whole.keys() != set()
    for numbers in (whole, half):
        assert all(value is None or np.isfinite(value) for value in numbers.values())
    # nothing is used up or left behind
    assert measurement.compute(rows) == half
    assert measurement.compute(None) == whole


@pytest.mark.parametrize("name", FAMILIES)
def test_one_reference_serves_any_number_of_samples(name):
    family = FAMILIES[name](reference())
    first = family.prepare(sample()).compute()
    other = Sample(texts(TEXTS, 2), points(TEXTS, 2), sample().written, None, sample().heldout)
    family.prepare(other).compute()
    assert family.prepare(sample()).compute() == first


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_gives_nothing_where_the_sample_lacks_what_it_reads(name):
    there = FAMILIES[name](reference(with_facts=False)).prepare(sample(with_all=False))
    assert (there is None) == (name in READS)


def test_families_give_the_metrics_that_the_registry_files_under_them():
    names = {
        name: set(family(reference()).prepare(sample()).compute())
        for name, family in FAMILIES.items()
    }
    names["likelihood"] |= names.pop("heldout")
    names["model"] = set(model_metrics(generation().classes, generation().probe)[0])
    names["truth"] |= OF_A_ROW
    filed = {family: set() for family in names}
    for name, entry in REGISTRY.items():
        filed[entry.family].add(name)
    assert names == filed
