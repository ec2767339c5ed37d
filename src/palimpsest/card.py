"""The card of a generation: every metric with its interval, its witness, its null bands.

Arrays and texts in, plain numbers out. Likelihoods come by the names that
`palimpsest.lm.likelihood` gives them: ``{set}_nll`` and ``{set}_tokens`` for the sets ``heldout``,
``human``, ``self``, ``witness`` and ``null``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from palimpsest.errors import CorpusError, MetricError
from palimpsest.instrument import (
    Facts,
    Family,
    Progress,
    Yardstick,
    null_entries,
    silent,
    values,
    with_intervals,
)
from palimpsest.metrics import likelihood
from palimpsest.metrics.witness import HumanLikelihood, judge
from palimpsest.model_card import model_card
from palimpsest.params import Params, Range
from palimpsest.randomness import stream

HEADLINE = (
    "integrity", "volume", "drift", "dispersion", "compression", "outlier",
    "perplexity_heldout", "distinct_2", "duplicates", "truth", "parsed", "fact_coverage",
)  # fmt: skip
"""What a generation's small file holds, where it was measured."""
DIGITS = 6
"""Significant digits of the small file: enough to compare, few enough to read."""
SAMPLES = 6
"""Texts that the card carries for the report."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ScoreParams(Params):
    """How a generation is measured."""

    section: ClassVar[str] = "score"

    lam: Annotated[float, Range(at_least=0)]
    """Weight of the squared drift in the Ainex score; the published work never states it."""
    words: Annotated[int, Range(at_least=100)]
    """Words that lexical metrics are measured on, so that no number depends on length."""
    half_samples: Annotated[int, Range(at_least=0)]
    """Half-samples of the jackknife; 0 gives no intervals."""
    null_samples: Annotated[int, Range(at_least=1)]
    """Human samples behind the null band."""
    custom: tuple[str, ...]
    """Metrics of your own, ``module:function`` each (docs/custom_metrics.md)."""


@dataclass(frozen=True)
class Generation:
    """What the stages before left of one generation."""

    number: int
    texts: Sequence[str]
    """What it wrote, n texts."""
    embeddings: NDArray[np.float32]
    """Theirs, (n, d)."""
    before: Sequence[str] | None
    """The texts of the generation before; None for generation 0."""
    heldout: Sequence[str]
    """The held-out human texts."""
    witness: Sequence[Mapping[str, str]]
    """Its continuations of the witness prompts: ``prompt`` and ``text``."""
    arrays: Arrays
    """Its likelihoods."""
    first_arrays: Arrays
    """The likelihoods of generation 0."""
    classes: Arrays
    """Its model's class statistics, see `palimpsest.model_card`."""
    probe: Arrays
    """Its model's states at the probe's slots."""


