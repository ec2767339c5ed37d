"""The scorecard of a generation: every metric with its interval, its witness, its null bands.

Arrays and texts in, plain numbers out. Likelihoods come by the names that
`palimpsest.lm.scoring` gives them: ``{set}_nll`` and ``{set}_tokens`` for the sets ``heldout``,
``human``, ``self``, ``witness`` and ``null``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.core.parameters import ScoreParams
from palimpsest.core.words import count_words, segmentation
from palimpsest.evaluation.evaluator import Evaluator, Progress, silent, with_intervals
from palimpsest.evaluation.human import HumanSide
from palimpsest.evaluation.model_metrics import model_metrics
from palimpsest.evaluation.null_bands import ShortTexts, null_bands, short_texts
from palimpsest.metrics import likelihood
from palimpsest.metrics.family import Reference, Sample
from palimpsest.metrics.registry import REGISTRY, shown_in
from palimpsest.metrics.truth import TruthTable
from palimpsest.metrics.witness import HumanLikelihood, HumanWords, judge

DIGITS = 6
"""Significant digits of the small file: enough to compare, few enough to read."""
SAMPLES = 6
"""Texts that the scorecard carries for the report."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Generation:
    """What the stages before left of one generation."""

    number: int
    texts: Sequence[str]
    """What it wrote, n texts."""
    embeddings: NDArray[np.float32]
    """Theirs, (n, d)."""
    previous: Sequence[str] | None
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
    """Its model's class statistics, see `palimpsest.evaluation.model_metrics`."""
    probe: Arrays
    """Its model's states at the probe's slots."""


def scorecard(
    generation: Generation,
    evaluator: Evaluator,
    side: HumanSide | None,
    params: ScoreParams,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Everything that is known of a generation, as JSON can hold it.

    Args:
        generation: what is measured.
        evaluator: what it is held against, fitted on the side's fit sample.
        side: where the null bands come from; None without human texts for them.
        params: how.
        seed: of the half-samples.
        progress: called after every family of metrics.

    Returns:
        ``metrics`` are ``{value, low, high}``. Those of the model itself (docs/metrics.md §6) have
        no interval, low and high are None: they are functions of a model over a fixed text.
        ``null`` are the bands: of all metrics for generation 0, for a later one those of its own
        that texts of fewer words than the budget have. ``words`` is how many words lexical metrics
        were measured on, ``segmentation`` what cut them.

    Raises:
        MetricError: a custom metric fails, or has the name of another metric.
    """
    short = None if side is None else short_texts(evaluator, side, generation.texts)
    sample = _sample(generation, short)
    measured = evaluator.measure(sample)
    metrics = with_intervals([*measured.values()], params.half_samples, seed, progress=progress)
    of_model, counts = model_metrics(generation.classes, generation.probe)
    metrics |= {name: {"value": one, "low": None, "high": None} for name, one in of_model.items()}
    custom = _custom(evaluator, sample, params, seed)
    for name in metrics.keys() & custom.keys():
        wanted = "a name that no other metric has"
        raise MetricError("score.custom", wanted=wanted, got=repr(name))
    assert sample.heldout is not None, "a generation has them"
    assert sample.written is not None, "a generation has them"
    counts |= likelihood.token_counts(sample.heldout, sample.written)
    table = measured.get("truth")
    untrue: list[tuple[str, str, str]] = []
    if isinstance(table, TruthTable):
        counts |= table.measure().counts
        untrue = table.untrue
    bands = null_bands(evaluator, side, progress) if side and not generation.number else {}
    bands |= short.bands if short else {}
    return {
        "generation": generation.number,
        "documents": len(generation.texts),
        "words": min(sum(map(count_words, sample.texts)), sample.words or params.words),
        "segmentation": segmentation(),
        "null": {name: band.as_dict() for name, band in bands.items()},
        "metrics": metrics | custom,
        "custom": sorted(custom.keys() - REGISTRY.keys()),
        "counts": counts,
        "witness": _witness(generation, evaluator.reference),
        "untrue": untrue,
        "samples": list(generation.texts[:SAMPLES]),
    }


def _custom(
    evaluator: Evaluator, sample: Sample, params: ScoreParams, seed: int
) -> dict[str, dict[str, float | None]]:
    """The project's own metrics, one subsample at a time: they need not be fit for threads."""
    plugins = evaluator.measure_plugins(sample)
    return with_intervals(plugins, params.half_samples, seed, threads=1)


def generation_metrics(scorecard: Mapping[str, Any]) -> dict[str, float | None]:
    """The few numbers of a scorecard that are compared across commits."""
    metrics = scorecard["metrics"]
    few = {name: metrics[name]["value"] for name in shown_in("generation") if name in metrics}
    return {name: value and float(f"{value:.{DIGITS}g}") for name, value in few.items()}


def _sample(generation: Generation, short: ShortTexts | None) -> Sample:
    arrays = generation.arrays
    own = _scored(arrays, "self") if "self_nll" in arrays else None
    heldout = likelihood.Heldout(
        scored=_scored(arrays, "heldout"),
        num_bytes=np.array([len(text.encode()) for text in generation.heldout], dtype=np.float64),
        tail=_scored(arrays, "heldout_rare"),
        entropy_nats=arrays["heldout_entropy"],
    )
    return Sample(
        texts=generation.texts,
        embeddings=generation.embeddings,
        written=likelihood.Written(human=_scored(arrays, "human"), own=own),
        previous=generation.previous,
        heldout=heldout,
        words=short.words if short else None,
    )


def _scored(arrays: Arrays, name: str) -> likelihood.Scored:
    return likelihood.scored(arrays[f"{name}_nll"], arrays[f"{name}_tokens"])


def _witness(generation: Generation, reference: Reference) -> list[dict[str, Any]]:
    """The witness texts with their verdicts."""
    first, arrays, facts = generation.first_arrays, generation.arrays, reference.facts
    vocabulary = HumanWords.from_texts(reference.training, generation.heldout)
    human = HumanLikelihood.from_texts((first["heldout_nll"] / first["heldout_tokens"]).tolist())
    means = arrays["witness_nll"] / np.maximum(arrays["witness_tokens"], 1)
    entries = []
    for row, nll in zip(generation.witness, means, strict=True):
        parsed = facts.parse(row["prompt"] + row["text"]) if facts else []
        statuses = [statement[0] for statement in parsed]
        judgement = judge(row["text"], float(nll), human, statuses, vocabulary)
        entries.append(
            {
                "prompt": row["prompt"],
                "continuation": row["text"],
                "verdict": str(judgement.verdict),
                "reasons": list(judgement.reasons),
            }
        )
    return entries
