"""Any other `AutoModelForCausalLM`, through `transformers`, behind the same interface.

Families differ in how they remember what they have read and in what they do to their scores. So
nothing is assumed: scores come from the model's own head, and before anything is written a real
prompt is read twice, as a whole and step by step from the cache, with padding and without. Where
the two are equal the cache writes; where not, every step reads its text again from the start, which
is slower and right.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from palimpsest.core.errors import ModelError
from palimpsest.core.memory import is_shortage
from palimpsest.lm.decoders import CachedDecoder, RereadingDecoder
from palimpsest.lm.model_size import check_size, positions_of, unusable
from palimpsest.lm.weights import Shape, check_loaded

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.1 / 8}
"""Largest difference of two scores that are the same, as a share of the largest score. What sums in
another order differ by, over 50 families: at most 3e-5 and 0.05; a wrong cache: 0.3 and more.
float16, which has three bits more than bfloat16, was not tried on them."""
PROMPT = tuple(range(1, 13))
"""Read at load where there is no real prompt."""


def fetch_model(name: str, revision: str | None = None, cache: Path | None = None) -> Path:
    """The folder of a hub model, downloaded if need be: safetensors, JSON and text only.

    Args:
        name: its id.
        revision: a commit hash, tag or branch; None for the newest.
        cache: where downloads are kept; None for the library's own place.

    Raises:
        ModelError: the hub cannot be reached or has no such model or revision.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    patterns = ["*.safetensors", "*.json", "*.txt", "*.model"]
    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=patterns, cache_dir=cache)
        )
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        at = f" at {revision!r}" if revision else ""
        lines = [line.removeprefix("Got: ") for line in str(error).splitlines() if line.strip()]
        raise ModelError(
            "model.source",
            wanted="a folder or a hub id that can be fetched",
            got=f"{name!r}{at} ({lines[0] if lines else type(error).__name__})",
            hint="offline: model.source: scratch, or a folder with safetensors",
        ) from error


