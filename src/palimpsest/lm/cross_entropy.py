"""Cross-entropy of next tokens without ever holding all scores of a large vocabulary.

Scores over V types for N tokens are N × V numbers: 400 MB in float32 for a batch of 2,048 tokens
and 49,152 types, and as much again for each step of a softmax. What is needed of them is a number
a token, or the gradient at the hidden state before it. So the tokens are taken a chunk at a time;
below a bound on N × V, which small vocabularies do not reach, there is one chunk, and the result
has the bits that it had without chunks.

Known gap: in bfloat16 the gradient of the output embedding is a sum over chunks, each of them
rounded.
"""

from collections.abc import Iterator
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

MOST_SCORES = 2**24
"""Scores of a chunk at the most: 64 MB in float32."""


class Head(Protocol):
    """What scores hidden states."""

    @property
    def vocabulary(self) -> int:
        """Number of token types, V."""

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary."""


def chunks(tokens: int, vocabulary: int) -> Iterator[slice]:
    """The tokens of a batch in parts of at most `MOST_SCORES` scores, a token at the least.

    Args:
        tokens: how many, N.
        vocabulary: token types, V.
    """
    most = max(1, MOST_SCORES // vocabulary)
    for begin in range(0, max(tokens, 1), most):
        yield slice(begin, min(tokens, begin + most))


def backward(head: Head, hidden_Nd: Tensor, targets_N: Tensor, divisor: float) -> float:
    """Adds the gradient of a batch's loss to all weights that it depends on.

    Args:
        head: scores the hidden states.
        hidden_Nd: before each token, with the graph that they come from.
        targets_N: the tokens.
        divisor: of the loss, for its gradient alone.

    Returns:
        The summed cross-entropy in nats, not divided. The gradient of one that is no finite number
        is none either.
    """
    parts = list(chunks(len(targets_N), head.vocabulary))
    if len(parts) == 1:
        loss = _loss(head, hidden_Nd, targets_N)
        (loss / divisor).backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())
    # each chunk goes backwards as far as the hidden states, and its scores are forgotten
    leaf_Nd, total = hidden_Nd.detach().requires_grad_(True), 0.0
    for part in parts:
        loss = _loss(head, leaf_Nd[part], targets_N[part])
        (loss / divisor).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    hidden_Nd.backward(leaf_Nd.grad)  # type: ignore[no-untyped-call]
    return total


def _loss(head: Head, hidden_Nd: Tensor, targets_N: Tensor) -> Tensor:
    return F.cross_entropy(head.logits(hidden_Nd).float(), targets_N, reduction="sum")
