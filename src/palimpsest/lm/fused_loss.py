"""Loss and gradient of an output embedding's scores on a GPU, as three products and one kernel.

Fast kernels for products in bfloat16 want rows whose number is a multiple of eight: GPT-2's 50,257
token types take three times as long as 50,304 would (measured on an H200: 64 ms of a step of 136).
So the output embedding is filled up with rows that no token has. Scores are turned into their own
gradient in place by a kernel that reads them twice and writes them once, where torch's own
operators pass over them seven times, in float32 (measured: 24 ms of the same step).

The kernel is written for Triton, which comes with torch's builds for CUDA; without it, and on a
CPU, torch's operators do the same.

Known gap: in bfloat16 the gradient of the output embedding is a sum over chunks, each of them
rounded.

Legend of shapes: N tokens, d model width, V token types, P the same filled up.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from palimpsest.lm.runtime import has_triton

ALIGNED = 64
"""Rows of the output embedding come in multiples of so many."""
MOST_BYTES = 2**30
"""What the scores of a chunk take at the most: 10,600 tokens of 50,304 types in bfloat16."""
BLOCK = 4096
"""Scores that the kernel holds at a time."""

Chunk = Callable[[Tensor, Tensor, int, float], Tensor]
"""(scores_NP, targets_N, V, divisor) -> losses_N in nats; the scores become their gradient."""


def padded_rows(rows_Vd: Tensor) -> Tensor:
    """The same rows and behind them zeros, (P, d): a copy, unless nothing is missing."""
    return F.pad(rows_Vd, (0, 0, 0, -len(rows_Vd) % ALIGNED))


def backward_fused(rows_Vd: Tensor, hidden_Nd: Tensor, targets_N: Tensor, divisor: float) -> Tensor:
    """Adds the gradient of a batch's loss to all weights that it depends on.

    Args:
        rows_Vd: the output embedding, a leaf that wants a gradient; scores are products with it and
            nothing else.
        hidden_Nd: before each token, with the graph that they come from.
        targets_N: the tokens.
        divisor: of the loss, for its gradient alone.

    Returns:
        The summed cross-entropy in nats, float64, not divided. The gradient of one that is no
        finite number is none either.
    """
    states_Nd, vocabulary = hidden_Nd.detach(), len(rows_Vd)
    rows_Pd = padded_rows(rows_Vd.detach())
    chunk = triton_chunk if has_triton(rows_Pd.device) else torch_chunk
    of_states_Nd, of_rows_Pd = torch.empty_like(states_Nd), torch.zeros_like(rows_Pd)
    losses_N = torch.empty(len(targets_N), device=rows_Pd.device)
    size = max(1, MOST_BYTES // (len(rows_Pd) * rows_Pd.element_size()))
    for begin in range(0, len(targets_N), size):
        part = slice(begin, begin + size)
        scores_NP = states_Nd[part] @ rows_Pd.t()
        losses_N[part] = chunk(scores_NP, targets_N[part], vocabulary, divisor)
        torch.mm(scores_NP, rows_Pd, out=of_states_Nd[part])
        of_rows_Pd.addmm_(scores_NP.t(), states_Nd[part])
    gradient_Vd = of_rows_Pd[:vocabulary]
    rows_Vd.grad = gradient_Vd if rows_Vd.grad is None else rows_Vd.grad + gradient_Vd
    hidden_Nd.backward(of_states_Nd)  # type: ignore[no-untyped-call]
    return losses_N.double().sum()


def torch_chunk(scores_NP: Tensor, targets_N: Tensor, vocabulary: int, divisor: float) -> Tensor:
    """`Chunk` by torch's operators, in float32 whatever the type of the scores."""
    logp_NV = F.log_softmax(scores_NP[:, :vocabulary].float(), dim=1)
    target_N1 = targets_N[:, None]
    losses_N = -logp_NV.gather(1, target_N1).squeeze(1)
    shares_NV = logp_NV.exp_()
    shares_NV.scatter_add_(1, target_N1, torch.full_like(losses_N, -1.0)[:, None])
    scores_NP[:, :vocabulary] = shares_NV.div_(divisor)
    scores_NP[:, vocabulary:] = 0
    return losses_N


def triton_chunk(scores_NP: Tensor, targets_N: Tensor, vocabulary: int, divisor: float) -> Tensor:
    """`Chunk` as one kernel, on a GPU with Triton."""
    from palimpsest.lm.softmax_kernel import softmax_gradient

    tokens, width = scores_NP.shape
    losses_N = torch.empty(tokens, device=scores_NP.device)
    sizes = 1 / divisor, vocabulary, width, BLOCK
    with torch.cuda.device(scores_NP.device):
        softmax_gradient[(tokens,)](scores_NP, targets_N, losses_N, *sizes, num_warps=8)
    return losses_N
