"""The texts of a chain as the page carries them: one data block that its cloud and its lists read.

A page holds a budget of text. Where a chain has more, every document is cut at one length, the
longest of `LIMITS` that fits, and the page says so; and of a generation with more documents than
fit, those that a list shows are kept and a seeded sample of the rest.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.core.storage import read_embeddings, read_rows
from palimpsest.report.scripts import json_block
from palimpsest.trajectory.curves import Floats

BUDGET = 5_000_000
"""Bytes of text on a page, as it stands there; plotly.js takes 5 MB and coordinates hardly one."""
LIMITS = (20_000, 10_000, 5000, 2000, 1000, 500, 250, 100)
"""Characters at which documents may be cut."""
MOST_DOCUMENTS = 22_000
"""Documents on a page: 21 generations of 500, and as many of a control chain."""
FEWEST = 50
"""Documents of a generation that are kept however many generations there are."""
FIELDS = ("text", "nats", "nearest", "nearest_text", "copied", "copied_text", "twin", "topic")
"""What `palimpsest.evaluation.documents` says of every document."""
DIGITS = 4
"""Decimals of coordinates."""
TRUTHS = ("true", "untrue", "unclear", "nothing")
"""A document by what a ledger says of it: every statement true; one false or made up; none that,
but a sentence that is no statement; no statement at all."""

Block = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """The documents of one generation."""

    name: str
    """As in the graph: g05, or n05 of the control chain."""
    rows: Sequence[Mapping[str, Any]]
    """What is known of each, see `palimpsest.evaluation.documents`."""
    points: Floats
    """(n, 3), where each lies in the human basis."""

    @property
    def control(self) -> bool:
        """Whether it is one of the control chain."""
        return self.name.startswith("n")

    @property
    def texts(self) -> list[str]:
        """What they say."""
        return [row["text"] for row in self.rows]


def read_written(folder: Path) -> Written:
    """The documents of a generation out of its folder of scores.

    Raises:
        PalimpsestError: a file is missing or cannot be read.
        MetricError: a document lacks a field, or not every one has a finite point.
    """
    path = folder / "documents.jsonl"
    rows, points = read_rows(path), read_embeddings(folder / "points.npy")
    for number, row in enumerate(rows, start=1):
        if lacking := [field for field in FIELDS if field not in row]:
            got = f"none on line {number}"
            raise MetricError(str(path), wanted=f"the field {lacking[0]!r}", got=got)
    if points.shape != (len(rows), 3) or not np.isfinite(points).all():
        wanted = f"({len(rows)}, 3) finite numbers, a row a document"
        raise MetricError(str(folder / "points.npy"), wanted=wanted, got=points.shape)
    return Written(folder.name, rows, points.astype(np.float64))


def kept_rows(written: Sequence[Written], shown: Mapping[str, Collection[int]]) -> list[list[int]]:
    """Which documents of each generation the page carries, ascending.

    Args:
        written: the generations of a page.
        shown: by name, rows that a list shows; they are kept.
    """
    room = max(MOST_DOCUMENTS // max(len(written), 1), FEWEST)
    kept = []
    for one in written:
        count, must = len(one.rows), set(shown.get(one.name, ()))
        order = stream(0, f"report.documents.{one.name}").permutation(count).tolist()
        more = [row for row in order if row not in must]
        kept.append(sorted([*must, *more[: max(room - len(must), 0)]]))
    return kept


def text_limit(texts: Collection[str]) -> int | None:
    """The characters at which texts are cut so that they fit the budget; None where they all fit.

    Texts that do not fit even at the shortest length are cut there.
    """
    longest = max(map(len, texts), default=0)
    for limit in LIMITS:
        if sum(len(json_block(text[:limit])) for text in texts) <= BUDGET:
            return None if longest <= limit else limit
    return LIMITS[-1]


def documents_block(written: Sequence[Written], kept: Sequence[Sequence[int]]) -> Block:
    """Every document that the page carries, column by column.

    Args:
        written: the generations.
        kept: the rows of each that are carried, see `kept_rows`.

    Returns:
        ``human``: texts that documents point to (their nearest human text, the one they copy);
        ``topics``: their names; ``limit``: where texts were cut, or None; ``generations``: by
        name, the columns of the kept documents. A column of what nobody measured is None.
    """
    chosen = [[one.rows[row] for row in rows] for one, rows in zip(written, kept, strict=True)]
    every = [row for rows in chosen for row in rows]
    named = [row[field] for row in every for field in ("nearest_text", "copied_text")]
    human = list(dict.fromkeys(text for text in named if text is not None))
    topics = sorted({row["topic"] for row in every if row["topic"] is not None})
    limit = text_limit([*(row["text"] for row in every), *human])
    at_human = {text: place for place, text in enumerate(human)}
    at_topic = {name: place for place, name in enumerate(topics)}
    generations = {}
    for one, rows, places in zip(written, chosen, kept, strict=True):
        block = _columns(rows, places, one.points[list(places)], limit)
        block["human"] = [at_human.get(row["nearest_text"]) for row in rows]
        block["copy"] = [at_human.get(row["copied_text"]) for row in rows]
        block["topic"] = [at_topic.get(row["topic"]) for row in rows]
        block["of"] = len(one.rows)
        generations[one.name] = block
    cut = [text[:limit] for text in human]
    return {"human": cut, "topics": topics, "limit": limit, "generations": generations}


def truth_of(sentences: Sequence[int]) -> int:
    """The place in `TRUTHS` of a document with so many true, false, novel, unparsable sentences."""
    true, false, novel, unparsable = sentences
    if false + novel:
        return 1
    if not true:
        return 3
    return 2 if unparsable else 0


def instead(status: str, entity: str, relation: str, value: str, known: str | None) -> str:
    """What the ledger has instead of an untrue statement, in words.

    Args:
        status: "novel", or "false".
        entity: that it is about.
        relation: likewise.
        value: that it gives.
        known: the ledger's own value; None where it has none.
    """
    if status == "novel":
        return f"the ledger knows no {entity}"
    if known is None:
        return f"the ledger has no {relation} of it"
    if known == value:
        return f"so in the ledger, but {entity} is another kind of thing than the text says"
    return f"the ledger has: {known}"


def _columns(
    rows: Sequence[Mapping[str, Any]], places: Sequence[int], points: Floats, limit: int | None
) -> Block:
    at = {place: number for number, place in enumerate(places)}
    ledger = bool(rows) and all("sentences" in row for row in rows)
    axes = dict(zip("xyz", points.round(DIGITS).T.tolist(), strict=True))
    return axes | {
        "row": list(places),
        "text": [row["text"][:limit] for row in rows],
        "cut": [len(row["text"]) if len(row["text"][:limit]) < len(row["text"]) else 0
                for row in rows],
        "nats": [row["nats"] for row in rows],
        "nearest": [row["nearest"] for row in rows],
        "share": [row["copied"] for row in rows],
        "twin": [at.get(row["twin"]) for row in rows],
        "truth": [truth_of(row["sentences"]) for row in rows] if ledger else None,
        "untrue": [_untrue(row) for row in rows] if ledger else None,
    }  # fmt: skip


def _untrue(row: Mapping[str, Any]) -> list[list[str]]:
    """Each untrue statement of a document, with what the ledger has instead in words."""
    return [[*one[:4], instead(*one)] for one in row["untrue"]]
