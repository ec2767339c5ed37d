"""Embeddings kept in a folder under a hash of the encoder and of the texts."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.storage import write_bytes
from palimpsest.embedding.encoder import Encoder, Progress


def encode_cached(
    texts: Sequence[str],
    encoder: Encoder,
    cache_dir: Path,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """`Encoder.encode`, kept in `cache_dir` under a hash of the encoder and of the texts.

    Returns:
        (n, dimensions), float32. A cached file that cannot be read or has another shape is
        written anew.
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
    write_bytes(path, buffer.getvalue())
    return embeddings
