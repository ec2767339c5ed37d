"""Texts become sentence embeddings: float32, unit length, the same whatever their order.

The bundled encoder is `palimpsest.embedding.minilm`, which starts in a fifth of the time of
sentence-transformers; any other encoder goes through sentence-transformers. Each distinct text is
encoded once, so equal texts have equal embeddings, bit for bit. What the other texts are moves an
embedding by rounding only (bundled: 2e-7 a coordinate in float32, 7e-4 in bfloat16).
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.compute import device_among
from palimpsest.core.errors import ModelError
from palimpsest.core.memory import shortage_names
from palimpsest.core.parameters import EncoderParams
from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, digest
from palimpsest.core.team import ALONE, Team
from palimpsest.embedding.alike import all_alike

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int], None]

BUNDLED = "bundled"
READ = {
    "revision": None,
    "dtype": "float32",
    "batch_size": 256,
    "max_tokens": 256,
}
"""How an encoder reads that is given by its name alone."""
PROBE = ("The city lies by the sea.", "Two and two are four.")
"""What any encoder tells apart."""


class Encoder(ABC):
    """A sentence encoder on its device; `Encoder.load` makes one."""

    def __init__(
        self, params: EncoderParams, dimensions: int, identity: str, device: str = "cpu"
    ) -> None:
        self.params = params
        self.device = device
        """Where it runs: ``cpu``, ``cuda`` or ``cuda:1``."""
        self.dimensions = dimensions
        """Columns of an embedding."""
        self.identity = identity
        """SHA-256 of all that determines an embedding: weights, tokenizer, dtype, cut."""
        self.notes: tuple[str, ...] = ()
        """What the encoder lacks and does otherwise, a sentence each."""

    @staticmethod
    def load(
        params: EncoderParams,
        cut_to_limit: bool = False,
        onednn: bool = False,
        device: str = "auto",
    ) -> "Encoder":
        """Reads the weights (safetensors only, never code from a repository).

        Args:
            params: which encoder, and how it reads.
            cut_to_limit: whether an encoder of fewer positions than ``max_tokens`` reads as many
                as it has, with a note; otherwise it is an error.
            onednn: whether the bundled encoder may take oneDNN's products, which are faster and
                have other bits; see `palimpsest.embedding.minilm`.
            device: where it runs: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or
                ``cuda:1``.

        Raises:
            ModelError: the bundled weights are missing or are not the published ones; no such
                folder; no safetensors in it; a hub id without a network; no GPU; ``max_tokens``
                above the limit.
        """
        if params.model == BUNDLED:
            return _Bundled(params, onednn, device)
        from palimpsest.embedding.sentence_encoder import SentenceEncoder

        return SentenceEncoder(params, cut_to_limit, device)

    def encode(
        self,
        texts: Sequence[str],
        progress: Progress | None = None,
        kept: Checkpoints = NOTHING_KEPT,
        team: Team = ALONE,
    ) -> NDArray[np.float32]:
        """Embeds texts.

        Args:
            texts: any strings, the empty one included (it is the embedding of no words).
            progress: called with (texts done, texts in all) after each batch; a repeated text
                counts once. Of several processes, the others are taken to be as far as this one.
            kept: where finished batches are kept; what is there is not computed again.
            team: who computes; each process a part of the batches.

        Returns:
            (n, dimensions), float32, each row of length 1, in the order of the texts. Reordering
            the texts reorders the rows and changes no bit of them.

        Raises:
            ModelError: embeddings that are not numbers; or all are one, and those of two plain
                sentences too.
            MemoryShortage: memory has run out; names what takes less.
        """
        with shortage_names("embed.encoder", self.params):
            distinct, rows = self._encode_distinct(texts, progress, kept, team)
        bad = int((~np.isfinite(distinct).all(axis=1)).sum())
        if bad:
            got = f"NaN or infinity for {bad} of {len(rows)} distinct texts"
            raise ModelError("embed.encoder.model", wanted="embeddings of finite numbers", got=got)
        if all_alike(distinct, self.params.dtype):
            probe, _ = self._encode_distinct(PROBE)
            if all_alike(probe, self.params.dtype):
                wanted = "an encoder that tells texts apart"
                got = f"one embedding for {len(rows)} distinct texts, and for {PROBE}"
                raise ModelError("embed.encoder.model", wanted=wanted, got=got)
        return distinct[[rows[text] for text in texts]]

    def _encode_distinct(
        self,
        texts: Sequence[str],
        progress: Progress | None = None,
        kept: Checkpoints = NOTHING_KEPT,
        team: Team = ALONE,
    ) -> tuple[NDArray[np.float32], dict[str, int]]:
        """Embeddings of the distinct texts, and the row of each."""
        import torch

        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        distinct = np.empty((len(rows), self.dimensions), dtype=np.float32)

        def key() -> str:
            on_gpu = self.device != "cpu"
            device = torch.cuda.get_device_name(self.device) if on_gpu else "cpu"
            facts = [device, torch.get_num_threads(), self.params.batch_size, self.dimensions]
            return digest("encode", self.identity, facts, [*rows])

        task = kept.task("encode", "batch", key)
        done = [*task.state.get("rows", np.empty(0, dtype=np.int64)).tolist()]
        distinct[done] = task.state.get("embeddings", distinct[done])

        def state() -> Arrays:
            return {"rows": np.array(done), "embeddings": distinct[done]}

        with torch.inference_mode():
            chosen = slice(team.rank + task.done * team.size, None, team.size)
            batches = self._encode_batches(sorted(rows), chosen)
            for number, (batch, embeddings) in enumerate(batches, task.done + 1):
                unit = torch.nn.functional.normalize(embeddings.float(), dim=1)
                places = [rows[text] for text in batch]
                distinct[places] = unit.cpu().numpy()
                done.extend(places)
                task.keep(number, state)
                if progress is not None:
                    progress(min(len(done) * team.size, len(rows)), len(rows))
        for places, part in team.gathered((done, distinct[done])):
            distinct[places] = part
        return distinct, rows

    def doubts(self, texts: Sequence[str], embeddings: NDArray[np.float32]) -> list[str]:
        """A warning where texts that differ have one embedding, as if little of each were read.

        Args:
            texts: n texts.
            embeddings: theirs, (n, d).
        """
        distinct = len(set(texts))
        if distinct < 2 or not all_alike(embeddings, self.params.dtype):
            return []
        return [
            f"the encoder gives {distinct} distinct texts one embedding (it reads at most "
            f"{self.params.max_tokens} tokens of each): no number that rests on embeddings holds"
        ]

    @abstractmethod
    def pieces(self, words: Sequence[str]) -> NDArray[np.int64]:
        """How many pieces the tokenizer cuts each word into, (n,); −1 where it lacks one."""

    @abstractmethod
    def _encode_batches(
        self, texts: list[str], chosen: slice
    ) -> Iterator[tuple[list[str], "torch.Tensor"]]:
        """Yields (texts of a batch, their embeddings (b, d)) for the chosen batches of all.

        The texts come in sorted order.
        """


class _Bundled(Encoder):
    """all-MiniLM-L6-v2."""

    def __init__(self, params: EncoderParams, onednn: bool, device: str) -> None:
        import torch

        from palimpsest.embedding.minilm import SHA256, MiniLM

        dtype, place = getattr(torch, params.dtype), device_of(device)
        self.model = MiniLM(dtype, place, params.max_tokens, onednn)
        check_max_tokens(params, self.model.position_limit)
        bits = ("oneDNN",) if self.model.onednn else ()
        identity = identity_of(params, SHA256, self.model.vocabulary, *bits)
        super().__init__(params, self.model.dimensions, identity, place)

    def pieces(self, words: Sequence[str]) -> NDArray[np.int64]:
        """See `Encoder.pieces`."""
        return self.model.pieces(words)

    def _encode_batches(
        self, texts: list[str], chosen: slice
    ) -> Iterator[tuple[list[str], "torch.Tensor"]]:
        yield from self.model.batches(texts, self.params.batch_size, chosen)


def named_encoder(model: str, section: str) -> EncoderParams:
    """The parameters of an encoder that is given by its name alone.

    It computes in float32, on a GPU if there is one, and reads at most 256 tokens of a text.

    Args:
        model: "bundled", a folder or a hub id.
        section: what an error calls them.
    """
    return EncoderParams.of({"model": model, **READ}, section)


def device_of(device: str) -> str:
    """Where an encoder runs that is to run on a device; ModelError for a GPU that is not there."""
    import torch

    gpus = max(torch.cuda.device_count(), 1) if torch.cuda.is_available() else 0
    return device_among(device, gpus)


def check_max_tokens(params: EncoderParams, limit: int) -> None:
    """Refuses (ModelError) to read more of a text than the encoder can."""
    if params.max_tokens > limit:
        raise ModelError(
            "embed.encoder.max_tokens",
            wanted=f"<= {limit}, the limit of {params.model!r}",
            got=params.max_tokens,
        )


def identity_of(params: EncoderParams, *parts: str) -> str:
    """SHA-256 of all that determines an embedding."""
    digest = hashlib.sha256(f"{params.dtype}/{params.max_tokens}".encode())
    for part in parts:
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()
