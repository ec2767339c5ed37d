"""The files that `dvc plots` draws: rows by hand, every digit, a file whatever was measured."""

import csv
import io

import pytest
import yaml

from palimpsest.core.errors import MetricError
from palimpsest.metrics.registry import shown_in
from palimpsest.report.curve_files import COLUMNS, curve_files, curve_rows, to_csv
from palimpsest.trajectory.curves import Trajectory
from tests.tiny import ROOT
from tests.trajectory.chains import band, chain, published, rich

PLOTS = (
    "integrity", "loss", "integrity_published", "volume", "drift", "dispersion", "compression",
    "outlier",
    "perplexity_heldout", "distinct_2", "duplicates", "fact_coverage", "truth", "nc1_cdnv",
    "nc2_etf_error", "gnc2_log", "nc3_dual_error", "nc4_agreement", "crowding", "entanglement",
    "synonym_gap", "synonym_separation",
)  # fmt: skip


def test_rows_by_hand():
    scorecards = chain({"volume": band(0.5, 2.0)}, volume=[1.0, None, 0.5])
    scorecards[2]["metrics"]["volume"].update(low=0.4, high=0.6)
    beside = {"null_low": 0.5, "null_high": 2.0}
    beside |= dict.fromkeys(("control", "difference", "difference_low", "difference_high"))
    assert curve_rows(Trajectory.from_scorecards(scorecards), "volume") == [
        {"generation": 0, "value": 1.0, "low": None, "high": None, **beside},
        {"generation": 2, "value": 0.5, "low": 0.4, "high": 0.6, **beside},
    ]


def test_csv_keeps_every_digit_and_leaves_gaps_empty():
    text = to_csv(curve_rows(Trajectory.from_scorecards(chain(volume=[1 / 3])), "volume"))
    head = "generation,value,low,high,null_low,null_high,"
    head += "control,difference,difference_low,difference_high"
    assert text == f"{head}\n0,0.3333333333333333,,,,,,,,\n"


def test_a_generation_of_few_words_has_its_own_band_beside_it():
    scorecards = chain({"mtld": band(50, 90)}, mtld=[70.0, None, 60.0, 60.0])
    scorecards[2]["null"] = {"mtld": band(80, 120)}
    rows = curve_rows(Trajectory.from_scorecards(scorecards), "mtld")
    ends = [(row["generation"], row["null_low"], row["null_high"]) for row in rows]
    assert ends == [(0, 50, 90), (2, 80, 120), (3, 50, 90)]


def test_rows_with_a_control_chain_by_hand():
    scorecards, control = chain(volume=[1.0, 0.5, 0.25]), chain(volume=[1.0, 0.75])
    for entry, reach in ((scorecards[1], 0.3), (control[1], 0.4)):
        volume = entry["metrics"]["volume"]
        volume.update(low=volume["value"] - reach, high=volume["value"] + reach)
    rows = curve_rows(Trajectory.from_scorecards(scorecards, control), "volume")
    keys = ("control", "difference", "difference_low", "difference_high")
    cells = [[row[key] for key in keys] for row in rows]
    assert cells[0] == [1.0, 0.0, 0.0, 0.0]
    assert cells[1] == pytest.approx([0.75, -0.25, -0.75, 0.25])
    assert cells[2] == [None, None, None, None]


def test_the_set_of_files_does_not_depend_on_the_corpus():
    bare, full = (
        curve_files(Trajectory.from_scorecards(scorecards)) for scorecards in (published(), rich())
    )
    assert list(bare) == list(full) == [f"{name}.csv" for name in shown_in("plot")]
    assert set(shown_in("plot")) == set(PLOTS)
    assert bare["truth.csv"] == ",".join(COLUMNS) + "\n"


def test_the_graph_draws_files_that_are_written():
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    entries = [entry for plot in plots for entry in plot.values()]
    drawn = {(path, column) for entry in entries for path, column in entry["y"].items()}
    assert len(drawn) == len(plots)
    assert {path for path, _ in drawn} <= {f"plots/curves/{name}.csv" for name in PLOTS}
    assert {column for _, column in drawn} | {entry["x"] for entry in entries} <= set(COLUMNS)


def test_csv_reads_back():
    text = curve_files(Trajectory.from_scorecards(published()))["volume.csv"]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["generation"] for row in rows] == [str(g) for g in range(21)]
    assert float(rows[-1]["value"]) == 0.032


def test_metrics_of_one_s_own_get_a_file_each():
    scorecards = chain(volume=[1.0, 0.5], mean_words=[7.0, 6.0])
    for scorecard in scorecards:
        scorecard["custom"] = ["mean_words"]
    files = curve_files(Trajectory.from_scorecards(scorecards), scorecards)
    assert list(files) == [f"{name}.csv" for name in (*shown_in("plot"), "mean_words")]
    assert files["mean_words.csv"].splitlines()[1:] == ["0,7.0,,,,,,,,", "1,6.0,,,,,,,,"]


@pytest.mark.parametrize("name", ["../elsewhere", "/tmp/x", "a b", "", "=1"])
def test_a_metric_whose_name_is_a_path_becomes_no_file(name):
    scorecards = rich(3)
    with pytest.raises(MetricError, match=r"scorecard\.custom: want names of metrics, got"):
        curve_files(Trajectory.from_scorecards(scorecards), [{**scorecards[0], "custom": [name]}])
