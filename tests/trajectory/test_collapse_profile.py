"""The collapse profile on chains whose answers are known."""

import math

import numpy as np
import pytest

from palimpsest.trajectory.collapse_profile import TAILS, collapse_profile
from palimpsest.trajectory.curves import Trajectory
from tests.trajectory.chains import band, chain

UNIGRAMS = math.exp(5.0)
KEYS = [
    "catastrophic_increase", "any_increase", "divergence", "variance", "scaling_law", "modes",
    "tails", "made_up",
]  # fmt: skip


def profile(scorecards, unigrams=UNIGRAMS, control=()):
    found = collapse_profile(Trajectory.from_scorecards(scorecards, control), unigrams)
    return {answer.definition.key: answer for answer in found}


def of_loss(nats, margin=0.01):
    """A chain whose models have these losses, nats a token, known to within a margin."""
    scorecards = chain(perplexity_heldout=np.exp(nats))
    for scorecard, loss in zip(scorecards, nats, strict=True):
        entry = scorecard["metrics"]["perplexity_heldout"]
        entry.update(low=math.exp(loss - margin), high=math.exp(loss + margin))
    return scorecards


def with_ends(scorecards, name, low, high):
    scorecards[-1]["metrics"][name].update(low=low, high=high)
    return scorecards


def test_every_definition_has_an_answer_a_rule_and_a_source():
    found = profile(chain(volume=[1.0, 1.0]))
    assert list(found) == KEYS
    for answer in found.values():
        assert answer.verdict == "not measured"
        assert answer.reason
        assert answer.definition.rule
        assert answer.definition.source


# --- the loss ---


def test_a_growing_loss_is_an_increase_by_hand():
    found = profile(of_loss([1.0, 1.2, 1.5]))["any_increase"]
    reach = math.hypot(0.01, 0.01)
    assert found.verdict == "yes"
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - reach, 0.5 + reach))


@pytest.mark.parametrize("last", [1.0, 0.8, 1.013])  # the last within √2 · 0.01 of the first
def test_a_flat_or_falling_loss_is_none(last):
    assert profile(of_loss([1.0, 1.1, last]))["any_increase"].verdict == "no"


@pytest.mark.parametrize(("last", "verdict"), [(1.5, "no"), (2.99, "no"), (3.05, "yes")])
def test_half_of_what_the_first_model_knew_is_a_catastrophe(last, verdict):
    # it knew 5 − 1 nats more than frequencies; half of them are lost at 3
    found = profile(of_loss([1.0, last]))["catastrophic_increase"]
    assert found.verdict == verdict
    assert found.value == pytest.approx((last - 1) / 4)


def test_a_catastrophe_needs_something_to_lose():
    chain_ = of_loss([1.0, 4.9])
    assert profile(chain_, None)["catastrophic_increase"].verdict == "not measured"
    known = profile(chain_, math.exp(0.9))["catastrophic_increase"]
    assert known.verdict == "not measured"
    assert known.reason == "the first model knew no more than word frequencies"


def test_a_loss_without_an_interval_is_not_measured():
    found = profile(chain(perplexity_heldout=[2.0, 3.0]))
    for key in ("any_increase", "catastrophic_increase"):
        assert found[key].verdict == "not measured"
        assert "no interval" in found[key].reason


G = np.arange(21.0)
LAWS = {
    "line": (1 + 0.1 * G, "yes"),
    "faster and faster": (1 + 0.01 * G**2, "yes"),
    "root": (1 + 0.5 * np.sqrt(G), "yes"),
    "logarithm": (1 + 0.5 * np.log1p(G), "no"),
    "bounded": (1 + np.cumsum(1 / np.maximum(G, 1) ** 2), "no"),
    "flat": (1 + 0.01 * np.sin(3 * G), "no"),
    "falling": (3 - 0.1 * G, "no"),
    "up and down": (1 + 0.1 * np.minimum(G, 20 - G), "no"),
}


@pytest.mark.parametrize("law", LAWS)
def test_growth_without_a_limit_is_told_from_growth_that_levels_off(law):
    nats, verdict = LAWS[law]
    assert profile(of_loss(nats))["divergence"].verdict == verdict


def test_a_line_s_slope_is_the_number():
    found = profile(of_loss(1 + 0.1 * G))["divergence"]
    assert found.value == pytest.approx(0.1)
    assert found.shown == "nats a token and generation, second half"


def test_a_short_chain_cannot_diverge():
    found = profile(of_loss(1 + 0.1 * G[:11]))["divergence"]
    assert found.verdict == "not measured"
    assert found.reason == "11 generations with a loss, 12 needed"
    assert profile(of_loss(1 + 0.1 * G[:12]))["divergence"].verdict == "yes"


def test_what_has_not_grown_does_not_diverge():
    # the loss falls, then comes half the way back: a control chain of the real run did
    nats = 1.0 - 0.1 * np.minimum(G, 10) + 0.05 * np.maximum(G - 10, 0)
    found = profile(of_loss(nats))
    assert found["any_increase"].verdict == "no"
    assert found["divergence"].low > 0
    assert found["divergence"].verdict == "no"


