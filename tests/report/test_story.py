"""The chain in words: only sentences that the data support, and the headline numbers."""

import pytest

from palimpsest.report.story import Tile, g, story, tiles, when
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import summarise
from tests.trajectory.chains import band, chain, published, rich


def summary(scorecards, threshold=0.1):
    return summarise(Trajectory.from_scorecards(scorecards), threshold)


def said(scorecards, threshold=0.1):
    return " ".join(story(summary(scorecards, threshold)))


@pytest.mark.parametrize(
    ("generation", "name"), [(0, "g00"), (7, "g07"), (20.0, "g20"), (3.44, "g3.4"), (123, "g123")]
)
def test_a_generation_has_the_name_of_the_graph(generation, name):
    assert g(generation) == when(generation) == name


def test_what_never_came_is_never():
    assert when(None) == "never"


# --- the story ---


def test_what_is_left_is_said_and_what_human_text_has():
    assert said(chain(integrity=[1.0, 0.426])).startswith(
        "After 1 generation, 43\u00a0% of fresh human text's integrity is left. "
    )
    scorecards = chain({"integrity": band(0.92, 1.05)}, integrity=[1.0, 0.9, 0.8])
    assert said(scorecards).startswith(
        "After 2 generations, 80\u00a0% of fresh human text's integrity is left "
        "(human samples have 92 to 105\u00a0%)."
    )
    assert "integrity is left" not in said(chain(volume=[1.0, 0.5]))


def test_two_phases_are_said_with_their_rates():
    whole = summary(published())
    assert whole.phases.volume_rate is not None
    assert whole.phases.volume_rate_after is not None
    before, after = (
        f"{abs(rate.value):#.3g}" for rate in (whole.phases.volume_rate,
                                               whole.phases.volume_rate_after)
    )  # fmt: skip
    assert (before, after) == ("0.0140", "0.111")
    assert (
        f"The chain has two phases: up to g11 ln volume changes by −{before} a generation, from "
        f"then on by −{after}"
    ) in said(published())
    assert "phases" not in said(published()[:5])
    # with null samples generation 0 is comparable, and one line fits as well
    assert "phases" not in said(rich())


def test_texts_that_span_nothing_are_said():
    assert "From g02 on, the texts span no volume at all." in said(rich(6, 2))
    assert "span no volume" not in said(rich(6))


def test_the_first_alarm_is_said_with_how_many_others():
    # fact coverage lies below its band from the start, as volume and integrity do
    assert "null band for two generations: " in said(rich())
    assert " and 2 others, at g02." in said(rich())
    one = chain({"volume": band(0.9, 1.1)}, volume=[1.0, 0.2, 0.2, 0.2])
    assert (
        "The first to have been outside their null band for two generations: hull volume, at g02."
    ) in said(one)
    silent = chain({"volume": band(0.9, 1.1)}, volume=[1.0, 1.0, 1.0])
    assert "No metric has left its null band for two generations in a row." in said(silent)
    assert "null band" not in said(published())


def test_the_forecast_is_one_of_three_sentences():
    halving = [0.5**number for number in range(8)]
    observed = said(chain(integrity=halving, volume=halving))
    # 0.125 at g03 and 0.0625 at g04: 0.1 is crossed 0.4 of the way
    assert "Integrity fell to 0.1 at g3.4." in observed
    ahead = said(chain(integrity=halving, volume=halving), threshold=2**-9)
    assert "If this phase goes on, integrity falls to 0.00195312 at g09 (95 % interval: " in ahead
    short = said(chain(integrity=[1.0, 0.5]))
    assert "No forecast for integrity 0.1: " in short


# --- the headline numbers ---


def by_name(scorecards):
    return {tile.name: tile for tile in tiles(summary(scorecards))}


def test_the_tiles_of_a_bare_chain_by_hand():
    shown = by_name(chain(integrity=[1.0, 0.75, 0.25], loss=[0.0, 25.0, 75.0]))
    assert shown == {
        "integrity at g02": Tile("integrity at g02", "0.250", ("share of fresh human text's",)),
        "integrity lost at g02": Tile("integrity lost at g02", "75 %"),
        "half-life": Tile("half-life", "g1.5", ("integrity at 0.5",)),
        "area under integrity": Tile("area under integrity", "0.500", ("mean of g01 and on",)),
        "change of phase": Tile("change of phase", "none", ("too few generations",)),
    }


def test_the_tiles_of_a_whole_chain():
    scorecards = rich()
    shown = by_name(scorecards)
    assert shown["change of phase"] == Tile("change of phase", "none", ("one phase fits as well",))
    assert shown["integrity at g20"].notes[-1] == "null: 0.920 to 1.05"
    assert shown["first alarm"].value == "g02"
    assert shown["first alarm"].notes[0].endswith(", below its band")
    perplexity = shown["held-out perplexity"]
    assert (perplexity.value, perplexity.pair) == ("1.68 → 5.68", True)
    assert perplexity.notes == ("g00 → g20",)
    assert shown["fact coverage"].notes == ("g00 → g20", "null: 0.660 to 0.700")
    assert shown["duplicate texts at g20"].value == "0.200"
    assert shown["duplicate texts at g20"].notes == ("95 %: 0.196 to 0.204",)
    assert not shown["half-life"].pair
    slope = summary(scorecards).phases.drift_slope
    assert slope is not None
    assert shown["slope of the drift"].value == f"{slope.value:#.3g}"


def test_a_change_of_phase_has_a_tile():
    shown = by_name(published())["change of phase"]
    assert shown == Tile("change of phase", "after g11", ("ln volume −0.0140 a generation before",))


def test_the_last_generation_stands_beside_its_own_band():
    scorecards = rich()
    for one, ends in ((scorecards[19], (0.1, 0.2)), (scorecards[20], (0.3, 0.4))):
        one["null"] = {"fact_coverage": band(*ends), "duplicates": band(*ends)}
    shown = by_name(scorecards)
    assert shown["fact coverage"].notes == ("g00 → g20", "null: 0.300 to 0.400")
    assert shown["duplicate texts at g20"].notes[-1] == "null: 0.300 to 0.400"
    assert shown["integrity at g20"].notes[-1] == "null: 0.920 to 1.05"


def test_a_silent_chain_says_that_nothing_warned():
    shown = by_name(chain({"volume": band(0.9, 1.1)}, volume=[1.0, 1.0, 1.0]))
    assert shown["first alarm"] == Tile("first alarm", "none", ("every metric in its null band",))
