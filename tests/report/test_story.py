"""The chain in words: only sentences that the data support, and the headline numbers."""

import pytest

from palimpsest.report.story import Tile, first_sign, g, phases, story, tiles, when
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


def told(scorecards, threshold=0.1):
    return " ".join(phases(summary(scorecards, threshold)))


def test_what_is_left_is_said_and_what_human_text_has():
    assert said(chain(integrity=[1.0, 0.426])).startswith(
        "Once a language model has learned from texts that the model before it wrote; of the "
        "[[integrity|room that as many human texts fill]], 43\u00a0% is left. "
    )
    scorecards = chain({"integrity": band(0.92, 1.05)}, integrity=[1.0, 0.9, 0.8])
    assert said(scorecards).startswith("Twice a language model has learned from ")
    assert "80\u00a0% is left (fresh human texts read 92 to 105\u00a0%). " in said(scorecards)
    assert "is left" not in said(chain(volume=[1.0, 0.5]))
    assert said(chain(volume=[1.0])).startswith("A language model has learned from human text, ")


def test_the_story_is_two_sentences_whatever_happened():
    for scorecards in (rich(), rich(6, 2), published(), chain(volume=[1.0]), rich(1)):
        assert len(story(summary(scorecards))) == 2


def with_control(null, own, theirs):
    return summarise(Trajectory.from_scorecards(chain(null, **own), chain(null, **theirs)))


def test_what_the_control_chain_warns_of_too_is_no_sign():
    null = {"integrity": band(0.92, 1.05), "hapax": band(0.6, 0.7)}
    fallen, whole = [0.65, 0.1, 0.1, 0.1, 0.1], [0.65] * 5
    halved, fresh = [1.0, 1.0, 1.0, 0.2, 0.2], [1.0] * 5
    both = with_control(
        null, {"hapax": fallen, "integrity": halved}, {"hapax": fallen, "integrity": fresh}
    )
    assert first_sign(both) == (
        "The first [[alarm|sign]] came at g04: integrity fell below what [[fresh human text|fresh "
        "human texts]] show; not counted: 1 metric that warns in the [[control chain]] too."
    )
    assert next(tile.value for tile in tiles(both) if "alarm" in tile.name) == "g04"
    alike = with_control(null, {"hapax": fallen}, {"hapax": fallen})
    assert "that has not left it in the [[control chain]] too" in first_sign(alike)
    (tile,) = (tile for tile in tiles(alike) if "alarm" in tile.name)
    assert (tile.value, tile.notes) == ("none", ("none that the control chain has not too",))
    own = with_control(null, {"hapax": fallen}, {"hapax": whole})
    assert "[[control chain]]" not in first_sign(own)
    assert "came at g02" in first_sign(own)


def test_two_phases_are_said_with_their_rates_and_how_often_that_is_wrong():
    found = summary(published()).phases
    assert found.volume_rate is not None
    assert found.volume_rate_after is not None
    text = told(published())
    assert "Two [[phase|phases]]: up to g11 the hull's ln volume changes by −0.0140 (" in text
    assert ") a generation, from then on by −0.111 (" in text
    assert "in 4.6 % of cases" in text
    short = told(published()[:5])
    assert short.startswith("Too few generations to tell two [[phase|phases]] from one.")
    assert "of cases" not in short
    # with null samples generation 0 is comparable, and one line fits as well
    assert told(rich()).startswith("One [[phase]]: the hull's ln volume changes by ")


def test_texts_that_span_nothing_are_said():
    assert "From g02 on, the texts span no volume at all." in told(rich(6, 2))
    assert "span no volume" not in told(rich(6))


def test_half_life_and_drift_are_said():
    text = told(chain(integrity=[1.0, 0.75, 0.25], volume=[1.0] * 3, drift=[0.0, 0.1, 0.2]))
    assert "Integrity's [[half-life]] is reached at g1.5." in text
    assert "moves away from the human one by 0.100" in text
    assert "has not been reached" in told(chain(integrity=[1.0, 0.9]))


