"""The tables of the page, by hand: cells, hints, marks, the row of bands."""

import pytest

from palimpsest.report.tables import (
    Cell,
    Column,
    Row,
    against_control,
    by_generation,
    by_metric,
    leads,
    replies,
)
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.trajectory.chains import band, chain, rich


def measured():
    """Volume with a band and an interval at the end, and a metric of one's own without either."""
    scorecards = chain({"volume": band(0.9, 1.5)}, volume=[2.0, 1.0, 0.5], mean_words=[7, None, 6])
    scorecards[2]["metrics"]["volume"].update(low=0.25, high=0.75)
    return Trajectory.from_scorecards(scorecards)


def test_a_row_a_generation_and_one_of_bands():
    table = by_generation(measured(), ["mean_words", "volume", "drift"])
    assert table.head == (
        Column("generation"), Column("mean words"), Column("hull volume", "PCA units³"),
    )  # fmt: skip
    assert table.rows == (
        Row("g00", (Cell("7"), Cell("2"))),  # outside, but generation 0 is the human text
        Row("g01", (Cell("–"), Cell("1"))),
        Row("g02", (Cell("6"), Cell("0.500", "95 %: 0.250 to 0.750", left=True))),
        Row("null band", (Cell("–"), Cell("0.900 to 1.50"))),
    )


def test_without_bands_there_is_no_row_of_them():
    table = by_generation(measured(), ["mean_words"])
    assert [row.name for row in table.rows] == ["g00", "g01", "g02"]


def test_a_row_a_metric_and_a_column_a_generation():
    table = by_metric(measured())
    titles = ("metric", "g00", "g01", "g02", "null band")
    assert table.head == tuple(map(Column, titles))
    assert table.rows == (
        Row("mean_words", (Cell("7"), Cell("–"), Cell("6"), Cell("–")), code=True),
        Row(
            "volume",
            (
                Cell("2"), Cell("1"), Cell("0.500", "95 %: 0.250 to 0.750", left=True),
                Cell("0.900 to 1.50"),
            ),
            code=True,
        ),
    )  # fmt: skip


def test_the_ends_of_a_band_are_inside():
    trajectory = Trajectory.from_scorecards(
        chain({"volume": band(1.0, 2.0)}, volume=[9, 1.0, 2.0, 2.0 + 1e-9])
    )
    marks = [row.cells[0].left for row in by_generation(trajectory, ["volume"]).rows]
    assert marks == [False, False, False, True, False]


def test_a_generation_of_few_words_is_marked_by_its_own_band():
    scorecards = chain({"mtld": band(50, 90)}, mtld=[70, 70, 70, 100, 100])
    scorecards[2]["null"] = scorecards[3]["null"] = {"mtld": band(80, 120)}
    trajectory = Trajectory.from_scorecards(scorecards)
    marks = [row.cells[0].left for row in by_generation(trajectory, ["mtld"]).rows]
    # inside the usual one, left its own, inside its own, left the usual one; the row of bands
    assert marks == [False, False, True, False, True, False]
    (row,) = by_metric(trajectory).rows
    assert [cell.left for cell in row.cells] == marks


def test_the_last_generation_stands_beside_that_of_the_control_chain():
    scorecards, control = chain(volume=[1.0, 0.5], drift=[0, 1]), chain(volume=[1.0, 0.75])
    for one, reach in ((scorecards[1], 0.3), (control[1], 0.4)):
        volume = one["metrics"]["volume"]
        volume.update(low=volume["value"] - reach, high=volume["value"] + reach)
    table = against_control(Trajectory.from_scorecards(scorecards, control), ["volume", "drift"])
    assert table is not None
    titles = ("at g01", "chain", "control chain", "difference", "95 % interval")
    assert table.head == tuple(map(Column, titles))
    cells = ("0.500", "0.750", "−0.250", "−0.750 to 0.250")
    assert table.rows == (Row("hull volume", tuple(map(Cell, cells))),)


