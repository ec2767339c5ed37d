import csv
import io

import pytest

from palimpsest.decay.trajectory import Trajectory
from palimpsest.report.labels import label, plain
from palimpsest.report.tables import COLUMNS, PLOTS, curve_rows, tables, to_csv
from tests.decay.chains import chain, published, rich


def test_rows_by_hand():
    cards = chain({"volume": {"low": 0.5, "high": 2.0, "samples": 20}}, volume=[1.0, None, 0.5])
    cards[2]["metrics"]["volume"].update(low=0.4, high=0.6)
    band = {"null_low": 0.5, "null_high": 2.0}
    band |= dict.fromkeys(("lineage", "difference", "difference_low", "difference_high"))
    assert curve_rows(Trajectory.from_cards(cards), "volume") == [
        {"generation": 0, "value": 1.0, "low": None, "high": None, **band},
        {"generation": 2, "value": 0.5, "low": 0.4, "high": 0.6, **band},
    ]


def test_csv_keeps_every_digit_and_leaves_gaps_empty():
    text = to_csv(curve_rows(Trajectory.from_cards(chain(volume=[1 / 3])), "volume"))
    head = "generation,value,low,high,null_low,null_high,"
    head += "lineage,difference,difference_low,difference_high"
    assert text == f"{head}\n0,0.3333333333333333,,,,,,,,\n"


def test_rows_with_a_null_lineage_by_hand():
    cards, null = chain(volume=[1.0, 0.5, 0.25]), chain(volume=[1.0, 0.75])
    for entry, reach in ((cards[1], 0.3), (null[1], 0.4)):
        volume = entry["metrics"]["volume"]
        volume.update(low=volume["value"] - reach, high=volume["value"] + reach)
    rows = curve_rows(Trajectory.from_cards(cards, null), "volume")
    keys = ("lineage", "difference", "difference_low", "difference_high")
    found = [[row[key] for key in keys] for row in rows]
    assert found[0] == [1.0, 0.0, 0.0, 0.0]
    assert found[1] == pytest.approx([0.75, -0.25, -0.75, 0.25])
    assert found[2] == [None, None, None, None]


def test_the_set_of_files_does_not_depend_on_the_corpus():
    bare, full = (tables(Trajectory.from_cards(cards)) for cards in (published(), rich()))
    assert list(bare) == list(full) == [f"{name}.csv" for name in PLOTS]
    assert bare["truth.csv"] == ",".join(COLUMNS) + "\n"


def test_csv_reads_back():
    text = tables(Trajectory.from_cards(published()))["volume.csv"]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["generation"] for row in rows] == [str(g) for g in range(21)]
    assert float(rows[-1]["value"]) == 0.032


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (float("nan"), "–"), (0.0, "0"), (10.0, "10"), (0.33, "0.330"),
        (-0.0893, "−0.0893"), (123.45, "123.5"), (25000.0, "25 000"), (2.5e-7, "2.50e−07"),
        (-4.0, "−4"), (3.2e9, "3.20e+09"),
    ],
)  # fmt: skip
def test_numbers_for_readers(value, text):
    assert plain(value).replace("\u202f", " ") == text


def test_a_metric_without_label_keeps_its_name():
    assert label("mean_words").title == "mean words"
    assert label("nc1_cdnv").title == "NC1: spread within classes"
    assert label("loss").unit == "%"


def test_metrics_of_one_s_own_get_a_file_each():
    cards = chain(volume=[1.0, 0.5], mean_words=[7.0, 6.0])
    for card in cards:
        card["custom"] = ["mean_words"]
    files = tables(Trajectory.from_cards(cards), cards)
    assert list(files) == [f"{name}.csv" for name in (*PLOTS, "mean_words")]
    assert files["mean_words.csv"].splitlines()[1:] == ["0,7.0,,,,,,,,", "1,6.0,,,,,,,,"]
