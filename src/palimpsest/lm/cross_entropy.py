"""Cross-entropy of next tokens without ever holding all scores of a large vocabulary in float32.

Scores over V types for N tokens are N × V numbers: 400 MB in float32 for a batch of 2,048 tokens
and 49,152 types, and as much again for each step of a softmax. What is needed of them is a number
a token, or the gradient at the hidden state before it. So the tokens are taken a chunk at a time;
below a bound on N × V, which small vocabularies do not reach, there is one chunk, and the result
has the bits that it had without chunks.

A training's chunks are larger, since each of them adds a gradient of the size of the whole output
embedding: its scores stay in the type of the model, and their softmax and gradient are taken in
float32: on a CPU a few tokens at a time, in its cache, on a GPU by `palimpsest.lm.fused_loss`.

Known gap: in bfloat16 the gradient of the output embedding is a sum over chunks, each of them
rounded.
"""

import math
from collections.abc import Iterator
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from palimpsest.lm.fused_loss import backward_fused

MOST_SCORES = 2**24
"""Scores of a chunk at the most: 64 MB in float32."""
MOST_TRAINED = 2**28
"""Bytes that the scores of a chunk of a training take at the most; their gradient takes as much."""
CACHED = 2**19
"""Scores whose softmax a CPU takes at a time: 2 MB in float32, which its cache holds."""


class Head(Protocol):
    """What scores hidden states."""

    @property
    def vocabulary(self) -> int:
        """Number of token types, V."""

    @property
    def linear(self) -> bool:
        """Whether scores are products with the output embedding, and nothing else."""

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary."""

    def unembedding(self) -> Tensor:
        """The output embedding, (V, d)."""


def chunks(tokens: int, vocabulary: int, scores: int | None = None) -> Iterator[slice]:
    """The tokens of a batch in parts of at most so many scores, a token at the least.

    Args:
        tokens: how many, N.
        vocabulary: token types, V.
        scores: of a part at the most; None for `MOST_SCORES`.
    """
    most = max(1, (scores or MOST_SCORES) // vocabulary)
    for begin in range(0, max(tokens, 1), most):
        yield slice(begin, min(tokens, begin + most))


def backward(head: Head, hidden_Nd: Tensor, targets_N: Tensor, divisor: float) -> Tensor:
    """Adds the gradient of a batch's loss to all weights that it depends on.

    Args:
        head: scores the hidden states.
        hidden_Nd: before each token, with the graph that they come from.
        targets_N: the tokens.
        divisor: of the loss, for its gradient alone.

    Returns:
        The summed cross-entropy in nats, not divided, on the device. The gradient of one that is no
        finite number is none either.
    """
    if len(targets_N) * head.vocabulary <= MOST_SCORES:
        loss = F.cross_entropy(head.logits(hidden_Nd).float(), targets_N, reduction="sum")
        (loss / divisor).backward()  # type: ignore[no-untyped-call]
        return loss.detach()
    if head.linear and hidden_Nd.device.type != "cpu":
        return backward_fused(head.unembedding(), hidden_Nd, targets_N, divisor)
    # each chunk goes backwards as far as the hidden states, and its scores are forgotten
    leaf_Nd = hidden_Nd.detach().requires_grad_(True)
    total = torch.zeros((), dtype=torch.float64, device=leaf_Nd.device)
    size = len(targets_N) * head.vocabulary * hidden_Nd.element_size()
    tokens = math.ceil(len(targets_N) / math.ceil(size / MOST_TRAINED))
    one_chunk = _backward_on_cpu if leaf_Nd.device.type == "cpu" else _backward_by_torch
    for part in chunks(len(targets_N), head.vocabulary, tokens * head.vocabulary):
        total += one_chunk(head.logits(leaf_Nd[part]), targets_N[part], divisor)
    hidden_Nd.backward(leaf_Nd.grad)  # type: ignore[no-untyped-call]
    return total


def _backward_by_torch(scores_NV: Tensor, targets_N: Tensor, divisor: float) -> Tensor:
    """Goes backwards from scores by torch's kernels, which pass through all of them three times.

    Softmax and gradient are computed in float32 whatever the type of the scores, and only the
    gradient is rounded to it. On a CPU the float32 numbers do not fit the cache.

    Returns:
        The summed loss in nats.
    """
    logp_NV = F.log_softmax(scores_NV, dim=1, dtype=torch.float32)
    loss = F.nll_loss(logp_NV, targets_N, reduction="sum")
    (loss / divisor).backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def _backward_on_cpu(scores_NV: Tensor, targets_N: Tensor, divisor: float) -> Tensor:
    """The same a few tokens at a time."""
    loss, gradient_NV = _loss_and_gradient(scores_NV.detach(), targets_N, divisor)
    scores_NV.backward(gradient_NV)  # type: ignore[no-untyped-call]
    return loss


def _loss_and_gradient(
    scores_NV: Tensor, targets_N: Tensor, divisor: float
) -> tuple[Tensor, Tensor]:
    """Summed loss in nats, and the gradient of loss / divisor at the scores, in their type."""
    gradient_NV = torch.empty_like(scores_NV)
    losses_N = torch.empty(len(targets_N), device=scores_NV.device)
    for part in chunks(len(targets_N), scores_NV.shape[1], CACHED):
        target_N1 = targets_N[part, None]
        some_NV = scores_NV[part].float()
        shifted_NV = some_NV - some_NV.amax(dim=1, keepdim=True)
        own_N1 = shifted_NV.gather(1, target_N1)
        exponentials_NV = shifted_NV.exp_()
        sum_N1 = exponentials_NV.sum(dim=1, keepdim=True)
        losses_N[part] = (sum_N1.log() - own_N1).squeeze(1)
        shares_NV = exponentials_NV.div_(sum_N1 * divisor)
        shares_NV.scatter_add_(1, target_N1, torch.full_like(own_N1, -1 / divisor))
        gradient_NV[part] = shares_NV
    return losses_N.sum(), gradient_NV
