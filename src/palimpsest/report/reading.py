"""Which texts of a generation are worth reading: the nearest, the farthest, copies, what is new.

Rows are those of the generation's documents; `moved` turns them into places among the documents
that the page carries.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest.core.rng import stream
from palimpsest.report.cloud import cloud_block
from palimpsest.report.documents import Written, documents_block, kept_rows
from palimpsest.trajectory.novelty import Novelty, new_openings, new_phrases

SHOWN = 4
"""Texts of a list."""
RANDOM = 60
"""Texts in random order that a reader can leaf through."""

Block = dict[str, Any]


def reading_lists(one: Written, previous: Written | None) -> Block:
    """The lists of a generation.

    Args:
        one: the generation.
        previous: the one before; None for generation 0, of which nothing is new.

    Returns:
        Lists of rows: ``nearest`` and ``farthest`` from human text by cosine (empty where that is
        not known), ``copied`` from human training text (the largest share first), ``random``.
        ``alike``: row and size of the largest groups of texts that repeat each other. ``openings``
        and ``phrases``: words, how many texts, row of the first. ``copies`` and ``repeats``: how
        many texts copy human text, and how many repeat another text of the generation. A list shows
        one text of a group of texts that repeat each other.
    """
    rows = one.rows
    known = [row for row in range(len(rows)) if rows[row]["nearest"] is not None]
    known.sort(key=lambda row: (-rows[row]["nearest"], row))
    first = _first_of_group(rows)
    copied = [row for row in range(len(rows)) if rows[row]["copied"] is not None]
    copied.sort(key=lambda row: (-rows[row]["copied"], row))
    order = stream(0, f"report.reading.{one.name}").permutation(len(rows)).tolist()
    new = ([], []) if previous is None else _new(one.texts, previous.texts)
    return {
        "nearest": _apart(known, first),
        "farthest": _apart(known[::-1], first),
        "copied": _apart(copied, first),
        "random": order[:RANDOM],
        "alike": _groups(first)[:SHOWN],
        "openings": [[some.words, some.texts, some.row] for some in new[0]],
        "phrases": [[some.words, some.texts, some.row] for some in new[1]],
        "copies": len(copied),
        "repeats": sum(row["twin"] is not None for row in rows),
    }


def rows_of(lists: Block) -> set[int]:
    """The rows that some list shows."""
    plain = {row for name in ("nearest", "farthest", "copied", "random") for row in lists[name]}
    ends = {entry[-1] for name in ("openings", "phrases") for entry in lists[name]}
    return plain | ends | {row for row, _ in lists["alike"]}


def moved(lists: Block, kept: Sequence[int]) -> Block:
    """The lists with places among the kept documents for rows."""
    at = {row: place for place, row in enumerate(kept)}
    plain = {
        name: [at[row] for row in lists[name]]
        for name in ("nearest", "farthest", "copied", "random")
    }
    new = {
        name: [[some, texts, at[row]] for some, texts, row in lists[name]]
        for name in ("openings", "phrases")
    }
    return lists | plain | new | {"alike": [[at[row], size] for row, size in lists["alike"]]}


def _new(texts: Sequence[str], before: Sequence[str]) -> tuple[list[Novelty], list[Novelty]]:
    return new_openings(texts, before), new_phrases(texts, before)


def _first_of_group(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The row of the first text of each text's group of texts that repeat each other."""
    first: list[int] = []
    for row, facts in enumerate(rows):
        # a twin stands earlier, so that its own first text is known
        first.append(row if facts["twin"] is None else first[facts["twin"]])
    return first


def _apart(order: Sequence[int], first: Sequence[int]) -> list[int]:
    """The first rows of an order, one of each group."""
    chosen: dict[int, int] = {}
    for row in order:
        if len(chosen) == SHOWN:
            break
        chosen.setdefault(first[row], row)
    return [*chosen.values()]


def _groups(first: Sequence[int]) -> list[list[int]]:
    """Row of the first text and size of each group of repeating texts, the largest first."""
    ordered = sorted(Counter(first).items(), key=lambda item: (-item[1], item[0]))
    return [[row, size] for row, size in ordered if size > 1]


def text_blocks(written: Sequence[Written], captions: Mapping[str, str]) -> dict[str, Block]:
    """The data blocks of the cloud and of the lists of texts, by id; none without documents.

    Args:
        written: the generations of a chain in order, then those of its control chain.
        captions: by name, a sentence on a generation's cloud.
    """
    if not written:
        return {}
    chain = [one for one in written if not one.control]
    before = [None, *chain[:-1]]
    lists = {one.name: reading_lists(one, old) for one, old in zip(chain, before, strict=True)}
    kept = kept_rows(written, {name: rows_of(one) for name, one in lists.items()})
    places = {one.name: rows for one, rows in zip(written, kept, strict=True)}
    return {
        "documents-data": documents_block(written, kept),
        "cloud-data": cloud_block(written) | {"captions": dict(captions)},
        "reading-data": {name: moved(one, places[name]) for name, one in lists.items()},
    }
