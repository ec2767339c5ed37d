"""The human text of a run: read from its source and dealt into the parts of generation 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import FEWEST_SAMPLES, CorpusParams
from palimpsest.core.provenance import file_hash
from palimpsest.corpus.files.matching import files_within, matching
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.loaders import load_human
from palimpsest.corpus.near_duplicates import near_duplicate_warning
from palimpsest.corpus.split import split_documents
from palimpsest.corpus.world.generator import World

PATIENCE = 4
"""A world repeats itself at times: so many times the documents wanted are drawn at the most."""


@dataclass(frozen=True)
class Human:
    """The human corpus of a run."""

    parts: dict[str, list[str]]
    """``train``, ``heldout``, ``sample``, ``null`` and ``reserve``; they share no text."""
    ledger: Ledger | None
    """The facts that the texts state; None where nobody knows them."""
    unread: tuple[str, ...] = ()
    """What could not be read of the human text's files; a sentence each."""

    @property
    def compared(self) -> list[str]:
        """The texts that generations are compared with: generation 0's sample, then the pool."""
        return [*self.parts["sample"], *self.parts["null"]]

    @property
    def warnings(self) -> list[str]:
        """What must be seen of the split, a sentence each; computed when asked for."""
        near = near_duplicate_warning(self.parts["heldout"], self.parts["train"])
        return [*(f"human text: {line}" for line in self.unread), *near]


def human_corpus(params: CorpusParams, documents: int, seed: int) -> Human:
    """Reads the human text and deals it into parts.

    Args:
        params: which text, and how much of it for what.
        documents: texts in generation 0's human sample, as in every later generation.
        seed: of the world, where there is one, and of the split.

    Raises:
        CorpusError: the text cannot be read, or there are fewer distinct documents than asked for.
    """
    sizes = {
        "train": params.train,
        "heldout": params.heldout,
        "sample": documents,
        "null": params.null_pool,
        "reserve": params.reserve,
    }
    if params.source != "world":
        source = params.files if params.source == "files" else params.hub
        loaded = load_human(source)
        texts = joined(loaded.documents, params.join_chars)
        return Human(split_documents(texts, sizes, seed), None, loaded.unread)
    world = World(params.world, seed)
    parts = split_documents(_distinct(world, sizes, seed), sizes, seed)
    return Human(parts, world.ledger(parts["train"]))


def source_hashes(params: CorpusParams) -> dict[str, str]:
    """SHA-256 of each file that the human text was read from, in their order; none for others."""
    if params.source != "files":
        return {}
    files = [file for path in matching(params.files.paths) for file in files_within(path)]
    return {f"file {n}": file_hash(path) for n, path in enumerate(files, 1)}


def check_long_enough(there: int, documents: int, pool: int) -> None:
    """Makes sure that enough human documents go on behind the prompt.

    Args:
        there: how many do, of generation 0's sample and the pool together.
        documents: texts of a sample.
        pool: documents of the pool; 0 for none.

    Raises:
        CorpusError: fewer than generation 0's sample and three samples in the pool.
    """
    wanted = documents * (1 + FEWEST_SAMPLES if pool else 1)
    if there < wanted:
        raise CorpusError(
            "generate.prompt_tokens",
            wanted=f"{wanted} longer human documents in generation 0 and its pool",
            got=f"{there} of {documents + pool}",
            hint="raise corpus.null_pool or lower generate.prompt_tokens",
        )


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