def test_without_a_control_chain_of_the_same_length_there_is_no_such_table():
    own, shorter = chain(volume=[1.0, 0.5]), chain(volume=[1.0])
    assert against_control(Trajectory.from_scorecards(own), ["volume"]) is None
    assert against_control(Trajectory.from_scorecards(own, shorter), ["volume"]) is None


def test_leads_say_when_where_how_early_and_how_sure():
    summary = summarise(Trajectory.from_scorecards(rich()))
    rows = leads(summary)
    assert len(rows) == len(summary.alarms) == 3
    for row, alarm in zip(rows, summary.alarms, strict=True):
        assert alarm.generation is not None
        assert row.at == f"g{alarm.generation:02d}"
        assert row.side == alarm.side == "below"
    assert {row.name for row in rows} == {"hull volume", "integrity", "fact coverage"}
    assert next(row for row in rows if row.name == "integrity").ahead == "0"
    silent = chain({"volume": band(0.9, 1.1)}, volume=[1.0, 1.02, 1.05])
    (row,) = leads(summarise(Trajectory.from_scorecards(silent)))
    assert (row.at, row.ahead, row.side) == ("never", "–", "–")
    assert 0 < float(row.p) < 1


def test_a_lead_is_counted_from_integrity_s_alarm():
    bands = {name: band(0.9, 1.1) for name in ("integrity", "volume", "drift")}
    late = chain(
        bands,
        volume=[1.0, 0.2, 0.2, 0.2, 0.2, 0.2],
        integrity=[1.0, 1.0, 1.0, 0.2, 0.2, 0.2],
        drift=[1.0, 1.0, 1.0, 1.0, 5.0, 5.0],
    )
    rows = leads(summarise(Trajectory.from_scorecards(late)))
    assert [(row.name, row.ahead) for row in rows] == [
        ("hull volume", "2"), ("integrity", "0"), ("drift", "−1"),
    ]  # fmt: skip


@pytest.mark.parametrize(("far", "text"), [(1e6, "< 10⁻⁶"), (0.5, "< 10⁻⁶"), (0.2, None)])
def test_no_tail_is_known_farther_out_than_one_in_a_million(far, text):
    curve = [1.0, 1.0 + far, 1.0 + far]
    trajectory = Trajectory.from_scorecards(chain({"volume": band(0.9, 1.1)}, volume=curve))
    (row,) = leads(summarise(trajectory))
    assert row.p == text if text else 1e-6 < float(row.p) < 0.05


def test_a_reply_has_the_number_its_interval_and_the_band():
    scorecards = chain({"spread": band(0.9, 1.1)}, spread=[1.0, 0.8, 0.5])
    scorecards[2]["metrics"]["spread"].update(low=0.4, high=0.6)
    summary = summarise(Trajectory.from_scorecards(scorecards))
    shown = {reply.title: reply for reply in replies(summary.profile, summary.trajectory)}
    variance = shown["Shrinking variance"]
    assert (variance.verdict, variance.number) == ("yes", "0.500 (0.400 to 0.600)")
    last = "spread: at the last generation; g01 0.800; human samples 0.900 to 1.10"
    assert variance.measured == last
    scaling = shown["A worse scaling law"]
    assert (scaling.verdict, scaling.number) == ("not measured", "")
    assert scaling.measured == "one chain trains on one amount of data"


def test_a_lead_says_when_the_control_chain_warned():
    null = {"hapax": band(0.6, 0.7), "volume": band(0.9, 1.1)}
    own = chain(null, hapax=[0.65, 0.1, 0.1, 0.1], volume=[1.0, 0.1, 0.1, 0.1])
    control = chain(null, hapax=[0.65, 0.65, 0.1, 0.1], volume=[1.0, 1.0, 1.0, 1.0])
    rows = leads(summarise(Trajectory.from_scorecards(own, control)))
    assert [(row.name, row.at, row.control) for row in rows] == [
        ("hull volume", "g02", "never"),
        ("words used once", "g02", "g03"),
    ]
