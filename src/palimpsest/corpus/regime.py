"""What a generation learns from: its own text, all text so far, human text, or a selection.

`replace` is the setting of Shumailov et al. 2023 (every generation learns only from the text of the
one before), `accumulate` that of Gerstgrasser et al. 2024, `accumulate_subsample` that of Kazdan et
al. 2024, `mix` that of Bertrand et al. 2023. `fresh` is the null lineage: every generation learns
from human text that none has seen, so what it loses is the loop's own fault and not that of
synthetic text.

Known gap: human and generated documents count alike, whatever their lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from palimpsest.errors import CorpusError
from palimpsest.params import Params, Range


@dataclass(frozen=True)
class RegimeParams(Params):
    """The regime of the chain."""

    section: ClassVar[str] = "regime"

    kind: Literal["replace", "accumulate", "accumulate_subsample", "mix", "fresh", "filtered"]
    """``replace``: the generation's own text; ``accumulate``: the human corpus and everything
    written since; ``accumulate_subsample``: the same, drawn down to the size of the human corpus;
    ``mix``: own text, a share of it replaced by human text; ``fresh``: human text that no
    generation has seen; ``filtered``: the part of the own text that a criterion likes best."""
    match_tokens: bool
    """Whether every generation is trained on as many tokens as under ``replace``, whatever the
    size of its training set."""
    real_fraction: Annotated[float, Range(at_least=0, at_most=1)]
    """``mix``: share of human documents, 0 to 1."""
    real: Literal["fresh", "fixed"]
    """``mix``: human documents that no generation has seen, or the same ones every time."""
    keep: Annotated[float, Range(above=0, at_most=1)]
    """``filtered``: share of the documents that is kept."""
    criterion: Literal["likelihood", "deduplication", "nearest_human", "truth"]
    """``filtered``: what is liked (`palimpsest.selection`)."""

    @property
    def accumulates(self) -> bool:
        """Whether the texts of earlier generations are learned from again."""
        return self.kind in ("accumulate", "accumulate_subsample")

    @property
    def humans(self) -> Literal["train", "reserve"] | None:
        """The part of the human corpus that is learned from again, if any."""
        if self.kind == "fresh":
            return "reserve"
        if self.kind == "mix":
            return "reserve" if self.real == "fresh" else "train"
        return "train" if self.kind == "accumulate_subsample" else None


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
    """``filtered``: how much the criterion likes each written text."""


def training_set(
    params: RegimeParams, generation: int, sources: Sources, rng: np.random.Generator
) -> list[str]:
    """The texts that generation g >= 1 learns from.

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


def _taken(
    params: RegimeParams, generation: int, begin: int, count: int, human: Sequence[str]
) -> list[str]:
    """`count` human texts from `begin` on."""
    end = begin + count
    if end > len(human):
        part = params.humans
        raise CorpusError(
            f"regime.kind: {params.kind}, generation {generation}",
            wanted=f"{end} human documents in {part}",
            got=f"{len(human)} ({end - len(human)} missing)",
            hint=f"raise corpus.{part} or lower generate.documents",
        )
    return list(human[begin:end])


def _best(texts: Sequence[str], scores: Sequence[float], keep: float) -> list[str]:
    """The share of texts with the highest scores, in their old order; ties go to the earlier."""
    count = max(1, round(keep * len(texts)))
    ranked = sorted(range(len(texts)), key=lambda row: (-scores[row], row))
    return [texts[row] for row in sorted(ranked[:count])]
