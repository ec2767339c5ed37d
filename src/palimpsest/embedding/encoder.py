"""Texts become sentence embeddings: float32, unit length, the same whatever their order.

The bundled encoder is `palimpsest.embedding.minilm`, which starts in a fifth of the time of
sentence-transformers; any other encoder goes through sentence-transformers. Each distinct text is
encoded once, so equal texts have equal embeddings, bit for bit. What the other texts are moves an
embedding by rounding only (bundled: 2e-7 a coordinate in float32, 7e-4 in bfloat16).
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import ModelError
from palimpsest.core.parameters import EncoderParams
from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, digest

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int], None]

BUNDLED = "bundled"
OFFLINE_CHOICES = f"without a network: {BUNDLED!r} or the path of a folder"


class Encoder(ABC):
    """A sentence encoder on its device; `Encoder.load` makes one."""

    def __init__(self, params: EncoderParams, dimensions: int, identity: str) -> None:
        self.params = params
        self.dimensions = dimensions
        """Columns of an embedding."""
        self.identity = identity
        """SHA-256 of all that determines an embedding: weights, tokenizer, dtype, cut."""

    @staticmethod
    def load(params: EncoderParams) -> "Encoder":
        """Reads the weights (safetensors only, never code from a repository).

        Raises:
            ModelError: the bundled weights are missing or are not the published ones; no such
                folder; no safetensors in it; a hub id without a network; no GPU.
        """
        if params.model == BUNDLED:
            return _Bundled(params)
        return _SentenceTransformer(params)

    def encode(
        self,
        texts: Sequence[str],
        progress: Progress | None = None,
        kept: Checkpoints = NOTHING_KEPT,
    ) -> NDArray[np.float32]:
        """Embeds texts.

        Args:
            texts: any strings, the empty one included (it is the embedding of no words).
            progress: called with (texts done, texts in all) after each batch; a repeated text
                counts once.
            kept: where finished batches are kept; what is there is not computed again.

        Returns:
            (n, dimensions), float32, each row of length 1, in the order of the texts. Reordering
            the texts reorders the rows and changes no bit of them.
        """
        import torch

        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        distinct = np.empty((len(rows), self.dimensions), dtype=np.float32)

        def key() -> str:
            device = torch.cuda.get_device_name() if _device(self.params) == "cuda" else "cpu"
            facts = [device, torch.get_num_threads(), self.params.batch_size, self.dimensions]
            return digest("encode", self.identity, facts, [*rows])

        task = kept.task("encode", "batch", key)
        done = [*task.state.get("rows", np.empty(0, dtype=np.int64)).tolist()]
        distinct[done] = task.state.get("embeddings", distinct[done])

        def state() -> Arrays:
            return {"rows": np.array(done), "embeddings": distinct[done]}

        with torch.inference_mode():
            batches = self._encode_batches(sorted(rows), task.done)
            for number, (batch, embeddings) in enumerate(batches, task.done + 1):
                unit = torch.nn.functional.normalize(embeddings.float(), dim=1)
                places = [rows[text] for text in batch]
                distinct[places] = unit.cpu().numpy()
                done.extend(places)
                task.keep(number, state)
                if progress is not None:
                    progress(len(done), len(rows))
        return distinct[[rows[text] for text in texts]]

    @abstractmethod
    def _encode_batches(
        self, texts: list[str], first: int
    ) -> Iterator[tuple[list[str], "torch.Tensor"]]:
        """Yields (texts of a batch, their embeddings (b, d)) from batch number `first` on.

        The texts come in sorted order.
        """


class _Bundled(Encoder):
    """all-MiniLM-L6-v2."""

    def __init__(self, params: EncoderParams) -> None:
        import torch

        from palimpsest.embedding.minilm import SHA256, MiniLM

        self.model = MiniLM(getattr(torch, params.dtype), _device(params), params.max_tokens)
        _check_max_tokens(params, self.model.position_limit)
        identity = _identity(params, SHA256, self.model.vocabulary)
        super().__init__(params, self.model.dimensions, identity)

    def _encode_batches(
        self, texts: list[str], first: int
    ) -> Iterator[tuple[list[str], "torch.Tensor"]]:
        yield from self.model.batches(texts, self.params.batch_size, first)


class _SentenceTransformer(Encoder):
    """Any other encoder: a folder or a hub id, with its own pooling."""

    def __init__(self, params: EncoderParams) -> None:
        import torch

        device = _device(params)
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
            _check_max_tokens(params, limit)
        self.model.max_seq_length = params.max_tokens
        dimensions = self.model.encode(["a"], show_progress_bar=False).shape[1]
        vocabulary = json.dumps(self.model.tokenizer.get_vocab(), sort_keys=True)
        identity = _identity(params, _state_hash(self.model), str(self.model), vocabulary)
        super().__init__(params, dimensions, identity)

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


def _device(params: EncoderParams) -> str:
    import torch

    if params.device == "cpu" or (params.device == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if not torch.cuda.is_available():
        raise ModelError("embed.encoder.device", wanted="a GPU for 'cuda'", got="none")
    return "cuda"


def _check_max_tokens(params: EncoderParams, limit: int) -> None:
    if params.max_tokens > limit:
        raise ModelError(
            "embed.encoder.max_tokens",
            wanted=f"<= {limit}, the limit of {params.model!r}",
            got=params.max_tokens,
        )


def _identity(params: EncoderParams, *parts: str) -> str:
    digest = hashlib.sha256(f"{params.dtype}/{params.max_tokens}".encode())
    for part in parts:
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()


def _resolve(params: EncoderParams) -> tuple[str, bool]:
    """(where to load from, whether the network is to be left alone)."""
    folder = Path(params.model).expanduser()
    if folder.is_dir():
        if not any(folder.rglob("*.safetensors")):
            raise ModelError(
                f"embed.encoder.model {params.model}",
                wanted="a folder with a .safetensors file",
                got="none in it",
            )
        return str(folder), True
    if params.model.startswith((".", "/", "~")) or params.model.count("/") > 1:
        raise ModelError(
            "embed.encoder.model",
            wanted=f"{BUNDLED!r}, a folder or a hub id",
            got=f"{params.model!r} (no such folder)",
        )
    return params.model, not _reachable(params.model)


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
