"""Generation 0: the human corpus, dealt into parts, and the first model.

Writes the human folder (train, heldout, null and reserve texts; the ledger of facts if the corpus
has one; token counts), generation 0's texts (a human sample of the size that every generation
writes) and training set, and the first model with its tokenizer.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from palimpsest.artifacts import new_folder, write_provenance, write_texts
from palimpsest.corpus.split import split_documents
from palimpsest.lm.model import (
    LanguageModel,
    ModelParams,
    load_pair,
    save_model,
    scratch_model,
)
from palimpsest.lm.tokens import Tokens, load_tokens, train_tokens
from palimpsest.params import Params, Range, load
from palimpsest.randomness import stream
from stages import command

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CorpusParams(Params):
    """Which human text, and how much of it for what."""

    section: ClassVar[str] = "corpus"

    source: Literal["world", "files", "hub"]
    """``world``: the synthetic encyclopedia; ``files``: your own; ``hub``: a named dataset."""
    train: Annotated[int | None, Range(at_least=1)]
    """Documents that generation 0 learns from; null takes what the other parts leave."""
    heldout: Annotated[int, Range(at_least=5)]
    """Documents on which every model's likelihood is measured."""
    null_pool: Annotated[int, Range(at_least=0)]
    """Documents to draw null samples from; 0 for no null band."""
    reserve: Annotated[int, Range(at_least=0)]
    """Documents kept for regimes that learn from human text again."""


@dataclass(frozen=True)
class SizeParams(Params):
    """The one dial of section `generate` that the human sample must match."""

    section: ClassVar[str] = "generate"

    documents: Annotated[int, Range(at_least=5)]
    """Number of documents in generation 0's human sample, as in every later generation."""


def main(argv: list[str] | None = None) -> None:
    """Writes the human corpus, generation 0's texts and the first model."""
    parser = command.parser("prepare", __doc__)
    parser.add_argument("--human", type=Path, required=True, help="folder to write the corpus to")
    parser.add_argument("--texts", type=Path, required=True, help="folder for generation 0's texts")
    parser.add_argument("--model", type=Path, required=True, help="folder for the first model")
    args = parser.parse_args(argv)

    content = command.sections(args.params)
    params = command.section(content, CorpusParams, but=("world", "files", "hub"))
    model_params = load(args.params, ModelParams)
    size = SizeParams(documents=command.value(content, "generate.documents"))
    seed = command.seed_of(args.params, "corpus")
    sizes = {
        "train": params.train,
        "heldout": params.heldout,
        "sample": size.documents,
        "null": params.null_pool,
        "reserve": params.reserve,
    }
    parts, save_ledger, source = _documents(args.params, params, sizes, seed)
    model, tokens = _first_model(model_params, parts["train"], seed)
    facts = {
        "corpus": {**params.as_dict(), **source},
        "model": model_params.as_dict(),
        "documents": {name: len(texts) for name, texts in parts.items()},
        "seed": seed,
    }
    with new_folder(args.human) as folder:
        for name in ("train", "heldout", "null", "reserve"):
            write_texts(folder / f"{name}.jsonl", parts[name])
        np.save(folder / "token_counts.npy", tokens.counts(parts["train"]))
        save_ledger(folder)
        write_provenance(folder, "prepare", facts, {})
    with new_folder(args.texts) as folder:
        write_texts(folder / "texts.jsonl", parts["sample"])
        write_texts(folder / "training.jsonl", parts["train"])
        write_texts(folder / "witness.jsonl", [], prompt=[])
        write_provenance(folder, "prepare", facts, {"human": args.human}, generation=0)
    with new_folder(args.model) as folder:
        save_model(model, tokens, folder)
        write_provenance(folder, "prepare", facts, {})


Parts = dict[str, list[str]]


def _documents(
    path: Path, params: CorpusParams, sizes: dict[str, int | None], seed: int
) -> tuple[Parts, Callable[[Path], None], dict[str, dict[str, Any]]]:
    """The parts of the corpus, what else it comes with, and the source's own parameters."""
    if params.source == "world":
        from palimpsest.corpus.world import World, WorldParams

        world_params = load(path, WorldParams)
        if params.train is None:
            raise params.refuse("train", "a number where corpus.source is world")
        world = World(world_params, seed)
        wanted = sum(size or 0 for size in sizes.values())
        documents: dict[str, None] = {}
        start = 0
        while len(documents) < wanted and start < 4 * wanted:
            documents |= dict.fromkeys(world.documents(wanted, seed, start))
            start += wanted
        parts = split_documents(list(documents)[:wanted], sizes, seed)
        ledger = world.ledger(parts["train"])
        source = {"world": world_params.as_dict()}
        return parts, lambda folder: ledger.save(folder / "ledger.json"), source
    from palimpsest.corpus.human import FilesParams, HubParams, load_human

    if params.source == "files":
        human_params: FilesParams | HubParams = load(path, FilesParams)
    else:
        human_params = load(path, HubParams)
    parts = split_documents(load_human(human_params).documents, sizes, seed)
    return parts, lambda folder: None, {params.source: human_params.as_dict()}


def _first_model(
    params: ModelParams, training: list[str], seed: int
) -> tuple[LanguageModel, Tokens]:
    """The model that generation 0 starts from, and its tokenizer."""
    if params.source != "scratch":
        folder = Path(params.source)
        if not folder.exists():
            from palimpsest.lm.hub import fetch_model

            folder = fetch_model(params.source)
        return load_pair(folder, device="cpu")
    if params.tokenizer is not None:
        tokens = load_tokens(Path(params.tokenizer))
    else:
        tokens = train_tokens(training, params.vocabulary)
    weights_seed = int(stream(seed, "weights").integers(2**63))
    return scratch_model(params, tokens, weights_seed), tokens


if __name__ == "__main__":
    command.run(main)
