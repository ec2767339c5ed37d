"""Has the chain collapsed? Each of the field's definitions of model collapse, answered by itself.

Papers that speak of model collapse do not mean one thing. Schaeffer et al. (2025, "Position: Model
Collapse Does Not Mean What You Think") tell eight definitions apart and propose that a study says
which of them it meets: its collapse profile. `collapse_profile` answers the eight for one chain,
each with yes, no or not measured, the number behind the answer with its 95 % interval, and the rule
that decided it.

"No" says that the chain as far as it goes does not show it, not that a longer one would not. The
loss of a model is ln of its perplexity on held-out human text: nats a token. Its interval at two
generations is taken as independent, though both read the same texts: the interval of a difference
is too wide rather than too narrow.

What no loop has done is none of its collapse. A first model that never saw a generated text writes
less varied, less true texts than people do, and its sampling cuts their tails: texts count as
changed only where they lie below fresh human text and below those of a model that learned from
human text alone. That is the control chain's last one, or, without a control chain, the first
model, which wrote g01.

Known gaps: one chain has one amount of training data, so a change of the scaling law is never
measured; residuals of neighbouring generations are taken as independent where slopes are compared;
no interval says what another training of the same model would come to. A loss that levels off
after the chain's end reads as one that does not.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from palimpsest.core.formatting import plain
from palimpsest.statistics.regression import Rate, fit_line
from palimpsest.trajectory.curves import Curve, Trajectory, number

Verdict = Literal["yes", "no", "not measured"]
LOSS = "perplexity_heldout"
LOST = 0.5
"""Share of what the first model knew beyond word frequencies that must be lost for "catastrophic":
most of it."""
FEWEST_IN_HALF = 6
"""Generations in each half of a chain whose slopes are compared: at four, a logarithm of time keeps
exactly `SLOWER` of its slope, and what levels off reads as endless."""
SLOWER = 0.4
"""A loss whose slope in the second half is less than this share of the first half's levels off.
Over 20 generations a loss that grows with the logarithm of the generation keeps 0.30, with its root
0.47, as a line 1; one that adds 1/g² (what Gerstgrasser et al. prove for data that accumulate)
0.04."""
TAILS = ("tail_coverage", "surprise_q95", "hapax")
"""What may show lost tails, the first that was measured: rare facts where there is a ledger, else
the texts that surprise model 0 most, else words used once."""
BELOW = (
    "for the last two generations, with its whole 95 % interval at the last, and is below that of "
    "the control chain's texts, or without one of g01's, with the whole interval of the difference"
)
"""What is asked of every metric that is held against a null band."""


@dataclass(frozen=True)
class Definition:
    """One meaning of "model collapse".

    Attributes:
        key: its name in JSON.
        title: its name for readers.
        meaning: what it says, in a sentence.
        source: papers that use it.
        rule: what decides between yes and no.
    """

    key: str
    title: str
    meaning: str
    source: str
    rule: str


@dataclass(frozen=True)
class Answer:
    """What a chain says to one definition.

    Attributes:
        definition: which.
        verdict: "yes", "no" or "not measured".
        metric: name of the metric that decided; None where nothing was measured.
        shown: what `value` is, in words.
        value: the number; None where it is unknown.
        low: lower end of its 95 % interval; None without one.
        high: upper end.
        reason: why it was not measured; empty where it was.
    """

    definition: Definition
    verdict: Verdict
    metric: str | None = None
    shown: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def facts(self) -> dict[str, str | float | None]:
        """The answer as JSON; the definition's words stay here."""
        names = ("verdict", "metric", "shown", "value", "low", "high", "reason")
        return {name: getattr(self, name) for name in names}


