"""What is known of each text of a generation: one row a document, for whoever reads the texts.

The scorecard has the numbers of a generation; this has the texts behind them: how likely each is
under the model of generation 0, which human text lies nearest, what it copies, what it says that is
not so. No model is asked: everything comes from what the stages before left.

Known gaps: `twin` and `copied` see near copies by word 8-grams
(`palimpsest.corpus.near_duplicates`), so a copy that is reworded is none. The nearest human text is
sought in the fit sample, which has as many texts as the generation, not in all human text. A twin
is sought among the first `HOLDERS` texts that have an n-gram.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from palimpsest.core.words import words
from palimpsest.corpus.near_duplicates import LENGTH, SHARE, NearDuplicateIndex
from palimpsest.evaluation.scorecard import Generation
from palimpsest.evaluation.topics import Topics, category, unit_rows
from palimpsest.metrics.family import Facts, Reference, Statement
from palimpsest.metrics.truth import STATUSES

DIGITS = 4
"""Decimals of likelihoods and cosines."""
BLOCK = 1000
"""Texts that are held against the human sample at once."""
HOLDERS = 5
"""Texts that are remembered of an n-gram, the first ones: of a form that all share, enough."""
UNTRUE = ("false", "novel")
"""Statuses of statements that are not so."""

Columns = dict[str, list[Any]]
"""By name, a value for each text."""


def document_columns(generation: Generation, reference: Reference) -> Columns:
    """The facts of each text of a generation, as columns of `palimpsest.core.storage.write_texts`.

    Args:
        generation: whose texts are described, n of them.
        reference: the human side that the generation is held against.

    Returns:
        Columns of n values each. ``nats``: mean negative log-likelihood of a token under model 0,
        >= 0, None for a text without tokens. ``nearest`` (cosine, −1 to 1) and ``nearest_text``:
        the human text that lies nearest; None where the human sample is the generation itself.
        ``copied`` (share of the text's word 8-grams that one training document has, above 0.8 to
        1) and ``copied_text``, that document; None where it copies none. ``twin``: the row of the
        first equal text, or of the earlier one that has more than 0.8 of its word 8-grams; None
        where there is neither. ``topic``: see `palimpsest.evaluation.topics`; None where there is
        none. With a ledger also ``sentences``, how many are true, false, novel and unparsable, and
        ``untrue``: status, entity, relation and value of each statement that is not so, and what
        the ledger has as its value (None for an entity that it does not know).
    """
    cosines, rows = _nearest(generation, reference)
    own = [words(text) for text in generation.texts]
    copied = _copied(own, reference.training)
    facts = reference.facts
    columns: Columns = {
        "nats": _nats(generation),
        "nearest": cosines,
        "nearest_text": [None if row is None else reference.texts[row] for row in rows],
        "copied": [share for share, _ in copied],
        "copied_text": [text for _, text in copied],
        "twin": _twins(own),
    }
    if facts is None:
        topics = Topics.from_human(reference.texts, reference.embeddings)
        none = [None] * len(generation.texts)
        return columns | {"topic": topics.of(generation.embeddings) if topics else none}
    parsed = [facts.parse(text) for text in generation.texts]
    return columns | {
        "topic": [category(statements) for statements in parsed],
        "sentences": [_counts(statements) for statements in parsed],
        "untrue": _untrue(parsed, facts),
    }


def _nats(generation: Generation) -> list[float | None]:
    sums, tokens = generation.arrays["human_nll"], generation.arrays["human_tokens"]
    means = (sums / np.maximum(tokens, 1)).round(DIGITS).tolist()
    return [mean if count else None for mean, count in zip(means, tokens.tolist(), strict=True)]


def _nearest(
    generation: Generation, reference: Reference
) -> tuple[list[float | None], list[int | None]]:
    """Cosine to the nearest human text, and its row; the first of equals."""
    count = len(generation.texts)
    if list(generation.texts) == list(reference.texts):
        return [None] * count, [None] * count
    human, own = unit_rows(reference.embeddings), unit_rows(generation.embeddings)
    cosines, rows = np.empty(count), np.empty(count, dtype=np.int64)
    for start in range(0, count, BLOCK):
        products = own[start : start + BLOCK] @ human.T
        rows[start : start + BLOCK] = products.argmax(axis=1)
        cosines[start : start + BLOCK] = products.max(axis=1)
    return [*np.clip(cosines, -1.0, 1.0).round(DIGITS).tolist()], [*rows.tolist()]


def _copied(
    own: Sequence[Sequence[str]], training: Sequence[str]
) -> list[tuple[float | None, str | None]]:
    found: list[tuple[float | None, str | None]] = [(None, None)] * len(own)
    for one in NearDuplicateIndex([*map(words, training)]).find(own):
        found[one.heldout] = (round(one.share, DIGITS), training[one.training])
    return found


def _twins(own: Sequence[Sequence[str]]) -> list[int | None]:
    """The row of the first equal text, else of the earlier one that has most of its n-grams."""
    twins: list[int | None] = [None] * len(own)
    first: dict[tuple[str, ...], int] = {}
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, text in enumerate(map(tuple, own)):
        if first.setdefault(text, row) != row:
            twins[row] = first[text]  # also where no text has a word: as `duplicates` counts them
            continue
        if not text:
            continue
        grams = {text[at : at + LENGTH] for at in range(max(len(text) - LENGTH + 1, 1))}
        shared = Counter(other for gram in grams for other in holders.get(gram, ()))
        if shared:
            other, count = min(shared.items(), key=lambda item: (-item[1], item[0]))
            twins[row] = other if count > SHARE * len(grams) else None
        for gram in grams:
            if len(holders[gram]) < HOLDERS:
                holders[gram].append(row)
    return twins


def _counts(statements: Sequence[Statement]) -> list[int]:
    counts = Counter(statement[0] for statement in statements)
    return [counts[status] for status in STATUSES]


def _untrue(parsed: Sequence[Sequence[Statement]], facts: Facts) -> list[list[list[str | None]]]:
    """The statements that are not so, each with the ledger's own value."""
    known: dict[tuple[str | None, str | None], str] = {
        (entity, relation): value for entity, relation, value in facts.frequencies
    }
    return [
        [[*statement, known.get(statement[1:3])] for statement in text if statement[0] in UNTRUE]
        for text in parsed
    ]
