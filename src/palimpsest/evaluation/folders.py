"""What the stages before left in folders, read for the evaluation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.core import storage
from palimpsest.core.errors import MetricError
from palimpsest.core.parameters import ScoreParams
from palimpsest.core.provenance import Artifact
from palimpsest.corpus.ledger import read_ledger
from palimpsest.corpus.world.parser import Parser
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.scorecard import Generation
from palimpsest.evaluation.training import curve_columns, unigram_perplexity
from palimpsest.metrics.family import Facts, Reference
from palimpsest.metrics.likelihood import scored


@dataclass(frozen=True)
class Folders:
    """Where the inputs of a generation's scorecard lie."""

    human: Path
    """The human corpus."""
    texts: Path
    """The generation's texts."""
    previous: Path
    """Those of the generation before."""
    first_texts: Path
    """Those of generation 0."""
    embeddings: Path
    """The generation's arrays."""
    first: Path
    """Those of generation 0."""


def read_generation(folders: Folders, number: int) -> Generation:
    """Everything that is known of generation `number`."""
    return Generation(
        number=number,
        texts=storage.read_texts(folders.texts / "texts.jsonl"),
        embeddings=storage.read_embeddings(folders.embeddings / "embeddings.npy"),
        previous=storage.read_texts(folders.previous / "texts.jsonl") if number else None,
        heldout=storage.read_texts(folders.human / "heldout.jsonl"),
        witness=storage.read_rows(folders.texts / "witness.jsonl"),
        arrays=storage.read_arrays(folders.embeddings / "likelihood.npz"),
        first_arrays=storage.read_arrays(folders.first / "likelihood.npz"),
        classes=storage.read_arrays(folders.embeddings / "class_statistics.npz"),
        probe=storage.read_arrays(folders.embeddings / "probe.npz"),
    )


def read_human_side(folders: Folders, params: ScoreParams, seed: int) -> HumanSide | None:
    """The fit sample and the null samples; None where the corpus has no pool for them."""
    texts = storage.read_texts(folders.human / "null.jsonl")
    if not texts:
        return None
    arrays = storage.read_arrays(folders.first / "likelihood.npz")
    embeddings = storage.read_embeddings(folders.first / "null.npy")
    pool = Texts(texts, embeddings, scored(arrays["null_nll"], arrays["null_tokens"]))
    size = len(storage.read_texts(folders.texts / "texts.jsonl"))
    return human_side(pool, size, params.null_samples, seed, "corpus.null_pool")


def read_reference(folders: Folders, side: HumanSide | None, params: ScoreParams) -> Reference:
    """What the generation is held against: the human side, or generation 0 where there is none."""
    first = storage.read_embeddings(folders.first / "embeddings.npy")
    training = storage.read_texts(folders.human / "train.jsonl")
    ledger = read_ledger(folders.human)
    facts = None if ledger is None else Facts(Parser(ledger).parse, ledger.frequencies())
    if side is None:
        texts = Texts(storage.read_texts(folders.first_texts / "texts.jsonl"), first, None)
        side = HumanSide(texts, [], 1.0)
    return side.reference(training, facts, params.lam, params.words, first)


def read_training(folders: Folders) -> dict[str, Any]:
    """How the generation's model was trained: the content of training.json.

    Returns:
        ``unigram_perplexity``, see `palimpsest.evaluation.training`, and ``curve``, the columns of
        the training curve by name; None where the embeddings were made without one.
    """
    counts = np.load(folders.human / "token_counts.npy")
    curve = folders.embeddings / "curve.csv"
    return {
        "unigram_perplexity": unigram_perplexity(counts),
        "curve": curve_columns(curve.read_text()) if curve.exists() else None,
    }


def check_same_encoder(embeddings: Artifact, of_first: Artifact) -> None:
    """Makes sure that one encoder read this generation and generation 0.

    Raises:
        MetricError: another one did, or a folder does not say which.
    """
    own, first = (one.provenance.get("encoder") for one in (embeddings, of_first))
    if own is None or own != first:
        raise MetricError(
            f"{embeddings.path}: encoder",
            wanted=f"that of generation 0 ({str(first)[:12]})",
            got="none named" if own is None else str(own)[:12],
            hint="embed both with the same encoder: dvc repro",
        )
