"""How much of human text's room is left to some texts: calibrated, with interval and band.

The integrity of docs/metrics.md §1 as an audit measures it: the same deal of the human side, the
same basis, null samples, intervals and band, and so the same number for the same texts and seed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.auditing.copies import distinct_texts
from palimpsest.auditing.samples import LAMBDA, Called, Encode, drawn, sample_size
from palimpsest.auditing.verdict import DEFAULTS, AuditParams
from palimpsest.core.errors import MetricError, ParamsError
from palimpsest.core.formatting import plain, span
from palimpsest.core.parameters import FEWEST_TEXTS
from palimpsest.evaluation.evaluator import with_intervals
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.null_bands import bands_of
from palimpsest.library.encoding import Choice, embedded, encode_with
from palimpsest.library.inputs import texts_or_embeddings
from palimpsest.library.notebook import html_table
from palimpsest.metrics.family import Sample
from palimpsest.metrics.geometry import Geometry
from palimpsest.metrics.validation import Floats, embeddings, same_dimension

OWN_PARAMS = ("sample", "seed", "half_samples", "null_samples")
"""Parameters of the audit that a single metric has a use for."""
CALLED = Called("sample", "the generated texts", "human", "texts")


@dataclass(frozen=True, repr=False)
class Integrity:
    """The result of `integrity`; ``float(result)`` is its value."""

    value: float
    """Share of fresh human text's Ainex score, >= 0: 1 where nothing has happened, down when
    collapsing, 0 where all texts are one."""
    low: float | None
    """Lower end of the 95 % interval; None without half-samples."""
    high: float | None
    """Upper end of it."""
    band: tuple[float, float]
    """Where 95 % of fresh human samples of this size lie."""
    published: float
    """The score as published: in the basis of the human fit sample, which reads 1 itself while
    fresh human text reads less. No yardstick: it is there to be compared with published numbers."""
    metrics: list[dict[str, Any]]
    """The whole family of docs/metrics.md §1, a dict a metric, as `pandas.DataFrame` takes them:
    metric, value, low, high, null_low, null_high, null_mean."""
    sample: int
    """n, texts of each sample that was measured."""

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"Integrity({self._line()})"

    def _repr_html_(self) -> str:
        return html_table(self.metrics, f"Integrity {self._line()}")

    def _line(self) -> str:
        interval = "" if self.low is None else f" ({span(self.low, self.high)})"
        return (
            f"{plain(self.value)}{interval}; fresh human text {span(*self.band)}; "
            f"published {plain(self.published)}; n = {self.sample}"
        )


def integrity(
    human: Iterable[str] | ArrayLike,
    generated: Iterable[str] | ArrayLike,
    *,
    encoder: Choice = "bundled",
    lam: float = LAMBDA,
    **params: Any,
) -> Integrity:
    """The share of human text's room that some texts still fill; fresh human text reads 1.

    The Ainex score (convex hull of the embeddings in three human directions, divided by
    1 + λ · drift²) over the mean score of fresh human samples of the same size. The human texts are
    dealt into a fit sample of n and a pool of null samples; n is the number of generated texts, at
    most a third of the human ones and at most 2,000.

    Args:
        human: human texts, or their embeddings (m, d); at least 15, and three times as many as
            generated ones to make use of all of them. A repeated text counts once.
        generated: the texts to judge, or their embeddings (n, d) by the same encoder; at least 5.
        encoder: of texts: "bundled" (all-MiniLM-L6-v2), a folder, a hub id, or a function of texts
            that gives (n, d) numbers.
        lam: λ, the weight of the squared drift, >= 0.
        **params: ``sample`` (n), ``seed`` (0), ``half_samples`` (100; of the interval) and
            ``null_samples`` (20; of the band).

    Returns:
        Value, interval, band and the published value; see `Integrity`. 0 where the generated texts
        are all equal, or the human ones are.

    Raises:
        MetricError: neither texts nor embeddings, one of each, fewer than 5 rows, numbers that are
            not finite, dimensions that differ, λ below 0.
        CorpusError: fewer human texts than three samples, a sample larger than the generated texts.
        ParamsError: another parameter, or one out of range.
        ModelError: an encoder that cannot be loaded.

    Example:
        >>> import numpy as np
        >>> import palimpsest
        >>> draw = np.random.default_rng(0).normal(size=(400, 8))
        >>> human, fresh = draw[:300], draw[300:]
        >>> score = palimpsest.integrity(human, fresh)
        >>> score.band[0] < score.value < score.band[1]
        True
        >>> round(float(palimpsest.integrity(human, 0.5 * fresh)) / float(score), 2)  # 0.5³
        0.13
    """
    settings = _settings(params)
    people = texts_or_embeddings(human, "human")
    texts = texts_or_embeddings(generated, "generated")
    for name, one in (("human", people), ("generated", texts)):
        if len(one) < FEWEST_TEXTS:
            raise MetricError(name, wanted=f">= {FEWEST_TEXTS} texts", got=len(one))
    if isinstance(people, list) != isinstance(texts, list):
        kinds = ["texts" if isinstance(one, list) else "embeddings" for one in (people, texts)]
        raise MetricError("generated", wanted=f"{kinds[0]}, as human", got=kinds[1])
    if isinstance(people, list) and isinstance(texts, list):
        people = distinct_texts(people)
    size = sample_size(len(texts), len(people), settings.sample, called=CALLED)
    rows, order = drawn(len(texts), len(people), size, settings.seed, settings.null_samples)
    if isinstance(people, list) and isinstance(texts, list):
        encode = encode_with(encoder)
        ours, theirs = _encoded(texts, rows, encode), _encoded(people, order, encode)
    else:
        ours, theirs = np.asarray(texts)[rows], np.asarray(people)[order]
    same_dimension(theirs, ours)
    pool = Texts([""] * len(theirs), theirs, None)
    side = human_side(pool, size, settings.null_samples, settings.seed, "human")
    return _measured(ours, side, lam, settings)


def _settings(params: dict[str, Any]) -> AuditParams:
    unknown = [name for name in params if name not in OWN_PARAMS]
    if unknown:
        raise ParamsError("integrity", wanted=f"of {', '.join(OWN_PARAMS)}", got=unknown[0])
    return AuditParams.of(dict(DEFAULTS) | params, "integrity")


def _encoded(texts: Sequence[str], rows: NDArray[np.int64], encode: Encode) -> Floats:
    chosen = [texts[row] for row in rows.tolist()]
    return embeddings(embedded(chosen, encode), "embeddings")


def _measured(ours: Floats, side: HumanSide, lam: float, settings: AuditParams) -> Integrity:
    """The family on the texts and on every null sample."""
    fit = side.fit.embeddings
    family = Geometry(side.reference(side.fit.texts, None, lam, 1, first=fit))
    with threadpool_limits(1, "blas"):  # small products: a threaded BLAS makes them slower
        null = [family.prepare(sample.sample()).compute() for sample in side.null]
        sample = family.prepare(Sample([""] * len(ours), ours))
        values = with_intervals([sample], settings.half_samples, settings.seed)
    bands = bands_of(null, len(ours), side.widening)
    rows = []
    for name, entry in values.items():
        band = bands.get(name)
        of_null = {
            "null_low": None if band is None else band.low,
            "null_high": None if band is None else band.high,
            "null_mean": None if band is None else band.mean,
        }
        rows.append({"metric": name, **entry, **of_null})
    found, band = values["integrity"], bands["integrity"]
    return Integrity(
        value=_number(found["value"]),
        low=found["low"],
        high=found["high"],
        band=(band.low, band.high),
        published=_number(values["integrity_published"]["value"]),
        metrics=rows,
        sample=len(ours),
    )


def _number(value: float | None) -> float:
    assert value is not None, "null samples and a first sample were given"
    return value
