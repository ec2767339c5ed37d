"""What a generation learns from: only its own text, or human text too.

`replace` is the setting of Shumailov et al. 2023: every generation learns only from the text of the
one before. `fresh` is the null lineage: every generation learns from human text that none has seen,
so what it loses is the loop's own fault and not that of synthetic text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from palimpsest.errors import CorpusError
from palimpsest.params import Params


@dataclass(frozen=True)
class RegimeParams(Params):
    """The regime of the chain."""

    section: ClassVar[str] = "regime"

    kind: Literal["replace", "fresh"]
    """``replace``: the generation's own text; ``fresh``: human text that no generation has seen."""


def training_set(
    params: RegimeParams, generation: int, written: Sequence[str], reserve: Sequence[str]
) -> list[str]:
    """The texts that generation g >= 1 learns from.

    Args:
        params: the regime.
        generation: g.
        written: what the generation wrote, n texts.
        reserve: human texts that serve no other purpose.

    Returns:
        n texts.

    Raises:
        CorpusError: the reserve does not reach to this generation; says how many are missing.
    """
    if params.kind == "replace":
        return list(written)
    begin, end = (generation - 1) * len(written), generation * len(written)
    if end > len(reserve):
        raise CorpusError(
            f"regime.kind: fresh, generation {generation}",
            wanted=f"{end} human documents in reserve",
            got=f"{len(reserve)} ({end - len(reserve)} missing)",
            hint="raise corpus.reserve or lower generate.documents",
        )
    return list(reserve[begin:end])
