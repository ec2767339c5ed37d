"""Any encoder that sentence-transformers reads: a folder or a hub id, with its own pooling.

Weights are safetensors; no code of a folder or of the hub runs.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import ModelError, written_out
from palimpsest.core.named_paths import path_of
from palimpsest.core.parameters import EncoderParams
from palimpsest.core.storage import read_json
from palimpsest.embedding.encoder import (
    BUNDLED,
    Encoder,
    check_max_tokens,
    device_of,
    identity_of,
)

if TYPE_CHECKING:
    import torch

OFFLINE_CHOICES = f"without a network: {BUNDLED!r} or the path of a folder"


class SentenceEncoder(Encoder):
    """An encoder of sentence-transformers; see `Encoder.load`."""

    def __init__(self, params: EncoderParams) -> None:
        import torch

        device = device_of(params)
        source, offline = _resolve(params)
        with _quiet_transformers():
            from sentence_transformers import SentenceTransformer

            try:
                self.model = SentenceTransformer(
                    source,
                    revision=params.revision,
                    device=device,
                    trust_remote_code=False,
                    local_files_only=offline,
                    model_kwargs={
                        "use_safetensors": True,
                        "dtype": getattr(torch, params.dtype),
                    },
                )
            except Exception as error:  # whatever the library makes of a bad folder
                raise _unusable(params, offline, error) from error
        limit = _position_limit(self.model)
        if limit is not None:
            check_max_tokens(params, limit)
        self.model.max_seq_length = params.max_tokens
        dimensions = self.model.encode(["a"], show_progress_bar=False).shape[1]
        vocabulary = json.dumps(self.model.tokenizer.get_vocab(), sort_keys=True)
        identity = identity_of(params, _state_hash(self.model), str(self.model), vocabulary)
        super().__init__(params, dimensions, identity)

    def pieces(self, words: Sequence[str]) -> NDArray[np.int64]:
        """See `Encoder.pieces`."""
        tokenizer, counts = self.model.tokenizer, np.zeros(len(words), dtype=np.int64)
        for at, word in enumerate(words):
            ids = tokenizer.encode(word, add_special_tokens=False)
            counts[at] = -1 if tokenizer.unk_token_id in ids else len(ids)
        return counts

    def _encode_batches(
        self, texts: list[str], first: int
    ) -> Iterator[tuple[list[str], "torch.Tensor"]]:
        by_length = sorted(texts, key=len)
        size = self.params.batch_size
        for start in range(first * size, len(by_length), size):
            batch = by_length[start : start + size]
            yield (
                batch,
                self.model.encode(
                    batch,
                    batch_size=len(batch),
                    show_progress_bar=False,
                    convert_to_tensor=True,
                ),
            )


def _resolve(params: EncoderParams) -> tuple[str, bool]:
    """(where to load from, whether the network is to be left alone)."""
    folder = path_of("embed.encoder.model", params.model)
    if folder.is_dir():
        if not any(folder.rglob("*.safetensors")):
            raise ModelError(
                f"embed.encoder.model {params.model}",
                wanted="a folder with a .safetensors file",
                got="none in it",
            )
        _check_folder(folder)
        return str(folder), True
    if params.model.startswith((".", "/", "~")) or params.model.count("/") > 1:
        raise ModelError(
            "embed.encoder.model",
            wanted=f"{BUNDLED!r}, a folder or a hub id",
            got=f"{params.model!r} (no such folder)",
        )
    return params.model, not _reachable(params.model)


def _check_folder(folder: Path) -> None:
    """Makes sure that reading an encoder's folder runs no code of it and loads no pickle.

    sentence-transformers before 6 imports whatever class a local folder's modules.json names.

    Raises:
        ModelError: a module that is not the library's, or weights in a pickle alone.
    """
    listed = folder / "modules.json"
    modules = read_json(listed) if listed.exists() else []
    entries = modules if isinstance(modules, list) else [None]
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or not kind.startswith("sentence_transformers."):
            wanted = "modules of sentence_transformers"
            raise ModelError(str(listed), wanted=wanted, got=written_out(kind or modules))
    for pickled in folder.rglob("pytorch_model.bin"):
        if not pickled.with_name("model.safetensors").exists():
            raise ModelError(str(pickled), wanted="model.safetensors", got="a pickle alone")


def _reachable(model: str) -> bool:
    """Asks the hub once: the libraries themselves retry for over a minute without a network."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(model, timeout=10)
    except HfHubHTTPError:
        return True  # an answer, if a bad one: the library says what is wrong
    except Exception:  # the HTTP library's own errors: which one depends on the hub's version
        return False
    return True


def _unusable(params: EncoderParams, offline: bool, error: Exception) -> ModelError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        "embed.encoder.model",
        wanted="an encoder that can be loaded",
        got=f"{params.model!r} ({reason})",
        hint=OFFLINE_CHOICES if offline else None,
    )


def _position_limit(model: Any) -> int | None:
    """Positions that the transformer has, None where it does not say."""
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    limit = getattr(config, "max_position_embeddings", None)
    return int(limit) if isinstance(limit, int) and limit > 0 else None


def _state_hash(model: Any) -> str:
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(content.numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """No loading bars or advice from the libraries while a model is read."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
