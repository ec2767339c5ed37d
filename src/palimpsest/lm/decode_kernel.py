"""Attention of one new token a row on a GPU, in Triton's language: import it on a GPU alone.

torch's own operators read all positions that a cache has room for, and choose kernels that are made
for many tokens: half of the time of writing with GPT-2 small (measured on an H200, 1,024 rows).
This one reads what is written, in one pass. The number of positions is read on the GPU, so that a
CUDA graph that holds it may be replayed at the next position.

Legend of shapes: B rows, H heads, K key-value heads, S positions, E width of a head.
"""

import torch
import triton
from torch import Tensor
from triton import language as tl

POSITIONS = 32
"""Positions that are read at a time."""


@triton.jit
def attention_of_one(  # type: ignore[no-untyped-def]
    queries,
    keys,
    values,
    mixed,
    last,
    padding,
    heads: tl.constexpr,
    groups: tl.constexpr,
    room: tl.constexpr,
    width: tl.constexpr,
    WIDTH: tl.constexpr,
    POSITIONS: tl.constexpr,
):
    """One program a row and head; the softmax goes along (Milakov & Gimelshein 2018).

    Args:
        queries: (B, H, E).
        keys: (B, K, S, E).
        values: (B, K, S, E).
        mixed: (B, H, E), written.
        last: one int64: the position of the new token, the last one that is read.
        padding: (B,) int64: positions at the start of a row that are not read; or None.
        heads: H.
        groups: K.
        room: S.
        width: E.
        WIDTH: E or the next power of two.
        POSITIONS: read at a time.
    """
    program = tl.program_id(0).to(tl.int64)
    row = program // heads
    shared = (row * groups + program % heads // (heads // groups)) * room * width
    end = tl.load(last) + 1
    start = end * 0
    if padding is not None:
        start = tl.minimum(tl.load(padding + row), end - 1)  # a row of padding looks at itself
    e = tl.arange(0, WIDTH)
    query = tl.load(queries + program * width + e, mask=e < width, other=0.0).to(tl.float32)
    query *= width**-0.5
    top, total, sum_E = -float("inf"), 0.0, tl.zeros([WIDTH], dtype=tl.float32)
    for begin in range(start // POSITIONS * POSITIONS, end, POSITIONS):
        s = begin + tl.arange(0, POSITIONS)
        there = (s >= start) & (s < end)
        at = shared + s[:, None] * width + e[None, :]
        read = there[:, None]
        if width < WIDTH:  # else loads of several numbers at once
            read = read & (e < width)[None, :]
        key = tl.load(keys + at, mask=read, other=0.0).to(tl.float32)
        score = tl.where(there, tl.sum(key * query[None, :], axis=1), -float("inf"))
        higher = tl.maximum(top, tl.max(score))
        share, fade = tl.exp(score - higher), tl.exp(top - higher)
        value = tl.load(values + at, mask=read, other=0.0).to(tl.float32)
        sum_E = sum_E * fade + tl.sum(value * share[:, None], axis=0)
        total = total * fade + tl.sum(share)
        top = higher
    made = (sum_E / total).to(mixed.dtype.element_ty)
    tl.store(mixed + program * width + e, made, mask=e < width)


def attend_to_written(
    query_BH1E: Tensor,
    keys_BKSE: Tensor,
    values_BKSE: Tensor,
    last_1: Tensor,
    padding_B: Tensor | None,
) -> Tensor:
    """Attention of one token a row to all positions up to its own, (B, H, 1, E).

    Args:
        query_BH1E: of the new token.
        keys_BKSE: contiguous, the new token's among them.
        values_BKSE: likewise.
        last_1: the new token's position, int64, on the GPU.
        padding_B: positions at the start of each row that are not read, int64; None: of no row.
    """
    batch, heads, _, width = query_BH1E.shape
    groups, room = keys_BKSE.shape[1:3]
    query = query_BH1E.contiguous()
    mixed = torch.empty_like(query)
    tensors = query, keys_BKSE, values_BKSE, mixed, last_1, padding_B
    sizes = heads, groups, room, width, triton.next_power_of_2(width), POSITIONS
    with torch.cuda.device(query.device):
        attention_of_one[(batch * heads,)](*tensors, *sizes, num_warps=2)
    return mixed
