"""The human text of a run: read from its source and dealt into the parts of generation 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from palimpsest.corpus.human import FilesParams, HubParams, load_human
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.split import split_documents
from palimpsest.corpus.world import World, WorldParams
from palimpsest.errors import CorpusError
from palimpsest.params import Params, Range

SourceParams = WorldParams | FilesParams | HubParams
SOURCES: dict[str, type[SourceParams]] = {
    "world": WorldParams,
    "files": FilesParams,
    "hub": HubParams,
}
"""What `corpus.source` may name, and the dials of each."""
PATIENCE = 4
"""A world repeats itself at times: so many times the documents wanted are drawn at the most."""


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
    join_chars: Annotated[int | None, Range(at_least=1)]
    """``files``, ``hub``: texts that follow each other are joined, a line each, to documents of at
    least so many characters, as protocols want them that cut a corpus into blocks; null: a text is
    a document. ``min_chars`` and ``max_chars`` choose among the texts before they are joined."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source == "world" and self.train is None:
            raise self.refuse("train", "a number where corpus.source is world")
        if self.source == "world" and self.join_chars is not None:
            raise self.refuse("join_chars", "null where corpus.source is world")


@dataclass(frozen=True)
class SampleParams(Params):
    """The one dial of section `generate` that the human sample must match."""

    section: ClassVar[str] = "generate"

    documents: Annotated[int, Range(at_least=5)]
    """Number of documents in generation 0's human sample, as in every later generation."""


@dataclass(frozen=True)
class Human:
    """The human corpus of a run."""

    parts: dict[str, list[str]]
    """``train``, ``heldout``, ``sample``, ``null`` and ``reserve``; they share no text."""
    ledger: Ledger | None
    """The facts that the texts state; None where nobody knows them."""


def human_corpus(
    params: CorpusParams, source: SourceParams, sample: SampleParams, seed: int
) -> Human:
    """Reads the human text and deals it into parts.

    Args:
        params: how much of it for what.
        source: the dials of the source that `params` names.
        sample: the size of generation 0's sample.
        seed: of the world, where there is one, and of the split.

    Raises:
        CorpusError: the text cannot be read, there are fewer distinct documents than asked for,
            or the pool of null samples is smaller than one sample.
    """
    if 0 < params.null_pool < sample.documents:
        wanted = f"0 or at least generate.documents ({sample.documents})"
        raise CorpusError("corpus.null_pool", wanted=wanted, got=params.null_pool)
    sizes = {
        "train": params.train,
        "heldout": params.heldout,
        "sample": sample.documents,
        "null": params.null_pool,
        "reserve": params.reserve,
    }
    if not isinstance(source, WorldParams):
        documents = joined(load_human(source).documents, params.join_chars)
        return Human(split_documents(documents, sizes, seed), None)
    world = World(source, seed)
    parts = split_documents(_distinct(world, sizes, seed), sizes, seed)
    return Human(parts, world.ledger(parts["train"]))


def joined(texts: Sequence[str], chars: int | None) -> list[str]:
    """Texts that follow each other as one document, a line each, as soon as it is long enough.

    Args:
        texts: in the order of the source.
        chars: the least length of a document; None leaves every text a document of its own.

    Returns:
        Documents of at least `chars` characters, what is left at the end being too short for one
        and left out; the texts as they are where `chars` is None.
    """
    if chars is None:
        return list(texts)
    documents, open_lines, length = [], [], -1
    for text in texts:
        open_lines.append(text)
        length += len(text) + 1
        if length >= chars:
            documents.append("\n".join(open_lines))
            open_lines, length = [], -1
    return documents


def _distinct(world: World, sizes: Mapping[str, int | None], seed: int) -> list[str]:
    """As many distinct documents as the parts want, or as the world yields with patience."""
    wanted = sum(size or 0 for size in sizes.values())
    documents: dict[str, None] = {}
    start = 0
    while len(documents) < wanted and start < PATIENCE * wanted:
        documents |= dict.fromkeys(world.documents(wanted, seed, start))
        start += wanted
    return list(documents)[:wanted]