def card(
    generation: Generation,
    yardstick: Yardstick,
    params: ScoreParams,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Everything that is known of a generation, as JSON can hold it.

    Args:
        generation: what is measured.
        yardstick: what it is held against.
        params: how.
        seed: of the half-samples.
        progress: called after every family of metrics.

    Returns:
        ``metrics`` are ``{value, low, high}``. Those of the model itself (docs/metrics.md §6) have
        no interval, low and high are None: they are functions of a model over a fixed text.

    Raises:
        MetricError: a custom metric fails, or has the name of another metric.
    """
    texts, before = generation.texts, generation.before
    heldout = _heldout(generation)
    own = _scored(generation.arrays, "self") if "self_nll" in generation.arrays else None
    written = likelihood.Written(human=_scored(generation.arrays, "human"), own=own)
    families = yardstick.families(texts, generation.embeddings, written, before)
    families.append(
        Family(lambda rows: likelihood.heldout_card(heldout, rows), len(heldout.num_bytes))
    )
    table = yardstick.truth(texts, before)
    found = with_intervals(families, params.half_samples, seed, progress=progress)
    of_model, model_counts = model_card(generation.classes, generation.probe)
    found |= {name: {"value": value, "low": None, "high": None} for name, value in of_model.items()}
    custom = _custom(yardstick, generation, found, params.half_samples, seed)
    counts = likelihood.token_counts(heldout, written) | model_counts
    if table is not None:
        counts |= table.measure().counts
    return {
        "generation": generation.number,
        "documents": len(texts),
        "metrics": found | custom,
        "custom": sorted(custom),
        "counts": counts,
        "witness": _witness(generation, yardstick.facts),
        "untrue": [] if table is None else table.untrue,
        "samples": list(texts[:SAMPLES]),
    }


def null_bands(
    texts: Sequence[str],
    embeddings: NDArray[np.float32],
    arrays: Arrays,
    size: int,
    yardstick: Yardstick,
    samples: int,
    seed: int,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """The null bands: fresh human samples in the place of a generation's texts.

    Args:
        texts: the human pool, none of them in the yardstick; without any there are no bands.
        embeddings: theirs, (n, d).
        arrays: their likelihoods, as the set ``null``.
        size: texts in a generation.
        yardstick: what the samples are held against.
        samples: how many; they share no text if the pool has enough, else each is drawn anew.
        seed: of the samples that are drawn.
        progress: called after every sample.

    Raises:
        CorpusError: the pool holds fewer texts than a generation.
    """
    if not texts:
        return null_entries([])
    if len(texts) < size:
        wanted = f"0 or at least generate.documents ({size})"
        raise CorpusError("corpus.null_pool", wanted=wanted, got=len(texts))
    whole = _scored(arrays, "null")
    cards = []
    for number in range(samples):
        if len(texts) >= samples * size:
            rows = np.arange(number * size, (number + 1) * size)
        else:
            rows = stream(seed, "null", item=number).choice(len(texts), size, replace=False)
        human = likelihood.scored(whole.nll_nats[rows], whole.tokens[rows])
        written = likelihood.Written(human=human, own=None)
        chosen = [texts[row] for row in rows.tolist()]
        families = yardstick.families(chosen, embeddings[rows], written, None)
        families += yardstick.custom_families(chosen, embeddings[rows])
        cards.append(values(families))
        progress(number + 1, samples)
    return null_entries(cards)


def headline(card: Mapping[str, Any]) -> dict[str, float | None]:
    """The few numbers of a card that are compared across commits."""
    metrics = card["metrics"]
    found = {name: metrics[name]["value"] for name in HEADLINE if name in metrics}
    return {key: value and float(f"{value:.{DIGITS}g}") for key, value in found.items()}


def _custom(
    yardstick: Yardstick,
    generation: Generation,
    others: Mapping[str, Any],
    half_samples: int,
    seed: int,
) -> dict[str, dict[str, float | None]]:
    """The project's own metrics, one half-sample at a time: they need not be fit for threads."""
    found: dict[str, dict[str, float | None]] = {}
    for family in yardstick.custom_families(generation.texts, generation.embeddings):
        new = with_intervals([family], half_samples, seed, threads=1)
        for name in new:
            if name in others or name in found:
                wanted = "a name that no other metric has"
                raise MetricError("score.custom", wanted=wanted, got=repr(name))
        found |= new
    return found


def _scored(arrays: Arrays, name: str) -> likelihood.Scored:
    return likelihood.scored(arrays[f"{name}_nll"], arrays[f"{name}_tokens"])


def _heldout(generation: Generation) -> likelihood.Heldout:
    arrays = generation.arrays
    return likelihood.Heldout(
        scored=_scored(arrays, "heldout"),
        num_bytes=np.array([len(text.encode()) for text in generation.heldout], dtype=np.float64),
        tail=_scored(arrays, "heldout_rare"),
        entropy_nats=arrays["heldout_entropy"],
    )


def _witness(generation: Generation, facts: Facts | None) -> list[dict[str, Any]]:
    """The witness texts with their verdicts."""
    first, arrays = generation.first_arrays, generation.arrays
    human = HumanLikelihood.from_texts((first["heldout_nll"] / first["heldout_tokens"]).tolist())
    means = arrays["witness_nll"] / np.maximum(arrays["witness_tokens"], 1)
    entries = []
    for row, nll in zip(generation.witness, means, strict=True):
        parsed = facts.parse(row["prompt"] + row["text"]) if facts else []
        found = judge(row["text"], float(nll), human, [statement[0] for statement in parsed])
        entries.append(
            {
                "prompt": row["prompt"],
                "continuation": row["text"],
                "verdict": str(found.verdict),
                "reasons": list(found.reasons),
            }
        )
    return entries