GROWTH = Definition(
    "any_increase",
    "Any growth of the test loss",
    "The last model predicts human text worse than the first one did, by however little.",
    "Alemohammad et al. 2024; Dohmatob et al. 2025",
    "yes where the loss on held-out human text, last model less first (and less the control "
    "chain's last, where there is one), has a 95 % interval above 0",
)
CATASTROPHE = Definition(
    "catastrophic_increase",
    "A catastrophic growth of the test loss",
    "The last model has forgotten most of what the first one knew of human text.",
    "Shumailov et al. 2024",
    f"yes where the loss has grown at all, and more than {100 * LOST:.0f} % (whole 95 % interval) "
    "of the way from the first model's loss to that of bare word frequencies has been lost",
)
DIVERGENCE = Definition(
    "divergence",
    "Growth without a limit",
    "The loss grows with every generation and would not stop growing.",
    "Gerstgrasser et al. 2024; Dohmatob et al. 2024",
    "yes where the loss has grown at all, and over the second half of the chain it rises (95 % "
    f"interval of the slope above 0) at {SLOWER:g} times the slope of the first half or faster",
)
VARIANCE = Definition(
    "variance",
    "Shrinking variance",
    "The texts lie closer and closer together.",
    "Alemohammad et al. 2024; Kazdan et al. 2025",
    f"yes where the spread of the texts has been below its null band {BELOW}",
)
SCALING = Definition(
    "scaling_law",
    "A worse scaling law",
    "More training data help less than they would if people had written them.",
    "Dohmatob et al. 2024",
    "needs models trained on several amounts of data",
)
MODES = Definition(
    "modes",
    "Lost modes",
    "Whole kinds of text that people write are no longer written.",
    "Alemohammad et al. 2024; Kazdan et al. 2025",
    "yes where the share of human texts with a generated one near by has been below its null band "
    f"{BELOW}",
)
TAIL = Definition(
    "tails",
    "Lost tails",
    "What is rare in human text is no longer written.",
    "Shumailov et al. 2024; Dohmatob et al. 2024",
    "yes where the share of rare facts (without a ledger: the surprise of the 5 % of texts that "
    f"surprise model 0 most, or the share of words used once) has been below its null band {BELOW}",
)
MADE_UP = Definition(
    "made_up",
    "Made-up statements",
    "The texts state more and more that no human text states.",
    "Shumailov et al. 2024; Aithal et al. 2024",
    f"yes where the share of true statements has been below its null band {BELOW}",
)


def collapse_profile(
    trajectory: Trajectory, unigram_perplexity: float | None = None
) -> tuple[Answer, ...]:
    """What a chain says to each definition of model collapse, in the order of the paper.

    Args:
        trajectory: the chain.
        unigram_perplexity: of the human text for a model that knows how often each token occurs and
            nothing else, with the models' own tokens; None where it is unknown.
    """
    return (
        _catastrophe(trajectory, unigram_perplexity),
        _growth(trajectory),
        _divergence(trajectory),
        _departure(VARIANCE, trajectory, ("spread",)),
        Answer(SCALING, "not measured", reason="one chain trains on one amount of data"),
        _departure(MODES, trajectory, ("coverage",)),
        _departure(TAIL, trajectory, TAILS),
        _departure(MADE_UP, trajectory, ("truth",)),
    )


def _loss_gain(trajectory: Trajectory) -> tuple[float, float, float] | str:
    """The last model's loss less the first one's, nats a token, with its ends; or why not."""
    if LOSS not in trajectory or len(trajectory.generations) < 2:
        return "the loss of two models is needed"
    curve = _logarithm(trajectory.curve(LOSS))
    value = curve.value[-1] - curve.value[0]
    reach = math.hypot(*(curve.high[at] - curve.value[at] for at in (0, -1)))
    if not math.isfinite(value + reach):
        return "the loss of the first or the last model is unknown, or has no interval"
    return float(value), float(value - reach), float(value + reach)


def _growth(trajectory: Trajectory) -> Answer:
    gain = _loss_gain(trajectory)
    if isinstance(gain, str):
        return Answer(GROWTH, "not measured", reason=gain)
    beyond = _beyond_control(trajectory)
    grown = gain[1] > 0 and (beyond is None or beyond > 0)
    shown = "nats a token, last model less first"
    return Answer(GROWTH, _yes(grown), LOSS, shown, *gain)


def _beyond_control(trajectory: Trajectory) -> float | None:
    """The last model's loss less the control chain's, lower end; None where either is unknown."""
    own, theirs = _logarithm(trajectory.curve(LOSS)), _logarithm(trajectory.of_control(LOSS))
    reach = math.hypot(*(one.high[-1] - one.value[-1] for one in (own, theirs)))
    return number(own.value[-1] - theirs.value[-1] - reach)


