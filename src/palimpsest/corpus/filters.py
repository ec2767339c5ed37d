"""Scores by which regime `filtered` chooses what a generation is trained on; the highest are kept.

Shingles are runs of five words, as in the near-duplicate search of Lee et al. 2022. Known gap: a
score sees one text (and, for duplicates, the earlier ones), never the selection as a whole.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.errors import CorpusError
from palimpsest.core.words import words
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.world.parser import Parser

SHINGLE = 5
"""Words in a shingle (Lee et al. 2022, "Deduplicating training data")."""

Scores = NDArray[np.float64]


def scores(
    criterion: str,
    texts: Sequence[str],
    human: Sequence[str],
    ledger: Ledger | None,
    likelihood: Callable[[Sequence[str]], tuple[ArrayLike, ArrayLike]],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> Scores:
    """The score of each text by `RegimeParams.criterion`, (n,).

    Args:
        criterion: ``likelihood`` (`likeliness`), ``deduplication`` (`novelty`), ``nearest_human``
            (`closeness`) or ``truth`` (`truthfulness`).
        texts: what the generation wrote.
        human: human texts for ``nearest_human``.
        ledger: the facts for ``truth``; None where nobody knows them.
        likelihood: summed losses (nats) and token counts of texts under model 0.
        embed: sentence embeddings of texts, unit rows.

    Raises:
        CorpusError: ``truth`` without a ledger, ``nearest_human`` without human text.
    """
    if criterion == "deduplication":
        return novelty(texts)
    if criterion == "likelihood":
        return likeliness(*likelihood(texts))
    if criterion == "nearest_human":
        return closeness(embed(texts), embed(human))
    if ledger is None:
        wanted = "a corpus with a ledger of facts (corpus.source: world)"
        raise CorpusError("regime.criterion: truth", wanted=wanted, got="a corpus without")
    parse = Parser(ledger).parse
    return truthfulness([[statement.status for statement in parse(text)] for text in texts])


def novelty(texts: Sequence[str]) -> Scores:
    """Share of each text's shingles that no earlier text has, (n,), in [0, 1].

    A repeated text has 0, and so has a text without a word; one shorter than a shingle is a single
    shingle of its own.
    """
    seen: set[tuple[str, ...]] = set()
    scores = np.zeros(len(texts))
    for row, text in enumerate(texts):
        in_text = words(text)
        starts = range(max(1, len(in_text) - SHINGLE + 1)) if in_text else ()
        shingles = {tuple(in_text[start : start + SHINGLE]) for start in starts}
        scores[row] = len(shingles - seen) / len(shingles) if shingles else 0.0
        seen |= shingles
    return scores


def closeness(embeddings: NDArray[np.float32], human: NDArray[np.float32]) -> Scores:
    """Cosine of each text to the human text nearest to it, (n,), in [-1, 1].

    Args:
        embeddings: of the texts, (n, d), unit rows.
        human: of human texts, (m, d), unit rows.

    Raises:
        CorpusError: no human text.
    """
    if not len(human):
        raise CorpusError("regime.criterion: nearest_human", wanted="human texts", got="none")
    nearest: Scores = (embeddings @ human.T).max(axis=1).astype(np.float64)
    return nearest


def likeliness(nll_nats: ArrayLike, tokens: ArrayLike) -> Scores:
    """Mean log-likelihood a token, (n,), at most 0; from summed losses and token counts."""
    mean_nats: Scores = np.asarray(nll_nats, np.float64) / np.maximum(np.asarray(tokens), 1)
    return -mean_nats


def truthfulness(statuses: Sequence[Sequence[str]]) -> Scores:
    """Share of each text's sentences that are true, (n,), in [0, 1]; 0 without a sentence.

    Args:
        statuses: of the sentences of each text: ``true``, ``false``, ``novel``, ``unparsable``.
    """
    shares = [row.count("true") / len(row) if row else 0.0 for row in map(list, statuses)]
    return np.array(shares, dtype=np.float64)
