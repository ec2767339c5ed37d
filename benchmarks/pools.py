"""Many texts of one kind with embeddings and likelihoods, for benchmarks that draw samples.

A pool is named by where its texts come from: ``world`` (fresh documents of params.yaml's world),
``gNN`` (24,000 documents of that generation's model, sampled as params.yaml says), or a file of
texts (.jsonl, .txt and so on, documents of at least 100 characters). The first two need the default
chain: ``dvc repro``. Pools are kept under build/pools.
"""

import argparse
import re
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.parameters import FilesParams, Parameters
from palimpsest.core.rng import stream, uniforms
from palimpsest.core.storage import new_folder, read_texts, write_texts
from palimpsest.corpus.ledger import read_ledger
from palimpsest.corpus.loaders import load_human
from palimpsest.corpus.world.generator import World
from palimpsest.corpus.world.parser import Parser
from palimpsest.embedding.encoder import Encoder
from palimpsest.evaluation.human import Texts
from palimpsest.metrics.family import Facts, Sample
from palimpsest.metrics.likelihood import Scored, Written, scored

SIZE = 24_000
"""Texts in a pool at the most."""
ROUND = 1000
"""Documents that a model writes side by side."""
FOLDER = Path("build/pools")
GENERATION = re.compile(r"g\d\d+")


@dataclass(frozen=True)
class Pool:
    """Texts in random order, with everything that samples of them need."""

    name: str
    human: Texts
    """The texts; their likelihoods are those under the judge."""
    own: Scored | None
    """Under the model that wrote them, if one did."""

    @property
    def of_world(self) -> bool:
        """Whether the world's ledger tells what is true in it."""
        return self.name == "world" or bool(GENERATION.fullmatch(self.name))

    @cached_property
    def facts(self) -> Facts | None:
        """The world's ledger."""
        ledger = read_ledger(Path("data/human")) if self.of_world else None
        return None if ledger is None else Facts(Parser(ledger).parse, ledger.frequencies())

    @cached_property
    def training(self) -> list[str]:
        """The human training corpus; for texts of a file, the last 1,000 of them."""
        return (
            read_texts(Path("data/human/train.jsonl"))
            if self.of_world
            else self.human.texts[-1000:]
        )

    @property
    def size(self) -> int:
        """Texts that samples may be drawn from."""
        return len(self.human.texts) - (0 if self.of_world else 1000)

    def sample(self, rows: NDArray[np.int64], previous: NDArray[np.int64] | None = None) -> Sample:
        """Some of its texts, and others as those of the generation before."""
        chosen = self.human.at(rows)
        own = self.own and Scored(self.own.nll_nats[rows], self.own.tokens[rows])
        before = None if previous is None else list(self.human.at(previous).texts)
        return Sample(chosen.texts, chosen.embeddings, Written(chosen.scored, own), before)


def parser(purpose: str | None) -> argparse.ArgumentParser:
    """The command line of a benchmark on pools."""
    new = argparse.ArgumentParser(description=(purpose or "").splitlines()[0])
    new.add_argument("pools", nargs="+", help="world, gNN or files of texts")
    new.add_argument("--judge", type=Path, default=Path("models/g00"), help="reads the texts")
    new.add_argument("--docs", type=Path, default=Path("docs"), help="folder of metrics.md")
    return new


def pool(name: str, judge: Path = Path("models/g00")) -> Pool:
    """A pool by its name, made if need be.

    Args:
        name: ``world``, ``gNN`` or a file.
        judge: folder of the model that reads the texts.
    """
    folder = FOLDER / Path(name).stem
    if not folder.exists():
        _make(name, judge, folder)
    arrays = dict(np.load(folder / "arrays.npz"))
    texts = read_texts(folder / "texts.jsonl")
    likelihood = scored(arrays["nll"], arrays["tokens"])
    own = scored(arrays["own_nll"], arrays["own_tokens"]) if "own_nll" in arrays else None
    return Pool(Path(name).stem, Texts(texts, arrays["embeddings"], likelihood), own)


def _make(name: str, judge: Path, folder: Path) -> None:
    from palimpsest.lm.checkpoint import load_model_and_tokenizer
    from palimpsest.lm.generation import generate
    from palimpsest.lm.scoring import text_arrays

    parameters = Parameters.load(Path("params.yaml"))
    author = None
    if name == "world":
        world = World(parameters.corpus.world, parameters.seed_of("corpus"))
        # a stretch of documents that no chain's corpus reaches
        texts = list(dict.fromkeys(world.documents(SIZE + SIZE // 8, 777)))[:SIZE]
    elif GENERATION.fullmatch(name):
        author = load_model_and_tokenizer(Path("models") / name)
        texts = []
        for at in range(SIZE // ROUND):
            noise = partial(uniforms, 1000 + at, "generate", int(name[1:]))
            new = generate(*author, [[]] * ROUND, parameters.generate, noise)
            texts += author[1].decode(new)
    else:
        source = FilesParams(
            paths=(name,), text_field="text", txt_unit="paragraph", min_chars=100, max_chars=None
        )
        documents = list(dict.fromkeys(load_human(source).documents))
        order = stream(0, "pools").permutation(len(documents))[:SIZE]
        texts = [documents[row] for row in order]
    arrays = {"embeddings": Encoder.load(parameters.embed.encoder).encode(texts)}
    alone = [""] * len(texts), texts
    read = text_arrays(*load_model_and_tokenizer(judge), human=alone)
    arrays |= {"nll": read["human_nll"], "tokens": read["human_tokens"]}
    if author is not None:
        read = text_arrays(*author, own=alone)
        arrays |= read
    with new_folder(folder) as new_one:
        write_texts(new_one / "texts.jsonl", texts)
        np.savez(new_one / "arrays.npz", **arrays)
