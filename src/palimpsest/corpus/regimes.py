"""What a generation is trained on: its own text, all text so far, human text, or a selection.

`replace` is the setting of Shumailov et al. 2023 (every generation is trained only on the text of
the one before), `accumulate` that of Gerstgrasser et al. 2024, `accumulate_subsample` that of
Kazdan et al. 2024, `mix` that of Bertrand et al. 2023. `fresh` makes the control chain: every
generation is trained on human text that none has seen, so what it loses is the loop's own doing and
not that of synthetic text.

Known gap: human and generated documents count alike, whatever their lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import RegimeParams
from palimpsest.core.storage import read_texts
from palimpsest.core.words import has_word

MANY_EMPTY = 0.1
"""Share of texts without a word from which on there is a warning."""


@dataclass(frozen=True)
class Sources:
    """What a training set can be made of."""

    written: Sequence[str]
    """What the generation wrote, n texts."""
    human: Sequence[str]
    """The part of the human corpus that `RegimeParams.humans` names."""
    pool: Sequence[str]
    """``accumulate``, ``accumulate_subsample``: the human corpus and all text of earlier ones."""
    scores: Sequence[float]
    """``filtered``: the criterion's score of each written text; the highest are kept."""


def read_sources(
    human: Path, previous: Path, params: RegimeParams, written: Sequence[str]
) -> Sources:
    """What a training set is made of, from the folders of the human corpus and of the texts before.

    The scores of ``filtered`` are left out.
    """
    texts = read_texts(human / f"{params.humans}.jsonl") if params.humans else []
    pool: list[str] = []
    if params.accumulates:
        path = previous / "pool.jsonl"
        pool = read_texts(path if path.exists() else previous / "training.jsonl")
    return Sources(written, texts, pool, ())


def training_set(
    params: RegimeParams, generation: int, sources: Sources, rng: np.random.Generator
) -> list[str]:
    """The texts that generation g >= 1 is trained on.

    Args:
        params: the regime.
        generation: g.
        sources: what it is made of.
        rng: for ``accumulate_subsample``.

    Returns:
        n texts; under ``accumulate`` all so far, under ``accumulate_subsample`` as many as the
        human corpus has, under ``filtered`` the kept ones (at least one) in their old order.

    Raises:
        CorpusError: the human text does not reach to this generation; says how much is missing.
    """
    written = list(sources.written)
    if params.kind == "fresh":
        begin = (generation - 1) * len(written)
        return _taken(params, generation, begin, len(written), sources.human)
    if params.kind == "mix":
        count = round(params.real_fraction * len(written))
        begin = (generation - 1) * count if params.real == "fresh" else 0
        return written[count:] + _taken(params, generation, begin, count, sources.human)
    if params.kind == "filtered":
        return _best(written, sources.scores, params.keep)
    if params.accumulates:
        everything = [*sources.pool, *written]
        if params.kind == "accumulate":
            return everything
        rows = rng.choice(len(everything), min(len(sources.human), len(everything)), replace=False)
        return [everything[row] for row in sorted(rows.tolist())]
    return written


def empty_texts(written: Sequence[str], training: Sequence[str]) -> list[str]:
    """A warning where many of the texts that a generation wrote have no word.

    Args:
        written: what the model wrote behind its prompts.
        training: what the generation is trained on; with human text in it, it has words whatever
            the model wrote.

    Raises:
        CorpusError: no training text has a word.
    """
    if not any(map(has_word, training)):
        raise CorpusError(
            "the training set",
            wanted="at least one text with a word in it",
            got=f"{len(training)} without (the model wrote {len(written)} texts)",
            hint="the chain ends before this generation: palimpsest chain with the last whole one, "
            "then dvc repro",
        )
    share = sum(not has_word(text) for text in written) / max(len(written), 1)
    if share < MANY_EMPTY:
        return []
    return [f"{100 * share:.0f} % of the {len(written)} texts that the model wrote have no word"]


def _taken(
    params: RegimeParams, generation: int, begin: int, count: int, human: Sequence[str]
) -> list[str]:
    """`count` human texts from `begin` on."""
    end = begin + count
    if end > len(human):
        part = params.humans
        raise CorpusError(
            f"regime.kind: {params.kind}, generation {generation}",
            wanted=f"{end} documents in corpus.{part}",
            got=f"{len(human)} ({end - len(human)} missing)",
            hint=f"raise corpus.{part} or lower generate.documents",
        )
    return list(human[begin:end])


def _best(texts: Sequence[str], scores: Sequence[float], keep: float) -> list[str]:
    """The share of texts with the highest scores, in their old order; ties go to the earlier."""
    count = max(1, round(keep * len(texts)))
    ranked = sorted(range(len(texts)), key=lambda row: (-scores[row], row))
    return [texts[row] for row in sorted(ranked[:count])]