def test_a_loss_that_the_control_chain_has_too_is_not_the_loop_s():
    nats = 1 + 0.2 * G
    for key in ("any_increase", "divergence", "catastrophic_increase"):
        assert profile(of_loss(nats))[key].verdict == "yes"
        assert profile(of_loss(nats), control=of_loss(nats))[key].verdict == "no"
        better = of_loss(nats - 0.1 * G)
        assert profile(of_loss(nats), control=better)[key].verdict == "yes"


# --- what has left its null band ---


@pytest.mark.parametrize(
    ("key", "name"),
    [("variance", "spread"), ("modes", "coverage"), ("made_up", "truth"), ("tails", TAILS[0])],
)
def test_below_its_band_for_two_generations_is_yes(key, name):
    null = {name: band(0.9, 1.1)}

    def verdict(*values):
        return profile(chain(null, **{name: values}))[key].verdict

    assert verdict(1.0, 1.0, 0.5, 0.5) == "yes"
    assert verdict(1.0, 1.0, 0.5, 1.0) == "no"  # it came back
    assert verdict(1.0, 1.0, 1.0, 0.5) == "no"  # once may be chance
    assert verdict(1.0, 1.0, 2.0, 2.0) == "no"  # the other side
    assert verdict(1.0, 1.0, 0.9, 0.9) == "no"  # the ends of a band are inside
    assert verdict(1.0, 0.5, 0.5, 0.5) == "no"  # the first model wrote no other
    assert verdict(1.0, 0.5, 0.6, 0.7) == "no"
    assert verdict(1.0, 0.6, 0.5) == "yes"
    assert verdict(1.0, 0.5) == "not measured"
    assert verdict(1.0, 0.6, 0.5, None) == "not measured"
    assert verdict(1.0, 0.6, None, 0.5) == "not measured"
    assert verdict(1.0, None, 0.5, 0.5) == "not measured"


def test_the_whole_interval_must_be_below():
    null, values = {"spread": band(0.9, 1.1)}, [1.0, 1.0, 0.5, 0.5]
    surely = with_ends(chain(null, spread=values), "spread", 0.4, 0.8)
    perhaps = with_ends(chain(null, spread=values), "spread", 0.4, 0.95)
    assert profile(surely)["variance"].verdict == "yes"
    assert profile(perhaps)["variance"].verdict == "no"
    found = profile(perhaps)["variance"]
    assert (found.metric, found.value, found.low, found.high) == ("spread", 0.5, 0.4, 0.95)
    assert found.shown == "at the last generation; g01 1"


def test_the_whole_interval_must_be_below_that_of_the_first_model_s_texts():
    null = {"spread": band(0.9, 1.1)}
    values = [1.0, 0.6, 0.5, 0.5]
    assert (
        profile(with_ends(chain(null, spread=values), "spread", 0.42, 0.58))["variance"].verdict
        == "yes"
    )
    assert (
        profile(with_ends(chain(null, spread=values), "spread", 0.38, 0.62))["variance"].verdict
        == "no"
    )


def test_a_control_chain_takes_the_place_of_the_first_model_s_texts():
    null = {"spread": band(0.9, 1.1)}
    own = chain(null, spread=[1.0, 0.8, 0.6, 0.5])
    for last, verdict in ((0.8, "yes"), (0.5, "no"), (0.4, "no")):
        control = chain(null, spread=[1.0, 0.8, 0.8, last])
        found = profile(own, control=control)["variance"]
        assert (found.verdict, found.shown) == (
            verdict,
            f"at the last generation; the control chain's last {last:.3f}",
        )
    short = chain(null, spread=[1.0, 0.8, 0.4])
    assert profile(own, control=short)["variance"].verdict == "yes"


def test_a_generation_with_few_words_is_held_against_its_own_band():
    null = {"hapax": band(0.9, 1.1)}
    own = chain(null, hapax=[1.0, 0.8, 0.7, 0.7])
    for scorecard in own[2:]:
        scorecard["null"] = {"hapax": band(0.75, 0.85)}
    # 0.2 below human text at g01, 0.1 below it at the end
    assert profile(own)["tails"].verdict == "no"
    own[1]["metrics"]["hapax"]["value"] = 0.95
    assert profile(own)["tails"].verdict == "yes"


def test_without_a_band_nothing_can_be_below_it():
    found = profile(chain(spread=[1.0, 1.0, 0.1, 0.1]))["variance"]
    assert (found.verdict, found.reason) == ("not measured", "no such metric with a null band")


def test_rare_facts_come_before_surprise_and_single_words():
    null = {name: band(0.9, 1.1) for name in TAILS}
    for at, name in enumerate(TAILS):
        curves = {other: [1.0, 1.0, 0.5, 0.5] for other in TAILS[at:]}
        assert profile(chain(null, **curves))["tails"].metric == name


def test_one_chain_never_says_anything_of_the_scaling_law():
    assert profile(of_loss(1 + 0.1 * G))["scaling_law"].verdict == "not measured"


def test_an_answer_is_json():
    facts = profile(of_loss([1.0, 1.5]))["any_increase"].facts()
    assert list(facts) == ["verdict", "metric", "shown", "value", "low", "high", "reason"]
    assert facts["verdict"] == "yes"
