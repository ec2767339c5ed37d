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

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.parameters import ScoreParams
from palimpsest.core.rng import stream
from palimpsest.evaluation.evaluator import Evaluator, Progress, silent, values, with_intervals
from palimpsest.evaluation.model_metrics import model_metrics
from palimpsest.metrics import likelihood
from palimpsest.metrics.family import Facts, Sample
from palimpsest.metrics.registry import REGISTRY, shown_in
from palimpsest.metrics.truth import TruthTable
from palimpsest.metrics.witness import HumanLikelihood, judge
from palimpsest.statistics.null_band import null_bands

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
    params: ScoreParams,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Everything that is known of a generation, as JSON can hold it.

    Args:
        generation: what is measured.
        evaluator: what it is held against.
        params: how.
        seed: of the half-samples.
        progress: called after every family of metrics.

    Returns:
        ``metrics`` are ``{value, low, high}``. Those of the model itself (docs/metrics.md §6) have
        no interval, low and high are None: they are functions of a model over a fixed text.

    Raises:
        MetricError: a custom metric fails, or has the name of another metric.
    """
    sample = _sample(generation)
    measured = evaluator.measure(sample)
    metrics = with_intervals([*measured.values()], params.half_samples, seed, progress=progress)
    of_model, model_counts = model_metrics(generation.classes, generation.probe)
    metrics |= {
        name: {"value": value, "low": None, "high": None} for name, value in of_model.items()
    }
    # one half-sample at a time: a project's own metrics need not be fit for threads
    plugins = evaluator.measure_plugins(sample)
    custom = with_intervals(plugins, params.half_samples, seed, threads=1)
    for name in custom:
        if name in metrics:
            wanted = "a name that no other metric has"
            raise MetricError("score.custom", wanted=wanted, got=repr(name))
    assert sample.heldout is not None, "a generation has them"
    assert sample.written is not None, "a generation has them"
    counts = likelihood.token_counts(sample.heldout, sample.written) | model_counts
    table = measured.get("truth")
    untrue: list[tuple[str, str, str]] = []
    if isinstance(table, TruthTable):
        counts |= table.measure().counts
        untrue = table.untrue
    return {
        "generation": generation.number,
        "documents": len(generation.texts),
        "metrics": metrics | custom,
        "custom": sorted(custom.keys() - REGISTRY.keys()),
        "counts": counts,
        "witness": _witness(generation, evaluator.reference.facts),
        "untrue": untrue,
        "samples": list(generation.texts[:SAMPLES]),
    }


def null_entries(
    texts: Sequence[str],
    embeddings: NDArray[np.float32],
    arrays: Arrays,
    size: int,
    evaluator: Evaluator,
    samples: int,
    seed: int,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """The null band of every metric: fresh human samples in the place of a generation's texts.

    Args:
        texts: the human pool, none of them in the reference; without any there are no bands.
        embeddings: theirs, (n, d).
        arrays: their likelihoods, as the set ``null``.
        size: texts in a generation.
        evaluator: what the samples are held against.
        samples: how many; they share no text if the pool has enough, else each is drawn anew.
        seed: of the samples that are drawn.
        progress: called after every sample.

    Returns:
        Metric -> see `palimpsest.statistics.null_band.Band.as_dict`.

    Raises:
        CorpusError: the pool holds fewer texts than a generation.
    """
    if not texts:
        return {}
    if len(texts) < size:
        wanted = f"0 or at least generate.documents ({size})"
        raise CorpusError("corpus.null_pool", wanted=wanted, got=len(texts))
    whole = _scored(arrays, "null")
    of_samples = []
    for number in range(samples):
        if len(texts) >= samples * size:
            rows = np.arange(number * size, (number + 1) * size)
        else:
            rows = stream(seed, "null", item=number).choice(len(texts), size, replace=False)
        human = likelihood.scored(whole.nll_nats[rows], whole.tokens[rows])
        written = likelihood.Written(human=human, own=None)
        sample = Sample([texts[row] for row in rows.tolist()], embeddings[rows], written)
        measured = evaluator.measure(sample)
        of_samples.append(values([*measured.values(), *evaluator.measure_plugins(sample)]))
        progress(number + 1, samples)
    return {name: band.as_dict() for name, band in null_bands(of_samples).items()}


def generation_metrics(scorecard: Mapping[str, Any]) -> dict[str, float | None]:
    """The few numbers of a scorecard that are compared across commits."""
    metrics = scorecard["metrics"]
    few = {name: metrics[name]["value"] for name in shown_in("generation") if name in metrics}
    return {name: value and float(f"{value:.{DIGITS}g}") for name, value in few.items()}


def _sample(generation: Generation) -> Sample:
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
    )


def _scored(arrays: Arrays, name: str) -> likelihood.Scored:
    return likelihood.scored(arrays[f"{name}_nll"], arrays[f"{name}_tokens"])


def _witness(generation: Generation, facts: Facts | None) -> list[dict[str, Any]]:
    """The witness texts with their verdicts."""
    first, arrays = generation.first_arrays, generation.arrays
    human = HumanLikelihood.from_texts((first["heldout_nll"] / first["heldout_tokens"]).tolist())
    means = arrays["witness_nll"] / np.maximum(arrays["witness_tokens"], 1)
    entries = []
    for row, nll in zip(generation.witness, means, strict=True):
        parsed = facts.parse(row["prompt"] + row["text"]) if facts else []
        judgement = judge(row["text"], float(nll), human, [statement[0] for statement in parsed])
        entries.append(
            {
                "prompt": row["prompt"],
                "continuation": row["text"],
                "verdict": str(judgement.verdict),
                "reasons": list(judgement.reasons),
            }
        )
    return entries