def test_the_first_alarm_is_said_with_how_many_others():
    # fact coverage lies below its band from the start, as volume and integrity do
    assert " fell below what [[fresh human text|fresh human texts]] show (2 other" in said(rich())
    assert "came at g02: " in said(rich())
    one = chain({"volume": band(0.9, 1.1)}, volume=[1.0, 0.2, 0.2, 0.2])
    assert said(one).endswith(
        "The first [[alarm|sign]] came at g02: hull volume fell below what "
        "[[fresh human text|fresh human texts]] show."
    )
    above = chain({"volume": band(0.9, 1.1)}, volume=[1.0, 5.0, 5.0, 5.0])
    assert "hull volume rose above what" in said(above)
    silent = chain({"volume": band(0.9, 1.1)}, volume=[1.0, 1.0, 1.0])
    assert "No metric has left its [[null band]] for two generations in a row" in said(silent)
    assert "no human samples to hold the texts against" in said(published())


def test_the_lead_over_integrity_is_said():
    bands = {"integrity": band(0.9, 1.1), "volume": band(0.9, 1.1)}
    gone = [1.0, 0.2, 0.2, 0.2, 0.2]
    late = chain(bands, volume=gone, integrity=[1.0, 1.0, 1.0, 0.2, 0.2])
    assert said(late).endswith(" show, 2 generations before integrity did.")
    never = chain(bands, volume=gone, integrity=[1.0] * 5)
    assert said(never).endswith(" show; integrity has not done so yet.")
    # other numbers, or the two were copies of each other
    both = chain(bands, volume=gone, integrity=[1.0, 0.3, 0.2, 0.3, 0.2])
    assert said(both).endswith(", in the same generation as integrity.")


def test_the_forecast_is_one_of_three_sentences():
    halving = [0.5**number for number in range(8)]
    observed = told(chain(integrity=halving, volume=halving))
    # 0.125 at g03 and 0.0625 at g04: 0.1 is crossed 0.4 of the way
    assert "Integrity fell to 0.1 at g3.4." in observed
    ahead = told(chain(integrity=halving, volume=halving), threshold=2**-9)
    assert "integrity falls to 0.00195312 at g09 ([[95 % interval]]: " in ahead
    short = told(chain(integrity=[1.0, 0.5]))
    assert "No forecast for integrity 0.1: " in short


# --- the headline numbers ---


def by_name(scorecards):
    return {tile.name: tile for tile in tiles(summary(scorecards))}


def test_the_tiles_of_a_bare_chain_by_hand():
    shown = by_name(chain(integrity=[1.0, 0.75, 0.25], distinct_2=[0.5, 0.4, 0.3]))
    assert shown == {
        "[[integrity]] at g02": Tile(
            "[[integrity]] at g02", "0.250", ("share of fresh human text's",)
        ),
        "distinct [[2-gram|2-grams]]": Tile(
            "distinct [[2-gram|2-grams]]", "0.500 → 0.300", ("g00 → g02",)
        ),
    }


def test_the_tiles_of_a_whole_chain_are_six():
    shown = by_name(rich())
    assert len(shown) == 6
    assert shown["[[integrity]] at g20"].notes[-1] == "human samples: 0.920 to 1.05"
    assert shown["first [[alarm]]"].value == "g02"
    assert shown["first [[alarm]]"].notes[0].endswith(", below")
    perplexity = shown["[[held-out]] [[perplexity]]"]
    assert (perplexity.value, perplexity.pair) == ("1.68 → 5.68", True)
    assert perplexity.notes == ("g00 → g20",)
    coverage = shown["[[fact coverage]]"]
    assert coverage.notes == ("g00 → g20", "human samples: 0.660 to 0.700")
    duplicates = shown["duplicate texts at g20"]
    assert (duplicates.value, duplicates.pair) == ("0.200", False)
    assert duplicates.notes == ("95 % interval: 0.196 to 0.204",)


def test_the_last_generation_stands_beside_its_own_band():
    scorecards = rich()
    for one, ends in ((scorecards[19], (0.1, 0.2)), (scorecards[20], (0.3, 0.4))):
        one["null"] = {"fact_coverage": band(*ends), "duplicates": band(*ends)}
    shown = by_name(scorecards)
    assert shown["[[fact coverage]]"].notes == ("g00 → g20", "human samples: 0.300 to 0.400")
    assert shown["duplicate texts at g20"].notes[-1] == "human samples: 0.300 to 0.400"
    assert shown["[[integrity]] at g20"].notes[-1] == "human samples: 0.920 to 1.05"


def test_a_silent_chain_says_that_nothing_warned():
    shown = by_name(chain({"volume": band(0.9, 1.1)}, volume=[1.0, 1.0, 1.0]))
    assert shown["first [[alarm]]"] == Tile(
        "first [[alarm]]", "none", ("every metric in its null band",)
    )
