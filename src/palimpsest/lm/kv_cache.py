"""Keys and values of what has been written so far, and one step at a time.

The cache grows by whole blocks, so that it takes little more memory than what is written. On a CPU
whose bits may be its own (`palimpsest.lm.products`) attention is two batched products over all of
it: torch multiplies a batch of matrices in bfloat16 fast only where it lies in one piece, and
copies it otherwise. Elsewhere it is torch's fused attention over what is written.

Legend of shapes: B batch, T time (of the new tokens), S time (of the cache), H heads, K key-value
heads, E width of a head, V vocabulary.
"""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from palimpsest.lm.attention import Attend

BLOCK = 32
"""Positions by which a cache grows; two products compute with the unwritten ones for nothing."""


class Read(Protocol):
    """A model that reads tokens and lets somebody else attend."""

    def __call__(self, ids_BT: Tensor, positions_BT: Tensor, attend: Attend) -> Tensor:
        """The scores of the token behind the last, (B, V)."""


class Decoder:
    """The cache of a batch.

    Args:
        read: the model.
        shape: layers, rows, key-value heads, positions at the most, width of a head.
        like: a tensor of the type and on the device of keys and values.
        padding_B: positions at the start of each row that are not read; None: of no row.
        as_products: attention is two products; else torch's fused one.
    """

    def __init__(
        self,
        read: Read,
        shape: tuple[int, int, int, int, int],
        like: Tensor,
        padding_B: Tensor | None,
        as_products: bool,
    ) -> None:
        layers, rows, heads, self._length, width = shape
        self._read, self._padding_B, self._as_products = read, padding_B, as_products
        self._keys, self._values = (
            [like.new_empty(rows, heads, 0, width) for _ in range(layers)] for _ in range(2)
        )
        self._time = 0

    def step(self, ids_BT: Tensor) -> Tensor:
        """Reads T more tokens in every row and scores the next one, (B, V)."""
        start, end = self._time, self._time + ids_BT.shape[1]
        positions_BT = torch.arange(start, end, device=ids_BT.device).expand_as(ids_BT)
        if self._padding_B is not None:
            positions_BT = (positions_BT - self._padding_B[:, None]).clamp(min=0)
        self._grow(end)
        seen = self._keys[0].shape[2] if self._as_products else end
        mask = self._mask(start, end, seen)

        def attend(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            self._keys[layer][:, :, start:end] = key
            self._values[layer][:, :, start:end] = value
            keys, values = self._keys[layer][:, :, :seen], self._values[layer][:, :, :seen]
            if self._as_products:
                return _two_products(query, keys, values, mask)
            return self._fused(query, keys, values, mask)

        self._time = end
        return self._read(ids_BT, positions_BT, attend)

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows only (or repeats some of them, as beams do)."""
        for cache in (self._keys, self._values):
            for layer, kept in enumerate(cache):
                cache[layer] = kept.index_select(0, rows)
        if self._padding_B is not None:
            self._padding_B = self._padding_B[rows]

    def _fused(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Attention by torch's own operator."""
        grouped = keys.shape[1] != query.shape[1]
        return F.scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, enable_gqa=grouped
        )

    def _grow(self, end: int) -> None:
        """Makes room for positions below `end`."""
        room = self._keys[0].shape[2]
        if end <= room:
            return
        more = min(-(-end // BLOCK) * BLOCK, max(end, self._length)) - room
        for cache in (self._keys, self._values):
            for layer, kept in enumerate(cache):
                # zeros: what is not yet written is multiplied by a weight of 0
                cache[layer] = F.pad(kept, (0, 0, 0, more))

    def _mask(self, start: int, end: int, seen: int) -> Tensor | None:
        """(B or 1, 1, T, seen): what each new token may look at; None if everything."""
        if end - start == 1 and end == seen and self._padding_B is None:
            return None
        times = torch.arange(seen, device=self._keys[0].device)
        mask = times[None, :] <= times[start:end, None]
        if self._padding_B is None:
            return mask[None, None]
        real_B1S = times[None, None, :] >= self._padding_B[:, None, None]
        # a row of padding looks at itself, or its softmax would be empty
        own = times[None, :] == times[start:end, None]
        return ((mask[None] & real_B1S) | own[None])[:, None]


def _two_products(
    query_BHTE: Tensor, key_BKSE: Tensor, value_BKSE: Tensor, mask_B1TS: Tensor | None
) -> Tensor:
    """Attention as two batched products; heads that share keys are rows of one product."""
    (batch, heads, time, width), (_, groups, seen, _) = query_BHTE.shape, key_BKSE.shape
    query = query_BHTE.reshape(batch * groups, -1, width) * width**-0.5
    scores = torch.bmm(query, key_BKSE.view(-1, seen, width).transpose(1, 2))
    if mask_B1TS is not None:
        by_head = scores.view(batch, groups, -1, time, seen)
        by_head.masked_fill_(~mask_B1TS[:, :, None], -torch.inf)
    mixed = torch.bmm(scores.softmax(dim=-1), value_BKSE.view(-1, seen, width))
    return mixed.view(batch, heads, time, width)
