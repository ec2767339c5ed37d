"""The comparison as its page's script reads it: letters, rows, single chains, nothing but JSON."""

import json
import math

from palimpsest.experiments.comparison import Run, variants
from palimpsest.report.comparison_data import comparison_data, letter


def run(name, seed, kind, **metrics):
    count = len(next(iter(metrics.values())))
    generations = {g: {key: values[g] for key, values in metrics.items()} for g in range(count)}
    return Run(name, {"seed": seed, "regime.kind": kind}, generations)


COMPARED = variants([
    run("a", 0, "replace", own=[1.0, 2.0], truth=[1.0, None], integrity=[1.0, 0.123456789]),
    run("b", 1, "replace", own=[1.0, 4.0], truth=[1.0, None], integrity=[1.0, 0.4]),
    run("c", 0, "fresh", own=[1.0, 2.5], integrity=[1.0, 1.0]),
])  # fmt: skip
DATA = comparison_data(COMPARED, COMPARED[0], ["integrity"], 1)


def test_letters_go_on_behind_z():
    assert [letter(at) for at in (0, 1, 25, 26, 27, 52, 701, 702)] == [
        "A", "B", "Z", "AA", "AB", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def test_variants_and_the_control():
    assert DATA["variants"] == [
        {"letter": "A", "label": "regime.kind=replace", "chains": 2, "control": True},
        {"letter": "B", "label": "regime.kind=fresh", "chains": 1, "control": False},
    ]


def test_metrics_stand_in_the_registrys_order_and_custom_ones_last():
    assert [one["name"] for one in DATA["metrics"]] == ["integrity", "truth", "own"]
    assert [one["chief"] for one in DATA["metrics"]] == [True, False, False]


def test_rows_and_single_chains():
    own = DATA["metrics"][2]
    at = {column: place for place, column in enumerate(DATA["columns"])}
    last = own["rows"][0][1]
    assert (last[at["generation"]], last[at["chains"]], last[at["mean"]]) == (1, 2, 3.0)
    assert own["rows"][1][1][at["difference"]] == 0.5
    assert own["runs"][0] == [
        {"name": "a", "values": [[0, 1.0], [1, 2.0]]},
        {"name": "b", "values": [[0, 1.0], [1, 4.0]]},
    ]
    assert own["runs"][1] == [{"name": "c", "values": [[0, 1.0], [1, 2.5]]}]


def test_what_is_not_known_is_null_and_no_number_is_longer_than_six_digits():
    integrity, truth, _ = DATA["metrics"]
    assert truth["rows"][1] == []
    assert truth["runs"][0][0]["values"] == [[0, 1.0], [1, None]]
    assert integrity["runs"][0][0]["values"][1] == [1, 0.123457]
    text = json.dumps(DATA, allow_nan=False)
    assert json.loads(text) == DATA
    assert not any(isinstance(x, float) and math.isnan(x) for row in truth["rows"][0] for x in row)
