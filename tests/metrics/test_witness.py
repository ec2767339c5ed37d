import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics.witness import (
    HumanLikelihood,
    HumanWords,
    WitnessVerdict,
    judge,
    repeated_share,
)

HUMAN = HumanLikelihood(q01=1.0, q05=1.5, q95=3.0, q99=3.5)
SOUND = "the tower of Velden was built in 1423 and stands in the east of its province"


def test_sound_text_passes_without_reasons():
    judgement = judge(SOUND, nll=2.0, human=HUMAN, statuses=["true", "true", "unparsable"])
    assert (judgement.verdict, judgement.reasons) == (WitnessVerdict.PASS, ())


@pytest.mark.parametrize(
    ("nll", "verdict", "words"),
    [
        (1.5, "PASS", ""),
        (3.0, "PASS", ""),
        (3.2, "WARN", "rather surprising"),
        (1.2, "WARN", "rather predictable"),
        (4.0, "FAIL", "too surprising"),
        (0.5, "FAIL", "too predictable"),
        (6.1, "CRITICAL", "far too surprising: 6.10 nats a token, human 1.50 to 3.00"),
        (math.inf, "CRITICAL", "far too surprising"),
    ],
)
def test_likelihood_is_two_sided(nll, verdict, words):
    judgement = judge(SOUND, nll, HUMAN)
    assert judgement.verdict == verdict
    assert " ".join(judgement.reasons).startswith(words)


@given(st.floats(0, 10), st.floats(0, 10))
def test_farther_from_the_human_middle_is_never_better(a, b):
    human = HumanLikelihood(4.0, 4.5, 5.5, 6.0)
    near, far = sorted((a, b), key=lambda nll: abs(nll - 5.0))
    assert judge(SOUND, near, human).verdict.severity <= judge(SOUND, far, human).verdict.severity


def test_repeated_4_grams_by_hand():
    # 9 words, 6 4-grams, of which "a b c d" comes twice
    assert repeated_share(["a", "b", "c", "d", "e", "a", "b", "c", "d"]) == pytest.approx(1 / 6)
    assert repeated_share(["a", "b"]) == 0.0
    judgement = judge("a b c d e a b c d")
    assert (judgement.verdict, judgement.reasons) == (
        WitnessVerdict.WARN,
        ("repeats 17 % of its 4-grams",),
    )


def test_half_repeated_text_is_critical():
    assert judge(f"{SOUND} {SOUND}").verdict == WitnessVerdict.CRITICAL


def test_one_word_that_fills_the_text():
    words = ["so", "it", "so", "was", "so", "then", "so", "there", "so", "once"]
    judgement = judge(" ".join(words))
    assert (judgement.verdict, judgement.reasons) == (
        WitnessVerdict.FAIL,
        ("“so” is 50 % of its words",),
    )
    assert judge("so it so was so then").verdict == WitnessVerdict.PASS  # too short for a share


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], "PASS"),
        (["unparsable"] * 3, "PASS"),
        (["true", "false"], "WARN"),
        (["false"], "FAIL"),
        (["true", "false", "novel"], "FAIL"),
        (["false", "novel"], "CRITICAL"),
    ],
)
def test_truth(statuses, verdict):
    assert judge(SOUND, statuses=statuses).verdict == verdict


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "…!?", "the", "of the", "the the the", "of the " * 9, "a b c " * 3,
     "so then " + "x y z " * 12],
)  # fmt: skip
def test_dead(text):
    judgement = judge(text, nll=2.0, human=HUMAN, statuses=["true"])
    assert judgement.verdict == WitnessVerdict.DEAD
    assert len(judgement.reasons) == 1


def test_a_refrain_is_not_death():
    assert judge("a b c d e f g h i " * 3).verdict == WitnessVerdict.CRITICAL  # nine words a turn
    assert judge("yes yes said the man").verdict == WitnessVerdict.PASS


def test_the_worst_reason_comes_first():
    judgement = judge(SOUND, nll=3.2, human=HUMAN, statuses=["false", "false"])
    assert judgement.verdict == WitnessVerdict.CRITICAL
    assert judgement.reasons[0] == "2 of 2 statements untrue"
    assert len(judgement.reasons) == 2


def test_percentiles_of_human_texts():
    human = HumanLikelihood.from_texts(range(101))
    assert (human.q01, human.q05, human.q95, human.q99) == (1.0, 5.0, 95.0, 99.0)


def test_a_single_human_text_leaves_no_room():
    human = HumanLikelihood.from_texts([2.0])
    assert judge(SOUND, 2.0, human).verdict == WitnessVerdict.PASS
    assert judge(SOUND, 2.1, human).verdict == WitnessVerdict.CRITICAL


def test_severity_orders_the_verdicts():
    assert [verdict.severity for verdict in WitnessVerdict] == [0, 1, 2, 3, 4]


def test_nan_likelihood():
    with pytest.raises(MetricError, match="witness nll"):
        judge(SOUND, math.nan, HUMAN)


def test_unknown_status():
    with pytest.raises(MetricError, match=r"witness statuses.*maybe"):
        judge(SOUND, statuses=["maybe"])


@pytest.mark.parametrize("values", [[], [[1.0]]])
def test_no_human_texts(values):
    with pytest.raises(MetricError, match="nll_per_text"):
        HumanLikelihood.from_texts(values)


@pytest.mark.parametrize("quantiles", [(2, 1, 3, 4), (1, 2, 3, math.nan)])
def test_quantiles_out_of_order(quantiles):
    with pytest.raises(MetricError, match="human likelihood"):
        HumanLikelihood(*quantiles)


HUMAN_TEXTS = ["the cat sat on the mat and looked out", "a dog ran to the old gate by the river"]
WORDS = HumanWords.from_texts(HUMAN_TEXTS, ["the old dog sat on a new mat by the gate"])


def test_words_that_no_human_text_has():
    """One of eleven held-out words is unknown; the limits are a third and two thirds beyond."""
    assert pytest.approx(1 / 11) == WORDS.q99
    human = "a cat ran to the gate and looked out by the river"
    assert judge(human, vocabulary=WORDS).verdict == WitnessVerdict.PASS
    broken = {2: "WARN", 5: "FAIL", 9: "CRITICAL"}
    for count, verdict in broken.items():
        words = [*(f"br{at}ken" for at in range(count)), *human.split()[count:]]
        judgement = judge(" ".join(words), vocabulary=WORDS)
        assert judgement.verdict == verdict, count
        assert f"{100 * count / 12:.0f} % of its words are no human text's" in judgement.reasons[0]
    assert (
        judge("zab zeb zib zob zub", vocabulary=WORDS).verdict == WitnessVerdict.PASS
    )  # too short
    assert judge("1 2 3 4 5 6 7 8 9 10", vocabulary=WORDS).verdict == WitnessVerdict.PASS