def _catastrophe(trajectory: Trajectory, unigram_perplexity: float | None) -> Answer:
    gain = _loss_gain(trajectory)
    if isinstance(gain, str):
        return Answer(CATASTROPHE, "not measured", reason=gain)
    first = trajectory.first(LOSS)
    if unigram_perplexity is None or first is None:
        reason = "the loss of bare word frequencies is unknown"
        return Answer(CATASTROPHE, "not measured", reason=reason)
    known = math.log(unigram_perplexity) - math.log(first)
    if known <= 0:
        reason = "the first model knew no more than word frequencies"
        return Answer(CATASTROPHE, "not measured", reason=reason)
    value, low, high = (part / known for part in gain)
    shown = "of what the first model knew is lost"
    lost = low > LOST and _growth(trajectory).verdict == "yes"
    return Answer(CATASTROPHE, _yes(lost), LOSS, shown, value, low, high)


def _divergence(trajectory: Trajectory) -> Answer:
    curve = _logarithm(trajectory.curve(LOSS))
    x = trajectory.generations[curve.known].astype(np.float64)
    y = curve.value[curve.known]
    if len(x) < 2 * FEWEST_IN_HALF:
        reason = f"{len(x)} generations with a loss, {2 * FEWEST_IN_HALF} needed"
        return Answer(DIVERGENCE, "not measured", reason=reason)
    half = len(x) // 2
    early = fit_line(x[: half + 1], y[: half + 1]).rate  # the halves share the middle
    late: Rate = fit_line(x[half:], y[half:]).rate
    steep = late.low is not None and late.low > 0 and late.value >= SLOWER * early.value
    grows = steep and _growth(trajectory).verdict != "no"
    shown = "nats a token and generation, second half"
    return Answer(DIVERGENCE, _yes(grows), LOSS, shown, late.value, late.low, late.high)


def _departure(definition: Definition, trajectory: Trajectory, names: tuple[str, ...]) -> Answer:
    """Whether the first of some metrics that was measured has fallen by the end, see `BELOW`."""
    name = next((one for one in names if one in trajectory and one in trajectory.null), None)
    if name is None:
        return Answer(definition, "not measured", reason="no such metric with a null band")
    if int(trajectory.generations[-1]) < 2 or len(trajectory.generations) < 3:
        return Answer(definition, "not measured", reason="two generations after g00 are needed")
    curve, end = trajectory.curve(name), len(trajectory.generations) - 1
    if not curve.known[-2:].all():
        reason = f"{name} of the last two generations is unknown"
        return Answer(definition, "not measured", reason=reason)
    theirs, at, whose = _without_loop(trajectory)
    if not theirs.curve(name).known[at]:
        return Answer(definition, "not measured", reason=f"{name} of {whose} is unknown")
    before, last = (_place(trajectory, name, place) for place in (end - 1, end))
    without = _place(theirs, name, at)
    below = before.value < before.low and last.value + last.reach < last.low
    fallen = last.value + math.hypot(last.reach, without.reach) < without.value
    value, low, high = (number(part[-1]) for part in (curve.value, curve.low, curve.high))
    shown = f"at the last generation; {whose} {plain(float(theirs.curve(name).value[at]))}"
    return Answer(definition, _yes(below and fallen), name, shown, value, low, high)


def _without_loop(trajectory: Trajectory) -> tuple[Trajectory, int, str]:
    """Chain, place and name of texts by a model that learned from human text alone."""
    control, last = trajectory.control, trajectory.generations[-1]
    if control is not None and last in control.generations:
        at = int(np.searchsorted(control.generations, last))
        return control, at, "the control chain's last"
    at = int(np.argmax(trajectory.generations > 0))
    return trajectory, at, f"g{trajectory.generations[at]:02d}"


@dataclass(frozen=True)
class _Place:
    """Where a metric lies to the middle of its null band."""

    value: float
    reach: float
    """From the value to the upper end of its interval; 0 without one."""
    low: float
    """Lower end of the band."""


def _place(trajectory: Trajectory, name: str, at: int) -> _Place:
    curve, band = trajectory.curve(name), trajectory.band(name, at)
    assert band is not None, "only metrics with a null band are asked for"
    value, high = float(curve.value[at]), float(curve.high[at])
    reach = high - value if math.isfinite(high) else 0.0
    return _Place(value - band.mean, reach, band.low - band.mean)


def _logarithm(curve: Curve) -> Curve:
    with np.errstate(invalid="ignore", divide="ignore"):
        return Curve(np.log(curve.value), np.log(curve.low), np.log(curve.high))


def _yes(is_so: bool) -> Verdict:
    return "yes" if is_so else "no"