class HubModel:
    """A model of `transformers`; see `palimpsest.lm.checkpoint.LanguageModel` for the interface."""

    def __init__(self, model: Any, prompt: Sequence[int] = PROMPT) -> None:
        self.model, self.prompt = model, prompt
        self.config: dict[str, Any] = model.config.to_dict()
        self.config.pop("_name_or_path", None)  # a path of this machine
        self.context = positions_of(model.config) or 2048
        self.head = _head(model)

    @classmethod
    def load(
        cls,
        folder: Path,
        dtype: torch.dtype,
        device: torch.device,
        shapes: Mapping[str, Shape],
        prompt: Sequence[int] = (),
    ) -> "HubModel":
        """The model of a local folder; code that comes with a model is never run.

        Args:
            folder: with config.json and safetensors weights.
            dtype: what it computes in.
            device: where.
            shapes: of the weights in the files, by name.
            prompt: real token ids to try it on.

        Raises:
            ModelError: it cannot be loaded, or its scores are not its head's over its hidden state.
        """
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        _check_config(folder, shapes)
        try:
            model, report = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as error:  # whatever a family's code raises
            raise unusable(folder, error) from error
        check_loaded(folder, report["missing_keys"], model.named_parameters())
        if getattr(model.config, "rescale_every", 0):
            # RWKV divides weights in place for float16: what is saved would be others
            model.config.rescale_every = 0
        return cls.held(model.to(device).eval(), prompt, str(folder))

    @classmethod
    def held(cls, model: Any, prompt: Sequence[int], what: str) -> "HubModel":
        """A model that is in memory already, tried on a real prompt before it is believed.

        Args:
            model: an `AutoModelForCausalLM` that does not train; it is not copied or changed.
            prompt: real token ids to try it on.
            what: what it is called in an error.

        Raises:
            ModelError: it has no head, or its scores are not its head's over its hidden state.
        """
        try:
            new, embedding = cls(model), model.get_output_embeddings()
        except Exception as error:  # whatever a family's code raises
            raise unusable(what, error) from error
        if getattr(embedding, "weight", None) is None:
            raise unusable(what, "a model without an output embedding")
        rows = int(embedding.weight.shape[0])
        known = [token for token in prompt if token < rows] or [token % rows for token in PROMPT]
        new.prompt = known[: new.context]
        new._check(what)
        return new

    def _check(self, what: str) -> None:
        """Holds the head's scores against those of the model as a whole, on real tokens."""
        ids_1T = torch.tensor([self.prompt], device=self.device)
        try:
            with torch.inference_mode():
                wanted = self.model(ids_1T, use_cache=False).logits
                hidden = self.hidden(ids_1T)
                got = self.logits(hidden.flatten(0, 1)).view_as(wanted)
        except Exception as error:  # whatever a family's code raises
            raise unusable(what, error) from error
        if not _same(got, wanted) or hidden.shape[-1] != self.unembedding().shape[1]:
            raise unusable(what, "scores that are not its head's over its last hidden state")

    @cached_property
    def cached(self) -> bool:
        """Whether the cache may be used without padding; tried where something is to be written."""
        return self._cache_agrees(padding=False)

    @cached_property
    def cached_padding(self) -> bool:
        """Whether the cache may be used with padding."""
        return self.cached and self._cache_agrees(padding=True)

    def _cache_agrees(self, padding: bool) -> bool:
        """Whether prompt, steps, and a change of rows in the cache score as the whole does."""
        ids_1T = torch.tensor([self.prompt], device=self.device)
        width = ids_1T.shape[1]
        first, gap = max(1, width // 2), width // 4 if padding else 0
        shifted = ids_1T[:, : width - gap]
        short = torch.cat([ids_1T[:, :1].expand(1, gap), shifted], dim=1)
        rows = torch.cat([ids_1T, short])
        gaps = torch.tensor([0, gap], device=ids_1T.device) if padding else None
        try:
            with torch.inference_mode():
                decoder = CachedDecoder(self.model, gaps)
                got = [decoder.step(rows[:, :first])[1]]
                got.append(decoder.step(rows[:, first : first + 1])[1])
                decoder.reorder(torch.tensor([1], device=ids_1T.device))
                got += [decoder.step(rows[1:, at : at + 1])[0] for at in range(first + 1, width)]
                whole = self.model(shifted, use_cache=False).logits[0]
        except Exception as error:  # a cache that this family does not have
            if is_shortage(error):
                raise
            return False
        return _same(torch.stack(got), whole[first - gap - 1 :])

    linear = False  # a head may scale and cap

    @property
    def vocabulary(self) -> int:
        """Number of token types, V."""
        return int(self.unembedding().shape[0])

    @property
    def dtype(self) -> torch.dtype:
        """The type that it computes in."""
        return self.unembedding().dtype

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.unembedding().device

    def to(self, dtype: torch.dtype, device: torch.device) -> "HubModel":
        """A copy in another type or on another device."""
        model = copy.deepcopy(self.model).to(device)
        saved = model.state_dict().keys()
        with torch.no_grad():
            for weight in model.parameters():
                weight.data = weight.data.to(dtype)
            # tables that are not saved (rotary angles) stay exact, as where they are loaded
            for name, buffer in model.named_buffers():
                if name in saved and buffer.is_floating_point():
                    buffer.data = buffer.data.to(dtype)
        return HubModel(model, self.prompt)

    def parameters(self) -> dict[str, Tensor]:
        """The weights by name, tied ones once."""
        return dict(self.model.named_parameters())

    def save_weights(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Writes weights in the given type, persistent buffers in float32, by their names there."""
        same = self.dtype == dtype == torch.float32
        whole = self if same else self.to(torch.float32, self.device)
        if not same:
            for weight in whole.model.parameters():  # buffers may count, or be tables
                weight.data = weight.data.to(dtype)
        whole.model.save_pretrained(str(folder), max_shard_size="1000GB")
        (folder / "generation_config.json").unlink(missing_ok=True)

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """Final hidden states after the last norm, (B, T, d)."""
        hidden: Tensor = self.model.base_model(ids_BT, use_cache=False).last_hidden_state
        return hidden

    def hidden_at(self, ids_BT: Tensor, places_N: Tensor) -> Tensor:
        """Those at some places of the flattened (B, T), (N, d)."""
        return self.hidden(ids_BT).flatten(0, 1).index_select(0, places_N)

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary, by the model's own head: scaled and capped as it does."""
        scores: Tensor = self.head(inputs_embeds=hidden_Nd[None], use_cache=False).logits[0]
        return scores

    def unembedding(self) -> Tensor:
        """The output embedding, (V, d)."""
        rows: Tensor = self.model.get_output_embeddings().weight
        return rows

    def decoder(
        self, batch: int, length: int, padding_B: Tensor | None = None
    ) -> "CachedDecoder | RereadingDecoder":
        """A cache for writing, or what does without one."""
        if self.cached if padding_B is None else self.cached_padding:
            return CachedDecoder(self.model, padding_B)
        return RereadingDecoder(self, padding_B)


class _Given(nn.Module):
    """In place of a model's body: what it is given is what it has computed."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        object.__setattr__(self, "_body", body)  # no submodule: its weights are the model's

    def forward(self, *args: Any, inputs_embeds: Tensor, **others: Any) -> "_Output":
        return _Output(inputs_embeds)

    def __getattr__(self, name: str) -> Any:
        value = getattr(object.__getattribute__(self, "_body"), name)
        return _Given(value) if name == "decoder" else value  # OPT's head calls that one


class _Output:
    """The output of a body, of which only the hidden state is there."""

    def __init__(self, hidden: Tensor) -> None:
        self.last_hidden_state = hidden

    def __getitem__(self, place: Any) -> Any:
        return self.last_hidden_state if place == 0 else ()

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _head(model: Any) -> Any:
    """The model without its body: from hidden states to scores, whatever it does on the way."""
    head = copy.copy(model)
    head._modules = {**model._modules, model.base_model_prefix: _Given(model.base_model)}
    return head


def _same(got: Tensor, wanted: Tensor) -> bool:
    """Whether two arrays of scores are the same up to rounding."""
    if got.shape != wanted.shape:
        return False
    most = TOLERANCE.get(wanted.dtype, 1e-3) * float(wanted.abs().max())
    return bool((got.float() - wanted.float()).abs().max() <= most)


def _check_config(folder: Path, shapes: Mapping[str, Shape]) -> None:
    """Refuses a config.json that asks for more than the files hold, before it is given memory."""
    try:
        config = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # whatever a family's code raises
        raise unusable(folder, error) from error
    check_size(config, shapes, folder / "config.json", folder)
