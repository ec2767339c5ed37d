"""Hidden states of a model that reads human text, and what is kept of them for metrics.md §6.

Class statistics (neural collapse) come from the pass that measures held-out likelihood; word
geometry reads the states at the slots of carrier sentences. What is kept are arrays;
`palimpsest.evaluation.model_metrics` makes numbers of them without torch. Means and rows are kept
as float32: half the size, and they were computed from hidden states of that precision.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.core.resume import NOTHING_KEPT, Checkpoints, digest
from palimpsest.core.resume import Arrays as State
from palimpsest.core.team import ALONE, Team
from palimpsest.lm.batching import IGNORED, batches_by_length, collate
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.class_statistics import CentreAgreement, ClassSums
from palimpsest.lm.runtime import model_digest
from palimpsest.lm.scoring import heldout_arrays, likelihood, scored_rows
from palimpsest.lm.tokenizer import Tokenizer

WORDS = 1000
"""Most frequent words whose output embeddings are kept."""
KEPT_BYTES = 2**28
"""Hidden states that are kept from the first pass; beyond, the texts are read a second time."""

Arrays = dict[str, NDArray[Any]]


def heldout_and_classes(
    model: LanguageModel,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    counts_V: NDArray[np.int64],
    min_count: int,
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
    prompts: Sequence[str] | None = None,
) -> tuple[Arrays, Arrays]:
    """Likelihoods of the held-out texts and, from the same pass, the model's class statistics.

    Once the means are known, classifier and nearest class mean are compared at every token: on the
    hidden states of that pass if they take at most 256 MB and were not lost in a pause, else in a
    second pass over the texts.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        texts: the held-out human texts.
        counts_V: occurrences of each token type in the human training corpus, (V,).
        min_count: occurrences in the texts from which on a next token counts as a class.
        kept: where both passes keep their state.
        team: who computes; each process a part of the batches of either pass.
        prompts: what each text continues; it is read, and not counted.

    Returns:
        What `heldout_arrays` returns; and, for C classes of width d: ``ids``, ``counts`` and
        ``variances`` (C,), ``means`` and ``weights`` (C, d), the latter of the output embedding;
        ``agreed`` and ``tokens`` of that comparison, both 0 without a class; ``word_rows``
        (<= 1000, d), the output embedding of the most frequent words.
    """
    visitor = _first_pass(model)
    likelihoods = heldout_arrays(model, tokenizer, texts, counts_V, visitor, kept, prompts, team)
    visitor.share(team)
    classes = _classes(model, tokenizer, (texts, prompts), visitor, min_count, kept, team)
    words = tokenizer.frequent_words(counts_V, WORDS)
    classes["word_rows"] = _rows(model.unembedding().detach(), words)
    return likelihoods, classes


def class_statistics(
    model: LanguageModel, tokenizer: Tokenizer, texts: Sequence[str], min_count: int
) -> Arrays:
    """The class statistics of `heldout_and_classes` alone, and how often every type occurs.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        texts: what it reads.
        min_count: occurrences in the texts from which on a next token counts as a class.

    Returns:
        As there, without ``word_rows``; and ``occurrences`` (V,) of every token type.
    """
    visitor = _first_pass(model)
    likelihood(model, tokenizer, texts, visitor=visitor)
    classes = _classes(model, tokenizer, (texts, None), visitor, min_count)
    return {**classes, "occurrences": visitor.sums.counts}


def _first_pass(model: LanguageModel) -> "_FirstPass":
    types, width = model.unembedding().shape
    return _FirstPass(ClassSums(types, width, model.device))


def _classes(
    model: LanguageModel,
    tokenizer: Tokenizer,
    read: tuple[Sequence[str], Sequence[str] | None],
    visitor: "_FirstPass",
    min_count: int,
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
) -> Arrays:
    """What the first pass has gathered, and the agreement of the classifier with its means."""
    classes = visitor.sums.at_least(min_count)
    weights = _rows(model.unembedding().detach(), classes.ids)
    agreed, seen = 0, 0
    if len(classes.ids):
        agreement = CentreAgreement(weights, classes.means, model.device)
        if visitor.kept.all:
            for hidden_Nd in visitor.kept.batches:
                agreement.update(hidden_Nd)
        else:
            _second_pass(model, tokenizer, read, agreement, min_count, kept, team)
        counts = team.gathered((agreement.agreed, agreement.tokens))
        agreed, seen = map(sum, zip(*counts, strict=True))
    return {
        "ids": classes.ids,
        "counts": classes.counts,
        "variances": classes.variances.astype(np.float32),
        "means": classes.means.astype(np.float32),
        "weights": weights,
        "agreed": np.array(agreed),
        "tokens": np.array(seen),
    }


def _second_pass(
    model: LanguageModel,
    tokenizer: Tokenizer,
    read: tuple[Sequence[str], Sequence[str] | None],
    agreement: CentreAgreement,
    min_count: int,
    kept: Checkpoints,
    team: Team,
) -> None:
    """Compares classifier and nearest mean at every token, from where it was kept."""

    def key() -> str:
        # the means are made of these
        plain = [scored_rows(tokenizer, *read, model.context), min_count]
        return digest("agreement", model_digest(model), *plain)

    def state() -> State:
        return {"agreed": np.array(agreement.agreed), "tokens": np.array(agreement.tokens)}

    task = kept.task("agreement", "batch", key)
    first = task.done
    if first:
        agreement.agreed, agreement.tokens = int(task.state["agreed"]), int(task.state["tokens"])
    seen = count(first + 1)

    def visit(hidden_Nd: Tensor) -> None:
        agreement.update(hidden_Nd)
        task.keep(next(seen), state)

    visit_hidden(model, tokenizer, read[0], visit, first, read[1], team)


@torch.inference_mode()
def visit_hidden(
    model: LanguageModel,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    visitor: Callable[[Tensor], None],
    first: int = 0,
    prompts: Sequence[str] | None = None,
    team: Team = ALONE,
) -> None:
    """Shows the hidden states before every token of the texts, in the batches of `likelihood`.

    Args:
        model: the reader.
        tokenizer: its tokenizer.
        texts: n texts, which may be empty (then the end token alone is predicted).
        visitor: called with (N, d) float32 for every batch.
        first: so many batches are left out.
        prompts: what each text continues; it is read, and not shown.
        team: who reads; each process a part of the batches, which it shows and counts alone.
    """
    rows, _, skipped = scored_rows(tokenizer, texts, prompts, model.context)
    for batch in team.dealt(list(batches_by_length(rows, model.device)))[first:]:
        given = [skipped[i] for i in batch]
        ids_BT, targets_BT = collate([rows[i] for i in batch], tokenizer.end, model.device, given)
        places = (targets_BT != IGNORED).flatten().nonzero().squeeze(1)
        visitor(model.hidden_at(ids_BT, places).float())


@torch.inference_mode()
def last_states(
    model: LanguageModel,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
) -> NDArray[np.float32]:
    """The hidden state at the last token of each text.

    Args:
        model: the reader, which sees the start token and the text.
        tokenizer: its tokenizer.
        texts: n texts; of one longer than the context, the last tokens are read.
        kept: where the states after each batch are kept.
        team: who computes; each process a part of the batches.

    Returns:
        (n, d); the state at the start token for an empty text.
    """
    # collate drops the last id of a row: with an end token behind it, all of the text is read
    read = [[tokenizer.start, *ids][-model.context :] for ids in tokenizer.encode(texts)]
    rows = [[*ids, tokenizer.end] for ids in read]
    task = kept.task("probe", "batch", lambda: digest("last states", model_digest(model), rows))
    zeros = np.zeros((len(rows), model.unembedding().shape[1]), dtype=np.float32)
    states = task.state.get("states", zeros)
    batches = team.dealt(list(batches_by_length(rows, model.device)))
    for number, batch in enumerate(batches[task.done :], task.done + 1):
        ids_BT, _ = collate([rows[i] for i in batch], tokenizer.end, model.device)
        last_B = torch.tensor([len(rows[i]) - 2 for i in batch], device=model.device)
        hidden_BTd = model.hidden(ids_BT)
        at = torch.arange(len(batch), device=model.device)
        states[batch] = hidden_BTd[at, last_B].float().cpu().numpy()
        task.keep(number, lambda: {"states": states})
    own = [index for batch in batches for index in batch]
    for places, part in team.gathered((own, states[own])):
        states[places] = part
    return states


class _FirstPass:
    """What the pass over the held-out texts gathers; a `KeptVisitor`."""

    def __init__(self, sums: ClassSums) -> None:
        self.sums, self.kept = sums, _Kept()

    def __call__(self, hidden_Nd: Tensor, targets_N: Tensor, logits_NV: Tensor) -> None:
        self.sums.update(hidden_Nd, targets_N, logits_NV)
        self.kept.add(hidden_Nd.float())

    def share(self, team: Team) -> None:
        """Takes the sums of all processes for its own; the hidden states stay this one's."""
        if team.size > 1:
            self.sums = self.sums.merged(team.gathered(self.sums.state()))

    def state(self) -> State:
        """The sums, not the hidden states: they would make it large."""
        return self.sums.state()

    def take_up(self, state: State) -> None:
        """Goes on from the sums; the hidden states before are lost."""
        self.sums.take_up(state)
        self.kept.drop()


class _Kept:
    """Hidden states of a pass, as long as they are few enough; else none of them."""

    def __init__(self) -> None:
        self.batches: list[Tensor] = []
        self.all = True
        self._bytes = 0

    def add(self, hidden_Nd: Tensor) -> None:
        self._bytes += hidden_Nd.nbytes
        if self._bytes > KEPT_BYTES:
            self.drop()
        elif self.all:
            self.batches.append(hidden_Nd)

    def drop(self) -> None:
        """Forgets them all."""
        self.batches, self.all = [], False


def _rows(rows_Vd: Tensor, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    # picked one by one on their device: of a large vocabulary only these are copied
    return np.asarray(rows_Vd[ids.tolist()].float().cpu().numpy())
