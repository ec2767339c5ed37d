"""How many texts each part of a chain gets, proposed from how many there are.

A generation writes a twentieth as many texts as there are, 500 at the most; as many more are the
human sample that it stands beside. A tenth is held out, 500 at the most. Generation 0 is trained
on four tenths or more. The pool that generations are held against gets what is left, up to 21
samples, which is enough for 20 null samples without a common text; from fewer, samples overlap and
the null band is wider for it. What is still left is kept for regimes that need unseen human text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from palimpsest.core.errors import CorpusError, ParamsError
from palimpsest.core.parameters import FEWEST_SAMPLES

LEAST = {"documents": 20, "heldout": 20, "train": 50}
"""Fewer texts of a generation say nothing of a distribution in three directions; of fewer held-out
ones the perplexity is chance; from fewer no model learns."""
MOST = {"documents": 500, "heldout": 500}
"""What the default chain has; more costs time in proportion."""
SHARES = {"documents": 0.05, "heldout": 0.1, "train": 0.4}
UNSEEN_SHARE = 0.3
"""Of the texts, that a control chain may use up."""
SAMPLES = 21
"""Of the pool: one to fit on, twenty null samples."""
PASSES = 7.2
"""Of a model from scratch over its training set, as in the default chain: 1,800 steps at most."""
BATCH, MOST_STEPS = 32, 1800
LONG, SHORT_CONTEXT = 0.95, 512
"""Share of the texts that fit whole; and the longest context of a model from scratch."""
SMALL = 10_000_000
"""Weights below which a pretrained model is trained at the higher of the two rates."""
RATES = (5e-4, 5e-5)


@dataclass(frozen=True)
class Sizes:
    """Texts of each part."""

    train: int
    heldout: int
    documents: int
    """Of a generation; generation 0's human sample is as large."""
    null_pool: int
    reserve: int

    @property
    def whole(self) -> int:
        """All of them."""
        return self.train + self.heldout + self.documents + self.null_pool + self.reserve

    @property
    def samples(self) -> int:
        """Samples in the pool without a common text."""
        return self.null_pool // self.documents


def proposed_sizes(
    texts: int, generations: int, control: bool = False, documents: int | None = None
) -> Sizes:
    """The sizes of a chain's parts.

    Args:
        texts: how many distinct ones there are.
        generations: number of the last generation.
        control: with the control chain, which is trained on unseen human text in each generation.
        documents: texts that a generation writes; by default a twentieth.

    Returns:
        Sizes that add up to `texts` at the most.

    Raises:
        CorpusError: too few texts; says how many are wanted, and for what.
        ParamsError: `documents` is below 20.
    """
    if documents is not None and documents < LEAST["documents"]:
        raise ParamsError(
            "generate.documents", wanted=f">= {LEAST['documents']}", got=documents,
            hint="of fewer texts no metric says much",
        )  # fmt: skip
    unseen_in = generations if control else 0
    each = documents or _documents(texts, unseen_in)
    heldout, unseen = _share("heldout", texts), unseen_in * each
    if _wanted(texts, unseen_in, documents) > texts:
        raise _too_few(texts, unseen_in, documents)
    left = texts - heldout - each - unseen
    train = max(LEAST["train"], int(SHARES["train"] * texts))
    pool = max(FEWEST_SAMPLES * each, min(SAMPLES * each, left - train))
    reserve = 0 if control else min(generations * each, max(left - pool - train, 0))
    return Sizes(left - pool - reserve, heldout, each, pool, unseen or reserve)


def proposed_parameters(sizes: Sizes, words: Sequence[int]) -> dict[str, int]:
    """The parameters that hold these sizes.

    Args:
        sizes: of the parts.
        words: of each of some texts.
    """
    typical = float(np.median(words)) if len(words) else 0.0
    enough = int(0.8 * typical * sizes.documents) // 100 * 100
    return {
        "corpus.train": sizes.train,
        "corpus.heldout": sizes.heldout,
        "corpus.null_pool": sizes.null_pool,
        "corpus.reserve": sizes.reserve,
        "generate.documents": sizes.documents,
        "generate.batch_size": sizes.documents,
        "score.words": min(max(enough, 100), 10_000),
    }


def proposed_lengths(tokens: Sequence[int], context: int | None) -> dict[str, int]:
    """Lengths at which nearly all texts are read and written whole.

    Args:
        tokens: of each of some texts, without the marks of beginning and end.
        context: of the model; None for one from scratch, which gets a context for the texts.
    """
    long = max(8, int(np.quantile(np.asarray(tokens), LONG)))
    found = {}
    if context is None:
        wanted = next((size for size in (128, 256) if size >= long + 2), SHORT_CONTEXT)
        context = found["model.context"] = wanted
    row = min(context, long + 2)
    found |= {"pretrain.block_tokens": row, "finetune.block_tokens": row}
    found["generate.max_new_tokens"] = min(long, context - 1)
    return found


def proposed_training(sizes: Sizes, weights: int | None) -> Mapping[str, int | float | None]:
    """How generation 0 is trained.

    Args:
        sizes: of the parts.
        weights: of a pretrained model; None for one from scratch.
    """
    if weights is None:
        steps = round(PASSES * sizes.train / BATCH)
        return {"pretrain.steps": min(max(steps, 100), MOST_STEPS), "pretrain.epochs": None}
    rate = RATES[weights >= SMALL]
    return {
        "pretrain.steps": None,
        "pretrain.epochs": 2,
        "pretrain.learning_rate": rate,
        "finetune.learning_rate": rate,
    }


def _share(part: str, texts: int) -> int:
    return max(LEAST[part], min(MOST[part], int(SHARES[part] * texts)))


def _documents(texts: int, unseen_in: int) -> int:
    """Texts of a generation; fewer where so many generations want as many unseen ones each."""
    lasting = int(UNSEEN_SHARE * texts / unseen_in) if unseen_in else texts
    return max(LEAST["documents"], min(_share("documents", texts), lasting))


def _wanted(texts: int, unseen_in: int, documents: int | None) -> int:
    """The least that the parts come to where there are so many texts."""
    each = documents or _documents(texts, unseen_in)
    return LEAST["train"] + _share("heldout", texts) + (1 + FEWEST_SAMPLES + unseen_in) * each


def _too_few(texts: int, unseen_in: int, documents: int | None) -> CorpusError:
    least = texts
    while (wanted := _wanted(least, unseen_in, documents)) > least:
        least = wanted  # with more texts the shares are more
    each = documents or _documents(least, unseen_in)
    parts = [
        f"{LEAST['train']} to train on",
        f"{_share('heldout', least)} held out",
        f"{each} beside each generation's {each}",
        f"{FEWEST_SAMPLES * each} for a fit sample and two null samples",
        *([f"{unseen_in * each} unseen ones for the control chain"] if unseen_in else []),
    ]
    hint = "give more text, or count shorter ones: -S corpus.files.min_chars=20"
    if documents is not None and documents > LEAST["documents"]:
        hint += "; or ask for fewer: --documents"
    if unseen_in:
        hint += "; or leave the control chain out: --no-null"
    return CorpusError(
        "corpus", wanted=f">= {least} distinct documents ({', '.join(parts)})", got=texts, hint=hint
    )
