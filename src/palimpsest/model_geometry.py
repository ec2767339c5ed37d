"""What is kept of a model for docs/metrics.md §6: arrays, from passes over a fixed human text.

The torch side; `palimpsest.model_card` makes numbers of these arrays without torch. Means and rows
are kept as float32: half the size, and they were computed from hidden states of that precision.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.corpus.probe import Probe
from palimpsest.lm.class_statistics import ClassSums
from palimpsest.lm.hidden_states import last_states, visit_hidden
from palimpsest.lm.likelihood import heldout_arrays
from palimpsest.lm.model import LanguageModel
from palimpsest.lm.tokens import Tokens
from palimpsest.metrics.neural_collapse import CentreAgreement

WORDS = 1000
"""Most frequent words whose output embeddings are kept."""
KEPT_BYTES = 2**28
"""Hidden states that are kept from the first pass; beyond, the texts are read a second time."""

Arrays = dict[str, NDArray[Any]]


def heldout_and_classes(
    model: LanguageModel,
    tokens: Tokens,
    texts: Sequence[str],
    counts_V: NDArray[np.int64],
    min_count: int,
) -> tuple[Arrays, Arrays]:
    """Likelihoods of the held-out texts and, from the same pass, the model's class statistics.

    Once the means are known, classifier and nearest class mean are compared at every token: on the
    hidden states of that pass if they take at most 256 MB, else in a second pass over the texts.

    Args:
        model: the model.
        tokens: its tokenizer.
        texts: the held-out human texts.
        counts_V: occurrences of each token type in the human training corpus, (V,).
        min_count: occurrences in the texts from which on a next token counts as a class.

    Returns:
        What `heldout_arrays` returns; and, for C classes of width d: ``ids``, ``counts`` and
        ``variances`` (C,), ``means`` and ``weights`` (C, d), the latter of the output embedding;
        ``agreed`` and ``tokens`` of that comparison, both 0 without a class; ``word_rows``
        (<= 1000, d), the output embedding of the most frequent words.
    """
    rows_Vd = model.output_rows().detach()
    sums = ClassSums(len(rows_Vd), rows_Vd.shape[1], model.device)
    kept = _Kept()

    def visit(hidden_Nd: Tensor, targets_N: Tensor, logits_NV: Tensor) -> None:
        sums.update(hidden_Nd, targets_N, logits_NV)
        kept.add(hidden_Nd.float())

    likelihoods = heldout_arrays(model, tokens, texts, counts_V, visit)
    classes = sums.at_least(min_count)
    weights = _rows(rows_Vd, classes.ids)
    agreed, seen = 0, 0
    if len(classes.ids):
        agreement = CentreAgreement(weights, classes.means)
        if kept.all:
            for hidden_Nd in kept.batches:
                agreement.update(hidden_Nd)
        else:
            visit_hidden(model, tokens, texts, lambda part: agreement.update(part.cpu().numpy()))
        agreed, seen = agreement.agreed, agreement.tokens
    return likelihoods, {
        "ids": classes.ids,
        "counts": classes.counts,
        "variances": classes.variances.astype(np.float32),
        "means": classes.means.astype(np.float32),
        "weights": weights,
        "agreed": np.array(agreed),
        "tokens": np.array(seen),
        "word_rows": _rows(rows_Vd, tokens.frequent_words(counts_V, WORDS)),
    }


def probe_arrays(model: LanguageModel, tokens: Tokens, probe: Probe, skipped: int) -> Arrays:
    """The hidden states of a probe's words in its carriers, and which words belong together.

    Args:
        model: the model.
        tokens: its tokenizer.
        probe: the words that the human corpus knows.
        skipped: the number of words that it does not know.

    Returns:
        ``states`` (words, carriers, d); ``kinds`` (groups,); ``members`` (·, 2): number of the
        group, position of the word; ``unrelated`` (pairs, 2) positions; ``skipped``.
    """
    states = last_states(model, tokens, probe.sentences())
    place = {word: index for index, word in enumerate(probe.words)}
    members = [(at, place[word]) for at, group in enumerate(probe.groups) for word in group.words]
    pairs = [[place[word] for word in pair] for pair in probe.unrelated]
    return {
        "states": states.reshape(len(place), len(probe.carriers), states.shape[1]),
        "kinds": np.array([group.kind for group in probe.groups], dtype="U8"),
        "members": np.array(members, dtype=np.int64).reshape(-1, 2),
        "unrelated": np.array(pairs, dtype=np.int64).reshape(-1, 2),
        "skipped": np.array(skipped),
    }


class _Kept:
    """Hidden states of a pass, as long as they are few enough; else none of them."""

    def __init__(self) -> None:
        self.batches: list[NDArray[np.float32]] = []
        self.all = True
        self._bytes = 0

    def add(self, hidden_Nd: Tensor) -> None:
        self._bytes += hidden_Nd.nbytes
        if self._bytes > KEPT_BYTES:
            self.batches, self.all = [], False
        else:
            self.batches.append(hidden_Nd.cpu().numpy())


def _rows(rows_Vd: Tensor, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    # picked one by one on their device: of a large vocabulary only these are copied
    return np.asarray(rows_Vd[ids.tolist()].float().cpu().numpy())
