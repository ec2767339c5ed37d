"""Writing with a model of `transformers`: from its cache, or reading the text again at every step.

`palimpsest.lm.hub` tries the cache and decides.
"""

import inspect
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache


class Reader(Protocol):
    """What reading again needs of a model."""

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """Final hidden states, (B, T, d); padding goes on the right."""

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary."""


class CachedDecoder:
    """The cache of `transformers` behind `palimpsest.lm.checkpoint.Decoder`."""

    def __init__(self, model: Any, padding_B: Tensor | None) -> None:
        self.model, self.padding_B = model, padding_B
        self.known = inspect.signature(self.model.forward).parameters
        config = self.model.config.get_text_config(decoder=True)
        self.cache = DynamicCache(config=config)
        self.time = 0

    def step(self, ids_BT: Tensor) -> Tensor:
        """Reads T more tokens a row and returns the scores of the next one, (B, V)."""
        batch, length = ids_BT.shape
        end = self.time + length
        times = torch.arange(end, device=ids_BT.device).expand(batch, end)
        padding = self.padding_B if self.padding_B is not None else times.new_zeros(batch)
        given: dict[str, Any] = {
            "attention_mask": (times >= padding[:, None]).long(),
            "position_ids": (times[:, self.time :] - padding[:, None]).clamp(min=0),
        }
        name = "cache_params" if "cache_params" in self.known else "past_key_values"
        if name not in self.known:
            raise NotImplementedError("a cache of another kind")
        given[name] = self.cache
        if name == "cache_params" and self.time:
            given["attention_mask"] = None  # a state holds nothing of the padding
        given["logits_to_keep"] = 1  # of a prompt's scores, those of its last token
        out = self.model(
            ids_BT, use_cache=True, **{key: given[key] for key in given if key in self.known}
        )
        self.time = end
        scores: Tensor = out.logits[:, -1]
        return scores

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows, in this order."""
        self.cache.reorder_cache(rows)
        if self.padding_B is not None:
            self.padding_B = self.padding_B[rows]


class RereadingDecoder:
    """Reads every text again from its start at each step: right for every causal model."""

    def __init__(self, model: Reader, padding_B: Tensor | None) -> None:
        self.model, self.padding_B = model, padding_B
        self.ids_BT: Tensor | None = None

    def step(self, ids_BT: Tensor) -> Tensor:
        """Reads T more tokens a row and returns the scores of the next one, (B, V)."""
        whole = ids_BT if self.ids_BT is None else torch.cat([self.ids_BT, ids_BT], dim=1)
        self.ids_BT = whole
        batch, width = whole.shape
        gap = whole.new_zeros(batch) if self.padding_B is None else self.padding_B
        # padding goes to the right, where a causal model does not see it
        places = torch.arange(width, device=whole.device) + gap[:, None]
        hidden = self.model.hidden(whole.gather(1, places.clamp(max=width - 1)))
        last = torch.arange(batch, device=whole.device), width - 1 - gap
        return self.model.logits(hidden[last])

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows, in this order."""
        assert self.ids_BT is not None, "nothing was read yet"
        self.ids_BT = self.ids_BT[rows]
        if self.padding_B is not None:
            self.padding_B = self.padding_B[rows]
