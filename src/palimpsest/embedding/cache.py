"""Embeddings kept in a folder under a hash of the encoder and of the texts."""

import hashlib
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.parameters import EncoderParams
from palimpsest.core.storage import write_bytes
from palimpsest.embedding.encoder import Encoder, Progress


def cache_folder() -> Path:
    """Where embeddings are kept: below the user's cache folder, XDG_CACHE_HOME on Linux."""
    import platformdirs  # no stage asks for it

    return platformdirs.user_cache_path("palimpsest") / "embeddings"


class CachedEncoder:
    """An encoder as a function from n texts to (n, d) embeddings, which are kept in a folder."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder, self._folder = encoder, folder
        self.pieces = encoder.pieces
        """How many pieces its tokenizer cuts each word into."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeds texts."""
        return encode_cached(texts, self._encoder, self._folder)


def cached_encoder(model: str) -> CachedEncoder:
    """An encoder as a function whose embeddings are kept in `cache_folder`.

    Args:
        model: "bundled", a folder or a hub id; it computes in float32, on a GPU if there is one.

    Raises:
        ModelError: see `Encoder.load`.
    """
    params = EncoderParams.of(
        {
            "model": model,
            "revision": None,
            "dtype": "float32",
            "batch_size": 256,
            "max_tokens": 256,
            "device": "auto",
        },
        "encoder",
    )
    return CachedEncoder(Encoder.load(params), cache_folder())


def encode_cached(
    texts: Sequence[str],
    encoder: Encoder,
    cache_dir: Path,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """`Encoder.encode`, kept in `cache_dir` under a hash of the encoder and of the texts.

    Returns:
        (n, dimensions), float32. A cached file that cannot be read or has another shape is
        written anew, if the folder can be written.
    """
    digest = hashlib.sha256(encoder.identity.encode())
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(content)}:".encode() + content)
    path = cache_dir / f"{digest.hexdigest()}.npy"
    shape = (len(texts), encoder.dimensions)
    try:
        cached: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if cached.shape == shape and cached.dtype == np.float32:
            return cached
    except (OSError, ValueError, EOFError):
        pass
    embeddings = encoder.encode(texts, progress)
    buffer = io.BytesIO()
    np.save(buffer, embeddings, allow_pickle=False)
    with suppress(OSError):  # a cache that cannot be written costs time, not the result
        write_bytes(path, buffer.getvalue())
    return embeddings
