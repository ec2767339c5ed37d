"""Any other `AutoModelForCausalLM`, through `transformers`, behind the same interface."""

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, DynamicCache

from palimpsest.core.errors import ModelError


def fetch_model(name: str, cache: Path | None = None) -> Path:
    """The folder of a hub model, downloaded if need be: safetensors and JSON only.

    Raises:
        ModelError: the hub cannot be reached or has no such model.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    patterns = ["*.safetensors", "*.json", "*.txt", "*.model"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns, cache_dir=cache))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        lines = [line.removeprefix("Got: ") for line in str(error).splitlines() if line.strip()]
        raise ModelError(
            "model.source",
            wanted="a folder or a hub id that can be fetched",
            got=f"{name!r} ({lines[0] if lines else type(error).__name__})",
            hint="offline: model.source: scratch, or a folder with safetensors",
        ) from error


class HubModel:
    """A model of `transformers`; see `palimpsest.lm.checkpoint.LanguageModel` for the interface."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.config: dict[str, Any] = model.config.to_dict()
        self.config.pop("_name_or_path", None)  # a path of this machine
        limit = getattr(model.config, "max_position_embeddings", None)
        self.context = int(limit or getattr(model.config, "n_positions", 0) or 2048)

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype, device: torch.device) -> "HubModel":
        """The model of a local folder; code that comes with a model is never run."""
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        try:
            model, report = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(str(folder), wanted="a causal language model", got=reason) from error
        if report["missing_keys"]:
            # transformers would fill them with random numbers, others at every start
            missing = ", ".join(sorted(report["missing_keys"]))
            raise ModelError(str(folder), wanted=f"weights for {missing}", got="none")
        loaded = cls(model.to(device).eval())
        loaded._check(folder)
        return loaded

    def _check(self, folder: Path) -> None:
        """The output embedding over the last hidden state must be what the model computes."""
        ids = torch.arange(4, device=self.device)[None]
        with torch.inference_mode():
            wanted, got = self.model(ids).logits, self.logits(self.hidden(ids))
        if not torch.allclose(wanted.float(), got.float(), atol=1e-2, rtol=1e-2):
            raise ModelError(
                str(folder),
                wanted="a model whose scores are its output embedding times its hidden state",
                got=self.config.get("model_type"),
            )

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
        import copy

        return HubModel(copy.deepcopy(self.model).to(device, dtype))

    def parameters(self) -> dict[str, Tensor]:
        """The weights by name, tied ones once."""
        return dict(self.model.named_parameters())

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """Final hidden states after the last norm, (B, T, d)."""
        hidden: Tensor = self.model.base_model(ids_BT, use_cache=False).last_hidden_state
        return hidden

    def logits(self, hidden_Nd: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        scores: Tensor = self.model.get_output_embeddings()(hidden_Nd)
        return scores

    def unembedding(self) -> Tensor:
        """The output embedding, (V, d)."""
        rows: Tensor = self.model.get_output_embeddings().weight
        return rows

    def decoder(self, batch: int, length: int, padding_B: Tensor | None = None) -> "HubDecoder":
        """A cache for writing."""
        return HubDecoder(self, padding_B)


class HubDecoder:
    """The cache of `transformers` behind `palimpsest.lm.checkpoint.Decoder`."""

    def __init__(self, model: HubModel, padding_B: Tensor | None) -> None:
        self.model, self.padding_B = model, padding_B
        self.cache = DynamicCache()
        self.time = 0

    def step(self, ids_BT: Tensor) -> Tensor:
        """Reads T more tokens a row and returns the scores of the next one, (B, V)."""
        batch, length = ids_BT.shape
        end = self.time + length
        times = torch.arange(end, device=ids_BT.device).expand(batch, end)
        padding = self.padding_B if self.padding_B is not None else times.new_zeros(batch)
        positions = (times[:, self.time :] - padding[:, None]).clamp(min=0)
        out = self.model.model(
            ids_BT,
            attention_mask=(times >= padding[:, None]).long(),
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.time = end
        scores: Tensor = out.logits[:, -1]
        return scores

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows, in this order."""
        self.cache.reorder_cache(rows)
        if self.padding_B is not None:
            self.padding_B = self.padding_B[rows]
