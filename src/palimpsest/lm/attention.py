"""Attention of whole rows, as training and scoring take it: causal, with or without padding.

Legend of shapes: B batch, T time, H heads, K key-value heads, E width of a head; N places of
(B, T) that are read, of the flattened batch.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

FULL = 32
"""Rows are filled up to a multiple of so many tokens: a softmax in bfloat16 takes 2.2 ms for rows
of 128 numbers, and 5.1 for rows of 125."""

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, query_BHTE, key_BKTE, value_BKTE) -> mixed_BHTE."""


def causal(time: int, dtype: torch.dtype, device: torch.device) -> Attend:
    """Attention of each token to itself and those before it.

    Args:
        time: tokens in a row, T.
        dtype: of the states.
        device: where they are.
    """
    future_TT = None
    if device.type == "cpu" and dtype == torch.bfloat16:
        at = torch.arange(time, device=device)
        future_TT = ((at[None, :] > at[:, None]) * torch.finfo(dtype).min).to(dtype)

    def attend(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if future_TT is not None:
            return _short_attention(query, key, value, future_TT)
        grouped = key.shape[1] != query.shape[1]
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=grouped)

    return attend


class Unpadded:
    """The tokens of padded rows end to end, N of them, and the attention inside each row.

    All else in a layer takes each token for itself, and so need not see padding. For attention
    alone the rows are filled up again.

    Args:
        shape: (B, T) of the padded rows.
        places_N: of the flattened rows, on a CPU, ascending; behind the last one in a row there is
            padding, which is not read.
    """

    def __init__(self, shape: tuple[int, ...], places_N: Tensor) -> None:
        self.batch, time = shape
        rows, columns = places_N // time, places_N % time
        lengths_B = columns.new_zeros(self.batch).scatter_reduce(0, rows, columns + 1, "amax")
        read_BT = torch.arange(time) < lengths_B[:, None]
        row_N, self.positions_N = read_BT.nonzero(as_tuple=True)
        self.read_N = row_N * time + self.positions_N
        """(N,) places of the flattened rows that are read."""
        self.width = -(-time // FULL) * FULL
        self._filled_N = row_N * self.width + self.positions_N

    def attention(self, dtype: torch.dtype) -> Attend:
        """`causal` attention of (1, H, N, E)."""
        attend = causal(self.width, dtype, torch.device("cpu"))

        def attend_read(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            filled = (self._fill(states) for states in (query, key, value))
            mixed_BTHE = attend(layer, *filled).transpose(1, 2)
            mixed_NHE = mixed_BTHE.flatten(0, 1).index_select(0, self._filled_N)
            return mixed_NHE.transpose(0, 1)[None]

        return attend_read

    def _fill(self, states_1HNE: Tensor) -> Tensor:
        """(B, H, width, E), zeros where nothing is read."""
        states_NHE = states_1HNE[0].transpose(0, 1)
        empty = states_NHE.new_zeros(self.batch * self.width, *states_NHE.shape[1:])
        filled = empty.index_copy(0, self._filled_N, states_NHE)
        return filled.view(self.batch, self.width, *states_NHE.shape[1:]).transpose(1, 2)


def _short_attention(query: Tensor, key: Tensor, value: Tensor, mask_TT: Tensor) -> Tensor:
    """Attention as two products, for bfloat16 on a CPU.

    torch's fused kernel is slow there (measured with 2.13, 32 x 4 heads of width 32: 62 ms forward
    and backward at T = 44 and 24 ms at T = 128; this one 2.0 and 4.4 ms).
    """
    batch, heads, time, width = query.shape
    if key.shape[1] != heads:
        repeats = heads // key.shape[1]
        key, value = (part.repeat_interleave(repeats, dim=1) for part in (key, value))
    rows = (batch * heads, time, width)
    query, key, value = (part.reshape(rows) for part in (query, key, value))
    scores = torch.baddbmm(
        mask_TT.expand(rows[0], time, time), query, key.transpose(1, 2), alpha=width**-0.5
    )
    return torch.bmm(scores.softmax(dim=-1), value).view(batch, heads, time, width)
