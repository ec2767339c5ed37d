"""Any encoder that sentence-transformers reads: a folder or a hub id, with its own pooling.

Weights are safetensors; no code of a folder or of the hub runs.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import ModelError, written_out
from palimpsest.core.memory import is_shortage
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

log = logging.getLogger(__name__)

OFFLINE_CHOICES = f"without a network: {BUNDLED!r} or the path of a folder"


class SentenceEncoder(Encoder):
    """An encoder of sentence-transformers; see `Encoder.load`."""

    def __init__(
        self, params: EncoderParams, cut_to_limit: bool = False, device: str = "auto"
    ) -> None:
        place = device_of(device)
        model, offline = _loaded(params, place)
        notes = []
        limit = _position_limit(model)
        if limit is not None and cut_to_limit and params.max_tokens > limit:
            notes.append(f"the encoder has {limit} positions: it reads {limit} tokens of a text")
            params = params.changed(max_tokens=limit)
        if limit is not None:
            check_max_tokens(params, limit)
        try:
            _cut_at(model, params.max_tokens)
            padding = _given_padding(model.tokenizer)
            dimensions = model.encode(["a"], show_progress_bar=False).shape[1]
            blank = _blank(model)
            vocabulary = json.dumps(model.tokenizer.get_vocab(), sort_keys=True)
        except Exception as error:  # modules of any kind, each with errors of its own
            raise _unusable(params, offline, error) from error
        if padding is not None:
            notes.append(f"the encoder has no padding token: {padding!r} fills short texts up")
        if blank is not None:
            notes.append(f"the encoder reads nothing in an empty text: {blank!r} stands for it")
        identity = identity_of(params, _state_hash(model), str(model), vocabulary)
        super().__init__(params, dimensions, identity, place)
        self.model, self.blank, self.notes = model, blank, tuple(notes)

    def pieces(self, words: Sequence[str]) -> NDArray[np.int64]:
        """See `Encoder.pieces`."""
        tokenizer, counts = self.model.tokenizer, np.zeros(len(words), dtype=np.int64)
        unknown = getattr(tokenizer, "unk_token_id", None)
        for at, word in enumerate(words):
            cut = tokenizer.encode(word, add_special_tokens=False)
            ids = getattr(
                cut, "ids", cut
            )  # a table of word vectors has a tokenizer of another kind
            counts[at] = -1 if unknown in ids else len(ids)
        return counts

    def _encode_batches(
        self, texts: list[str], chosen: slice
    ) -> Iterator[tuple[list[str], "torch.Tensor"]]:
        by_length = sorted(texts, key=len)
        size = self.params.batch_size
        for start in range(0, len(by_length), size)[chosen]:
            batch = by_length[start : start + size]
            options = {"batch_size": len(batch), "show_progress_bar": False}
            read = [self.blank or text if not text.strip() else text for text in batch]
            try:
                embeddings = self.model.encode(read, convert_to_tensor=True, **options)
            except Exception as error:  # a token without a row, for example
                raise _unusable(self.params, False, error, "reads its texts") from error
            yield batch, embeddings


def _loaded(params: EncoderParams, device: str) -> tuple[Any, bool]:
    """(the library's encoder, whether the network was left alone)."""
    import torch

    source, offline = _resolve(params)
    with _quiet_transformers():
        from sentence_transformers import SentenceTransformer

        options = {"use_safetensors": True, "dtype": getattr(torch, params.dtype)}
        try:
            model = SentenceTransformer(
                source,
                revision=params.revision,
                device=device,
                trust_remote_code=False,
                local_files_only=offline,
                model_kwargs=options,
            )
        except Exception as error:  # whatever the library makes of a bad folder
            raise _unusable(params, offline, error) from error
    return model, offline


def _cut_at(model: Any, tokens: int) -> None:
    """Makes an encoder read so many tokens of a text."""
    try:
        model.max_seq_length = tokens
    except AttributeError:  # a table of word vectors reads texts of any length
        model.tokenizer.enable_truncation(tokens)


def _given_padding(tokenizer: Any) -> str | None:
    """Gives a tokenizer a padding token if it has none, and says which.

    Any will do, for the attention mask hides it: GPT-2 and its kin never learned one.
    """
    if getattr(tokenizer, "pad_token", "none is needed") is not None:
        return None
    token: str = tokenizer.eos_token or tokenizer.unk_token or _first_token(tokenizer)
    tokenizer.pad_token = token
    return token


def _blank(model: Any) -> str | None:
    """What an encoder reads in place of blank texts; None where it can read them.

    Without a start token there is nothing to read: an error, or a vector without a direction.
    """
    try:
        if model.encode([""], show_progress_bar=False).any():
            return None
    except Exception as error:  # of whatever layer comes first
        if is_shortage(error):
            raise
        log.debug("an empty text: %s", error)
    return getattr(model.tokenizer, "pad_token", None) or _first_token(model.tokenizer)


def _first_token(tokenizer: Any) -> str:
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return min(vocabulary, key=vocabulary.__getitem__)


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


def _unusable(
    params: EncoderParams, offline: bool, error: Exception, does: str = "can be loaded"
) -> ModelError:
    if is_shortage(error):
        raise error
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        "embed.encoder.model",
        wanted=f"an encoder that {does}",
        got=f"{params.model!r} ({reason})",
        hint=OFFLINE_CHOICES if offline else None,
    )


def _position_limit(model: Any) -> int | None:
    """Tokens that the transformer has positions for, None where it does not say."""
    transformer = getattr(model[0], "auto_model", None)
    config = getattr(transformer, "config", None)
    if transformer is None or config is None:
        return None
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None
    # RoBERTa and its kin number positions from behind that of the padding
    reserved = [
        module.padding_idx + 1
        for name, module in transformer.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return limit - max(reserved, default=0)


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
