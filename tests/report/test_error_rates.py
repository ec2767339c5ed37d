"""The error rates of the page are those of docs/metrics.md, which the benchmarks wrote."""

import re

import pytest

from palimpsest.report.error_rates import (
    FALSE_ALARMS,
    FALSE_PHASES,
    alarms_sentence,
    phases_sentence,
)
from tests.tiny import ROOT


def rows(name):
    """The cells of a marked table."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    inside = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert inside is not None
    lines = [line for line in inside[1].splitlines() if line.startswith("|")][2:]
    return {cells[0]: cells[1:] for cells in ([c.strip() for c in line.strip("|").split("|")]
                                              for line in lines)}  # fmt: skip


def test_the_false_phases_are_the_documented_ones():
    table = rows("changepoint")
    assert {str(length) for length in FALSE_PHASES} == table.keys()
    for length, rates in FALSE_PHASES.items():
        assert list(rates) == table[str(length)][1:3]


def test_the_false_alarms_are_the_documented_ones():
    table = rows("false_alarms")
    for case, rate in FALSE_ALARMS.items():
        assert table[case][0] == rate
    for rate in FALSE_ALARMS.values():
        assert rate in alarms_sentence()


@pytest.mark.parametrize(
    ("generations", "length"), [(2, 6), (6, 6), (10, 7), (20, 11), (21, 21), (99, 41)]
)
def test_a_chain_is_told_the_rates_of_the_next_shorter_length(generations, length):
    said = phases_sentence(generations)
    assert f"In chains of {length} generations" in said
    for rate in FALSE_PHASES[length]:
        assert rate in said
