"""A cache whose tensors never move, so that a GPU can replay a step instead of being told it anew.

A step of writing is many small kernels, which a GPU may finish faster than Python starts them. So
there is room for all tokens from the start, the position is a number in a tensor, and one token a
row is read by the same kernels over the same memory whatever the step: a CUDA graph
(`palimpsest.lm.cuda_graph`) holds them. A prompt is read once, outside of it.

Rows that ended keep their place until half of them did: then the cache is packed into fewer rows, a
power of two but not below `FEWEST`, and the step is recorded again. Between two such sizes the
places of ended rows hold copies whose scores nobody sees.

Known gaps: a recording lives as long as its decoder, a batch; without Triton, every step looks at
all positions that the cache has room for; packing copies the cache, also where its size remains.

Legend of shapes: B batch, S time (of the cache), H heads, K key-value heads, E width of a head,
V vocabulary.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from palimpsest.lm.kv_cache import Decoder, Read
from palimpsest.lm.runtime import has_triton

FEWEST = 64
"""Places that are never packed into fewer: a recording is four runs of the step (not measured)."""
ALIGNED = 16
"""The cache has room for a multiple of so many positions: torch's fused attention copies masks of
other lengths first."""

Step = Callable[[], Tensor]
"""Reads fixed tensors, writes fixed tensors, and returns scores."""
Written = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""(query_BH1E, keys_BKSE, values_BKSE, last_1, padding_B) -> mixed_BH1E."""
Record = Callable[[Step, torch.device], Step]
"""Makes of a step one that does the same on that device, without Python in between."""


class StaticDecoder(Decoder):
    """The cache of a batch, allocated once.

    Args:
        read: the model.
        shape: layers, rows, key-value heads, positions at the most, width of a head.
        like: a tensor of the type and on the device of keys and values.
        padding_B: positions at the start of each row that are not read; None: of no row.
        record: what makes a step of one token replayable.
    """

    def __init__(
        self,
        read: Read,
        shape: tuple[int, int, int, int, int],
        like: Tensor,
        padding_B: Tensor | None,
        record: Record,
    ) -> None:
        layers, rows, heads, length, width = shape
        length = -(-length // ALIGNED) * ALIGNED
        own = None if padding_B is None else padding_B.clone()  # it is changed in place
        super().__init__(read, (layers, rows, heads, length, width), like, own, as_products=False)
        self._record = record
        self._ids_B1 = torch.zeros(rows, 1, dtype=torch.long, device=like.device)
        self._time_1 = torch.zeros(1, dtype=torch.long, device=like.device)
        self._replay: Step | None = None
        self._grow(length)

    def step(self, ids_BT: Tensor) -> Tensor:
        """Reads T more tokens in every row and scores the next one, (B, V)."""
        if ids_BT.shape[1] > 1:
            return super().step(self._filled(ids_BT))[: len(ids_BT)]
        self._grow(self._time + 1)
        self._ids_B1.copy_(self._filled(ids_BT))
        self._time_1.fill_(self._time)
        self._time += 1
        if self._replay is None:
            self._replay = self._record(self._read_one, self._ids_B1.device)
        return self._replay()[: len(ids_BT)].clone()  # the next step writes over its scores

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows only (or repeats some of them, as beams do)."""
        before = len(self._ids_B1)
        size = places(len(rows), before)
        filled = F.pad(rows, (0, size - len(rows)))  # with the first row, whatever it is
        if size != before:
            super().reorder(filled)
            self._ids_B1, self._replay = self._ids_B1.new_zeros(size, 1), None
            return
        for kept in (*self._keys, *self._values):
            kept.copy_(kept.index_select(0, filled))
        if self._padding_B is not None:
            self._padding_B.copy_(self._padding_B[filled])

    def _filled(self, ids_BT: Tensor) -> Tensor:
        """Tokens for the places of ended rows, too."""
        return F.pad(ids_BT, (0, 0, 0, len(self._ids_B1) - len(ids_BT)))

    def _grow(self, end: int) -> None:
        """Makes room for positions below `end`: never, unless more is written than announced."""
        if end > self._keys[0].shape[2]:
            super()._grow(end)
            self._replay = None

    def _fused(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Attention of a prompt: without a mask where that says the same, which is faster."""
        if self._padding_B is None and query.shape[2] == keys.shape[2]:
            grouped = keys.shape[1] != query.shape[1]
            return F.scaled_dot_product_attention(
                query, keys, values, is_causal=True, enable_gqa=grouped
            )
        assert mask is not None, "one token is read elsewhere"
        return _masked_attention(query, keys, values, mask)

    def _read_one(self) -> Tensor:
        """Reads the token of each row at the position in the tensor; it may do so again."""
        at_1 = self._time_1
        positions_B1 = at_1.expand(len(self._ids_B1), 1)
        if self._padding_B is not None:
            positions_B1 = (positions_B1 - self._padding_B[:, None]).clamp(min=0)
        written = attention_to_written(at_1.device)
        mask_B11S = None if written else self._mask_of_one()

        def attend(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            keys, values = self._keys[layer], self._values[layer]
            keys.index_copy_(2, at_1, key)
            values.index_copy_(2, at_1, value)
            if written:
                return written(query, keys, values, at_1, self._padding_B)
            assert mask_B11S is not None, "made above"
            return _masked_attention(query, keys, values, mask_B11S)

        return self._read(self._ids_B1, positions_B1, attend)

    def _mask_of_one(self) -> Tensor:
        """What is added to scores, (B or 1, 1, 1, S): nothing where the token may look."""
        at_1, like = self._time_1, self._keys[0]
        times_S = torch.arange(like.shape[2], device=like.device)
        hidden_BS = (times_S > at_1)[None]
        if self._padding_B is not None:
            # a row of padding looks at itself, or its softmax would be empty
            padding_BS = (times_S < self._padding_B[:, None]) & (times_S != at_1)
            hidden_BS = hidden_BS | padding_BS
        mask_BS = torch.zeros(hidden_BS.shape, dtype=like.dtype, device=like.device)
        return mask_BS.masked_fill_(hidden_BS, -torch.inf)[:, None, None]


def attention_to_written(device: torch.device) -> Written | None:
    """The kernel that reads no more than what is written; None where there is none."""
    if not has_triton(device):
        return None
    from palimpsest.lm.decode_kernel import attend_to_written

    return attend_to_written


def _masked_attention(
    query_BHTE: Tensor, key_BKSE: Tensor, value_BKSE: Tensor, mask_B1TS: Tensor
) -> Tensor:
    """Attention with a mask, in which heads that share keys are rows of one.

    On a GPU the fused kernels that take a mask know no shared keys.
    """
    batch, groups, _, width = key_BKSE.shape
    query = query_BHTE.reshape(batch, groups, -1, width)
    mask = mask_B1TS.repeat(1, 1, query_BHTE.shape[1] // groups, 1)
    mixed = F.scaled_dot_product_attention(query, key_BKSE, value_BKSE, attn_mask=mask)
    return mixed.reshape(query_BHTE.shape)


def places(rows: int, before: int) -> int:
    """Rows of the tensors when `rows` go on and there were `before` places."""
    if rows > before:
        return rows
    return min(before, max(FEWEST, 1 << (rows - 1).bit_length()))
