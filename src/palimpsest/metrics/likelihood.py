"""Metrics of docs/metrics.md §5, from sums of negative log-likelihoods (nats) per text.

The forward passes are the embed stage's; here only numbers meet. Perplexity is always
exp(ΣNLL / Σtokens) over all texts, never a mean of per-text perplexities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.validation import WORST_RATIO, numbers

LARGEST_LOG = 700.0
"""Mean NLL beyond which exp would overflow; the perplexity stops there (1e304)."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Texts scored by one model: summed NLL (nats) and number of scored tokens of each, (n,)."""

    nll_nats: Numbers
    tokens: Numbers


@dataclass(frozen=True)
class Heldout:
    """Held-out human text under model g, per text (n,).

    ``scored`` all tokens, ``num_bytes`` the UTF-8 bytes they spell, ``tail`` only the tokens of
    the rarest decile of types, ``entropy_nats`` the summed entropy of the model's predictions.
    """

    scored: Scored
    num_bytes: Numbers
    tail: Scored
    entropy_nats: Numbers

    def __post_init__(self) -> None:
        count = len(self.scored.tokens)
        for name in ("num_bytes", "entropy_nats"):
            _same_texts(len(numbers(getattr(self, name), name)), count, name)
        _same_texts(len(self.tail.tokens), count, "tail")

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.scored.tokens)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
        """``perplexity_heldout``, ``bits_per_byte_heldout``, ``perplexity_tail`` and
        ``next_token_entropy`` (nats), of all held-out texts or of those in ``rows``.

        Without tokens the first three read 1e9; the entropy falls when predictions collapse and
        reads 0 then.
        """
        chosen = slice(None) if rows is None else rows
        nll, entropies = self.scored.nll_nats[chosen], self.entropy_nats[chosen]
        tokens = float(self.scored.tokens[chosen].sum())
        return {
            "perplexity_heldout": perplexity(self.scored, rows),
            "bits_per_byte_heldout": bits_per_byte(nll, self.num_bytes[chosen]),
            "perplexity_tail": perplexity(self.tail, rows),
            "next_token_entropy": float(entropies.sum()) / tokens if tokens else 0.0,
        }


@dataclass(frozen=True)
class Written:
    """A generation's texts under model 0 (``human``) and under their author (``own``), or None."""

    human: Scored
    own: Scored | None

    def __post_init__(self) -> None:
        if self.own is not None:
            _same_texts(len(self.own.tokens), len(self.human.tokens), "own")

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.human.tokens)

    def compute(self, rows: Rows | None = None) -> dict[str, float | None]:
        """``perplexity_human``, ``perplexity_self`` and the surprise quantiles of a generation.

        ``perplexity_self`` is None where no model wrote the texts. Texts without a token give 1e9
        for both perplexities: silence is no sign of a good fit.
        """
        own = None if self.own is None else perplexity(self.own, rows)
        return {
            "perplexity_human": perplexity(self.human, rows),
            "perplexity_self": own,
            **surprise(self.human, rows),
        }


def scored(nll_nats: ArrayLike, tokens: ArrayLike, name: str = "nll_nats") -> Scored:
    """Checks summed NLLs and token counts of texts.

    Raises:
        MetricError: lengths differ, a number is negative or not finite.
    """
    sums, counts = numbers(nll_nats, name), numbers(tokens, "tokens")
    if len(sums) != len(counts):
        raise MetricError(name, wanted=f"{len(counts)} texts, as tokens", got=len(sums))
    if (counts < 0).any() or (sums < 0).any():
        raise MetricError(name, wanted="sums and counts >= 0", got="a negative one")
    return Scored(sums, counts)


def perplexity(texts: Scored, rows: Rows | None = None) -> float:
    """exp(ΣNLL / Σtokens), >= 1, lower is a better fit; 1e9 when there is no token at all."""
    nll, tokens = _sums(texts, rows)
    return float(np.exp(min(nll / tokens, LARGEST_LOG))) if tokens else WORST_RATIO


def bits_per_byte(nll_nats: ArrayLike, num_bytes: ArrayLike) -> float:
    """ΣNLL / (ln 2 · Σbytes), >= 0, lower is a better fit; 1e9 when there is no byte at all.

    Raises:
        MetricError: lengths differ, a number is negative or not finite.
    """
    sums, sizes = numbers(nll_nats, "nll_nats"), numbers(num_bytes, "num_bytes")
    _same_texts(len(sums), len(sizes), "nll_nats")
    if (sums < 0).any() or (sizes < 0).any():
        raise MetricError("nll_nats", wanted="sums and counts >= 0", got="a negative one")
    total = float(sizes.sum())
    return float(sums.sum()) / float(np.log(2.0) * total) if total else WORST_RATIO


def surprise(texts: Scored, rows: Rows | None = None) -> dict[str, float]:
    """``surprise_q05/50/95``: quantiles (linear) of the per-text mean NLL, in nats.

    Texts without a token are left out; without any other, all three are 0: nothing surprises.
    """
    nll, tokens = texts.nll_nats, texts.tokens
    if rows is not None:
        nll, tokens = nll[rows], tokens[rows]
    means = nll[tokens > 0] / tokens[tokens > 0]
    quantiles = np.quantile(means, [0.05, 0.5, 0.95]) if len(means) else np.zeros(3)
    names = ("surprise_q05", "surprise_q50", "surprise_q95")
    return dict(zip(names, map(float, quantiles), strict=True))


def token_counts(heldout: Heldout, written: Written) -> dict[str, int]:
    """The token counts that are reported beside the perplexities."""
    counts = {
        "tokens_heldout": heldout.scored.tokens.sum(),
        "tokens_tail": heldout.tail.tokens.sum(),
        "tokens_human": written.human.tokens.sum(),
    }
    if written.own is not None:
        counts["tokens_self"] = written.own.tokens.sum()
    return {name: int(count) for name, count in counts.items()}


class TextLikelihood:
    """How likely the texts are, under model 0 and under their author."""

    def __init__(self, reference: Reference) -> None:
        del reference  # the models are asked elsewhere

    def prepare(self, sample: Sample) -> Written | None:
        """See `palimpsest.metrics.family.Family`.

        Raises:
            MetricError: as many likelihoods as texts were wanted.
        """
        if sample.written is not None:
            _same_texts(sample.written.count, len(sample.texts), "written")
        return sample.written


class HeldoutLikelihood:
    """How likely held-out human text is under the generation's model."""

    def __init__(self, reference: Reference) -> None:
        del reference  # the model is asked elsewhere

    def prepare(self, sample: Sample) -> Heldout | None:
        """See `palimpsest.metrics.family.Family`."""
        return sample.heldout


def _same_texts(count: int, wanted: int, name: str) -> None:
    if count != wanted:
        raise MetricError(name, wanted=f"{wanted} texts, as the other sums", got=count)


def _sums(texts: Scored, rows: Rows | None) -> tuple[float, float]:
    if rows is None:
        return float(texts.nll_nats.sum()), float(texts.tokens.sum())
    return float(texts.nll_nats[rows].sum()), float(texts.tokens[rows].sum())
