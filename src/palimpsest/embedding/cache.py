"""Embeddings kept in a folder under a hash of the encoder and of the texts.

A cache saves time and decides nothing: what cannot be read back whole is computed and written anew,
and a folder that cannot be written is given up with a warning. Known gap: nothing is ever deleted.
"""

import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import PalimpsestError
from palimpsest.core.storage import read_arrays, write_bytes
from palimpsest.embedding.encoder import Encoder, Progress, named_encoder

Warn = Callable[[str], None]
"""Takes a sentence that a user must see."""


def cache_folder() -> Path | None:
    """Where embeddings are kept: below the user's cache folder, XDG_CACHE_HOME on Linux.

    None for a user without a home.
    """
    import platformdirs  # no stage asks for it

    folder = platformdirs.user_cache_path("palimpsest") / "embeddings"
    return folder if folder.is_absolute() else None


class CachedEncoder:
    """An encoder as a function that remembers, in a folder, what it has embedded.

    Args:
        encoder: asked for what is not there.
        folder: made when the first embeddings are written; None keeps nothing.
        warn: called once, with a sentence, if the folder takes nothing; from then on it is only
            read.
        progress: see `Encoder.encode`.
    """

    def __init__(
        self, encoder: Encoder, folder: Path | None, warn: Warn, progress: Progress | None = None
    ) -> None:
        self._encoder, self._folder, self._warn = encoder, folder, warn
        self._progress, self._writes = progress, True
        self.pieces = encoder.pieces
        """How many pieces its tokenizer cuts each word into."""
        self.identity = encoder.identity
        """Hash of all that determines an embedding."""
        self.notes = encoder.notes
        """What it lacks and does otherwise, a sentence each."""
        if folder is None:
            self._give_up("there is no home folder")

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeds n texts, from the folder where they are there.

        Returns:
            (n, dimensions), float32. A file that is damaged (each has a checksum) or holds another
            shape is replaced.
        """
        if self._folder is None:
            return self._encoder.encode(texts, self._progress)
        path = self._folder / f"{self._digest(texts)}.npz"
        kept = _read(path, (len(texts), self._encoder.dimensions))
        if kept is not None:
            return kept
        embeddings = self._encoder.encode(texts, self._progress)
        if self._writes:
            buffer = io.BytesIO()
            np.savez(buffer, embeddings=embeddings)  # a zip file has a checksum of what it holds
            try:
                write_bytes(path, buffer.getvalue())
            except OSError as error:  # not ours to write, full, a file in a folder's place
                self._give_up(f"{self._folder} cannot be written ({error.strerror or error})")
        return embeddings

    def _give_up(self, why: str) -> None:
        self._writes = False
        self._warn(f"embeddings are not kept for the next time: {why}")

    def _digest(self, texts: Sequence[str]) -> str:
        digest = hashlib.sha256(self._encoder.identity.encode())
        for text in texts:
            content = text.encode("utf-8", "surrogatepass")
            digest.update(f"{len(content)}:".encode() + content)
        return digest.hexdigest()


def cached_encoder(
    model: str, warn: Warn = warnings.warn, progress: Progress | None = None
) -> CachedEncoder:
    """An encoder as a function whose embeddings are kept in `cache_folder`.

    Args:
        model: see `palimpsest.embedding.encoder.named_encoder`; one of fewer positions than 256
            reads as many tokens as it has.
        warn: see `CachedEncoder`.
        progress: see `Encoder.encode`.

    Raises:
        ModelError: see `Encoder.load`.
    """
    params = named_encoder(model, "encoder")
    encoder = Encoder.load(params, cut_to_limit=True, onednn=True)
    return CachedEncoder(encoder, cache_folder(), warn, progress)


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """The embeddings of a file; None where it is not there, damaged, or of another shape."""
    try:
        kept = read_arrays(path).get("embeddings")
    except PalimpsestError:
        return None
    if kept is None or kept.shape != shape or kept.dtype != np.float32:
        return None
    return kept
