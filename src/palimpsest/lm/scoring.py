"""Negative log-likelihood of texts under a model, summed per text.

Everything is a sum of natural-log losses beside its token count, so that a perplexity can be formed
as exp(sum / count) over any set of texts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, digest
from palimpsest.core.team import ALONE, Team, added
from palimpsest.lm.batching import IGNORED, batches_by_length, collate, make_rows
from palimpsest.lm.checkpoint import LanguageModel, load_model_and_tokenizer
from palimpsest.lm.cross_entropy import chunks
from palimpsest.lm.memory import kept_memory
from palimpsest.lm.runtime import model_digest, weights_digest
from palimpsest.lm.tokenizer import Tokenizer

Visitor = Callable[[Tensor, Tensor, Tensor], None]
"""(hidden_Nd, targets_N, logits_NV) of some tokens of a batch: all, if their scores are few."""

Continuations = tuple[Sequence[str], Sequence[str]]
"""Prompts, and the text behind each."""


@runtime_checkable
class KeptVisitor(Protocol):
    """A visitor whose state can be kept beside the sums."""

    def __call__(self, hidden_Nd: Tensor, targets_N: Tensor, logits_NV: Tensor) -> None:
        """Sees tokens of a batch."""

    def state(self) -> Arrays:
        """What it has gathered."""

    def take_up(self, state: Arrays) -> None:
        """Goes on from that; the arrays of others may be among them."""


@dataclass(frozen=True)
class Likelihood:
    """Losses of n texts under one model."""

    nll_nats: NDArray[np.float64]
    """(n,) summed negative log-likelihood of each text, its end token counted."""
    tokens: NDArray[np.int64]
    """(n,) number of predicted tokens in each text."""
    rare_nll_nats: NDArray[np.float64]
    """(n,) the part of `nll_nats` that falls on rare token types."""
    rare_tokens: NDArray[np.int64]
    """(n,) number of tokens of rare types."""
    entropy_nats: NDArray[np.float64]
    """(n,) summed entropy of the model's predictions."""

    @property
    def per_text(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Loss and number of tokens of each text."""
        return self.nll_nats, self.tokens


class TextLosses:
    """A model and its tokenizer as a function of texts.

    Args:
        model: the judge.
        tokenizer: its tokenizer.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer

    @cached_property
    def identity(self) -> str:
        """SHA-256 of what determines a loss: weights, config, tokenizer; of no path or machine."""
        tokenizer = self.tokenizer
        rules = [tokenizer.start, tokenizer.end, tokenizer.backend.to_str()]
        return digest(weights_digest(self.model), rules)

    def __call__(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Summed loss and number of tokens of each text, see `likelihood`."""
        return likelihood(self.model, self.tokenizer, texts).per_text


def likelihood(
    model: LanguageModel,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    rare_V: NDArray[np.bool_] | None = None,
    visitor: Visitor | None = None,
    prompts: Sequence[str] | None = None,
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
) -> Likelihood:
    """Scores texts, each from the start token, or from its prompt, to the end token.

    A text longer than the model's context is cut into rows of context length that share one token:
    each token is predicted exactly once, the first ones of a row from little context.

    Args:
        model: the judge.
        tokenizer: its tokenizer.
        texts: n texts, which may be empty (then the end token alone is predicted).
        rare_V: which token types count as rare; none by default.
        visitor: sees hidden states, targets and scores of every batch, a chunk at a time (see
            `palimpsest.lm.cross_entropy`).
        prompts: what each text continues; it is read, and not scored.
        kept: where the sums over finished batches are kept, unless there is a visitor that is no
            `KeptVisitor`.
        team: who computes; each process a part of the batches, and a visitor sees that part alone.
    """
    rows, owners, skipped = scored_rows(tokenizer, texts, prompts, model.context)
    rare = torch.zeros(model.vocabulary, dtype=torch.bool, device=model.device)
    if rare_V is not None:
        rare[: len(rare_V)] = torch.from_numpy(rare_V).to(model.device)
    sums = torch.zeros(5, len(texts), dtype=torch.float64)
    own = visitor if isinstance(visitor, KeptVisitor) else None
    if visitor is not None and own is None:
        kept = NOTHING_KEPT

    def key() -> str:
        plain = [rows, owners, skipped, tokenizer.end, type(visitor).__name__]
        return digest("likelihood", model_digest(model), *plain, rare.cpu().numpy())

    def state() -> Arrays:
        return {"sums": sums.numpy(), **({} if own is None else own.state())}

    task = kept.task("likelihood", "batch", key)
    if task.done:
        sums.copy_(torch.from_numpy(task.state["sums"]))
        if own is not None:
            own.take_up(task.state)
    with torch.inference_mode(), kept_memory():
        batches = team.dealt(list(batches_by_length(rows, model.device)))
        for number, batch in enumerate(batches[task.done :], task.done + 1):
            pieces = collate(
                [rows[i] for i in batch], tokenizer.end, model.device, [skipped[i] for i in batch]
            )
            values_5N, places = _batch(model, *pieces, rare, visitor)
            owner_of_row = torch.tensor([owners[i] for i in batch])
            sums.index_add_(1, owner_of_row[places.cpu()], values_5N.double().cpu())
            task.keep(number, state)
    nll, count, rare_nll, rare_count, entropy = added(team.gathered(sums.numpy()))
    return Likelihood(nll, count.astype(np.int64), rare_nll, rare_count.astype(np.int64), entropy)


def scored_rows(
    tokenizer: Tokenizer, texts: Sequence[str], prompts: Sequence[str] | None, context: int
) -> tuple[list[list[int]], list[int], list[int]]:
    """Rows with something to score, the text of each, and how many of its tokens are not scored.

    Args:
        tokenizer: the judge's.
        texts: see `likelihood`.
        prompts: see `likelihood`.
        context: longest row, tokens.
    """
    if prompts is None or not any(prompts):
        documents, given = tokenizer.documents(texts), [0] * len(texts)
    else:
        documents, given = tokenizer.continued(prompts, texts)
    rows, owners, skipped = [], [], []
    for owner, ids in enumerate(documents):
        left = given[owner]
        for row in make_rows([ids], context, "padded"):
            if left < len(row) - 1:
                rows.append(row)
                owners.append(owner)
                skipped.append(max(left, 0))
            left -= len(row) - 1
    return rows, owners, skipped


def folder_likelihood(
    folder: Path,
    texts: Sequence[str],
    prompts: Sequence[str],
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
    device: str = "auto",
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Loss and number of tokens of each text under the model of a folder, see `likelihood`."""
    judge = load_model_and_tokenizer(folder, device=device)
    return likelihood(*judge, texts, prompts=prompts, kept=kept, team=team).per_text


def heldout_arrays(
    model: LanguageModel,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    counts_V: NDArray[np.int64],
    visitor: Visitor | None = None,
    kept: Checkpoints = NOTHING_KEPT,
    prompts: Sequence[str] | None = None,
    team: Team = ALONE,
) -> dict[str, NDArray[np.generic]]:
    """Held-out texts under one model, with rare tokens and the entropy of its predictions.

    Args:
        model: the judge.
        tokenizer: its tokenizer.
        texts: n held-out human texts.
        counts_V: occurrences of each token type in the human training corpus, (V,).
        visitor: sees hidden states, targets and scores of every batch.
        kept: see `likelihood`.
        prompts: what each text continues, see `likelihood`.
        team: see `likelihood`.

    Returns:
        (n,) each: ``heldout_nll``, ``heldout_tokens``, ``heldout_rare_nll``,
        ``heldout_rare_tokens`` and ``heldout_entropy``.
    """
    rare_V = rare_types(counts_V)
    scored = likelihood(model, tokenizer, texts, rare_V, visitor, prompts, kept, team)
    return {
        "heldout_nll": scored.nll_nats,
        "heldout_tokens": scored.tokens,
        "heldout_rare_nll": scored.rare_nll_nats,
        "heldout_rare_tokens": scored.rare_tokens,
        "heldout_entropy": scored.entropy_nats,
    }


def text_arrays(
    model: LanguageModel,
    tokenizer: Tokenizer,
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
    /,
    **sets: Continuations,
) -> dict[str, NDArray[np.generic]]:
    """Several sets of texts under one model: ``{set}_nll`` and ``{set}_tokens``, (n,) each."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, (prompts, texts) in sets.items():
        scored = likelihood(model, tokenizer, texts, prompts=prompts, kept=kept, team=team)
        arrays |= {f"{name}_nll": scored.nll_nats, f"{name}_tokens": scored.tokens}
    return arrays


def _batch(
    model: LanguageModel,
    ids_BT: Tensor,
    targets_BT: Tensor,
    rare_V: Tensor,
    visitor: Visitor | None,
) -> tuple[Tensor, Tensor]:
    """By token: loss, 1, loss if rare, rare, entropy (5, N); and the row that it stands in."""
    places = (targets_BT != IGNORED).flatten().nonzero().squeeze(1)
    hidden_Nd = model.hidden_at(ids_BT, places)
    targets_N = targets_BT.flatten()[places]
    values = [
        _chunk(model, hidden_Nd[part], targets_N[part], rare_V, visitor)
        for part in chunks(len(targets_N), model.vocabulary)
    ]
    return torch.cat(values, dim=1), places // ids_BT.shape[1]


def _chunk(
    model: LanguageModel,
    hidden_Nd: Tensor,
    targets_N: Tensor,
    rare_V: Tensor,
    visitor: Visitor | None,
) -> Tensor:
    """The five values of `_batch`, (5, N)."""
    logits_NV = model.logits(hidden_Nd).float()
    if visitor is not None:
        visitor(hidden_Nd, targets_N, logits_NV)
    logp_NV = logits_NV.log_softmax(dim=1)
    loss_N = -logp_NV.gather(1, targets_N[:, None]).squeeze(1)
    entropy_N = -(logp_NV.exp() * logp_NV).nan_to_num(0.0).sum(dim=1)
    rare_N = rare_V[targets_N].float()
    return torch.stack([loss_N, torch.ones_like(loss_N), loss_N * rare_N, rare_N, entropy_N])


def rare_types(counts_V: NDArray[np.int64], share: float = 0.1) -> NDArray[np.bool_]:
    """The rarest token types: `share` of the types that occur at all, ties by id.

    Args:
        counts_V: occurrences of each token type in the human training corpus, (V,).
        share: of the occurring types, a decile by default (docs/metrics.md §5).

    Returns:
        (V,) true for the rare ones; at least one unless no type occurs.
    """
    occurring = np.flatnonzero(counts_V)
    order = occurring[np.argsort(counts_V[occurring], kind="stable")]
    rare = np.zeros(len(counts_V), dtype=np.bool_)
    rare[order[: max(1, round(share * len(order)))]] = True
    return rare
