"""Metrics of docs/metrics.md §7: what of a ledger's facts a generation still states, how truly.

A statement is anything that unpacks to (status, entity, relation, value), as the world's parser
gives it; the last three are None when the status is "unparsable". Facts are (entity, relation,
value) with their training frequency. This module knows no grammar and no corpus.

Collapse never reads as perfection: a text without any sentence counts as one unparsable sentence,
and so does a generation without any text. Shares of nothing are None (undefined), never 0 or 1.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.family import Reference, Rows, Sample, Statement, Triple
from palimpsest.metrics.validation import whole

Ints = NDArray[np.int64]

STATUSES = ("true", "false", "novel", "unparsable")
TRUE, FALSE, NOVEL, UNPARSABLE = range(4)
TAIL = 0.25
"""The share of facts that is the tail: the rarest quarter by training frequency."""
LAW = 3
"""Consecutive generations that make an untrue statement an axiom."""


@dataclass(frozen=True)
class Truth:
    """The metrics of a generation (None: undefined) and the counts behind them."""

    metrics: dict[str, float | None]
    counts: dict[str, int]


class TruthTable:
    """A generation's statements, coded once, so that a subsample costs microseconds.

    Args:
        texts: for each text, its statements.
        facts: every fact of the ledger with its training frequency.
        previous: the distinct untrue statements of the previous generation; None if there is none.

    Raises:
        MetricError: no facts, a negative frequency, an unknown status, a parsed statement with a
            part missing, or a true statement that is no fact.
    """

    def __init__(
        self,
        texts: Sequence[Sequence[Statement]],
        facts: Mapping[Triple, int],
        previous: Collection[Triple] | None = None,
    ) -> None:
        if not facts:
            raise MetricError("facts", wanted="a ledger with facts", got="none")
        self._texts = len(texts)
        self._facts = len(facts)
        self._tail = tail_weights(list(facts.values()))
        number = {fact: i for i, fact in enumerate(facts)}
        entities: dict[str, int] = {}
        untrue: dict[Triple, int] = {}
        rows = [
            (text, *_code(statement, number, entities, untrue))
            for text, statements in enumerate(texts)
            for statement in statements or _SILENCE
        ]
        table = np.array(rows, dtype=np.int64).reshape(len(rows), 4)
        self._text, self._status, self._entity, self._item = table.T
        self._entities = len(entities)
        self._untrue = tuple(untrue)
        held = None if previous is None else {tuple(triple) for triple in previous}
        self._held = None if held is None else np.array([t in held for t in untrue], dtype=bool)

    @property
    def untrue(self) -> list[Triple]:
        """The distinct untrue (false or novel) statements, sorted: what a scorecard stores."""
        return sorted(self._untrue)

    @property
    def count(self) -> int:
        """Number of texts."""
        return self._texts

    def compute(self, rows: Rows | None = None) -> dict[str, float | None]:
        """The metrics alone, see `measure`."""
        return self.measure(rows).metrics

    def measure(self, texts: ArrayLike | None = None) -> Truth:
        """Every metric of the generation, or of some of its texts.

        `true_share`, `false_share`, `novel_share`, `unparsable_share`: of the sentences; they add
        to 1. `truth` = true / parsed, higher is truer, 0.0 if nothing parses. `parsed` = parsed /
        sentences. `fact_coverage`: distinct facts stated / facts, in [0, 1], down when collapsing.
        `tail_coverage`: the same on the rarest quarter by training frequency; of facts that tie at
        its edge each counts in part. `entity_entropy` (nats) and `entities`: of the real entities
        that true and false statements mention, by statement; 0 and 0 if none; down when
        collapsing. `lock_in`: share of the distinct untrue statements that the previous generation
        stated too, up when collapsing; None without a previous generation or untrue statements.

        Args:
            texts: positions of the texts of a subsample, without repeats; None for all.

        Raises:
            MetricError: a position that is not there.
        """
        status, entity, item, silent = self._chosen(texts)
        n_status = np.bincount(status, minlength=4)
        sentences = int(n_status.sum())
        parsed = sentences - int(n_status[UNPARSABLE])
        stated = np.unique(item[status == TRUE])
        mentions = np.bincount(entity[entity >= 0], minlength=1)
        untrue = np.unique(item[(status == FALSE) | (status == NOVEL)])
        held = None if self._held is None else int(self._held[untrue].sum())
        metrics: dict[str, float | None] = {
            f"{name}_share": float(n_status[i] / sentences) for i, name in enumerate(STATUSES)
        }
        metrics |= {
            "truth": float(n_status[TRUE] / parsed) if parsed else 0.0,
            "parsed": parsed / sentences,
            "fact_coverage": len(stated) / self._facts,
            "tail_coverage": float(self._tail[stated].sum() / self._tail.sum()),
            "entity_entropy": _entropy(mentions),
            "entities": float(np.count_nonzero(mentions)),
            "lock_in": None if held is None or not len(untrue) else held / len(untrue),
        }
        counts = {f"sentences_{name}": int(n_status[i]) for i, name in enumerate(STATUSES)}
        counts |= {"sentences": sentences, "texts_silent": silent}
        counts |= {"facts": self._facts, "facts_stated": len(stated)}
        counts |= {"untrue_distinct": len(untrue), "untrue_held": held or 0}
        return Truth(metrics, counts)

    def _chosen(self, texts: ArrayLike | None) -> tuple[Ints, Ints, Ints, int]:
        """Status, entity and item of the sentences of the chosen texts, and the silent texts."""
        chosen = np.ones(self._texts, dtype=bool)
        if texts is not None:
            rows = whole(texts, "texts")
            if rows.size and (rows.min() < 0 or rows.max() >= self._texts):
                wanted = f"positions below {self._texts}"
                raise MetricError("texts", wanted=wanted, got=f"{rows.min()} to {rows.max()}")
            chosen = np.zeros(self._texts, dtype=bool)
            chosen[rows] = True
        keep = chosen[self._text]
        if not keep.any():
            nothing = np.array([-1], dtype=np.int64)
            return np.array([UNPARSABLE], dtype=np.int64), nothing, nothing, 0
        status, item = self._status[keep], self._item[keep]
        return status, self._entity[keep], item, int(np.count_nonzero(item == _SILENT))


_SILENT = -2
_SILENCE: tuple[Statement, ...] = (("silent", None, None, None),)


def _code(
    statement: Statement,
    facts: Mapping[Triple, int],
    entities: dict[str, int],
    untrue: dict[Triple, int],
) -> tuple[int, int, int]:
    """(status, real entity or -1, the fact's or the untrue statement's number or below 0)."""
    if len(statement) != 4:
        raise MetricError("statement", wanted="status, entity, relation, value", got=statement)
    name, entity, relation, value = statement
    if statement is _SILENCE[0]:
        return UNPARSABLE, -1, _SILENT
    if name not in STATUSES:
        raise MetricError("statement", wanted=f"a status of {', '.join(STATUSES)}", got=repr(name))
    status = STATUSES.index(name)
    if status == UNPARSABLE:
        return UNPARSABLE, -1, -1
    if entity is None or relation is None or value is None:
        raise MetricError(f"{name} statement", wanted="entity, relation, value", got=statement[1:])
    triple = (entity, relation, value)
    real = -1 if status == NOVEL else entities.setdefault(entity, len(entities))
    if status != TRUE:
        return status, real, untrue.setdefault(triple, len(untrue))
    if triple not in facts:
        raise MetricError("true statement", wanted="a fact of the ledger", got=triple)
    return status, real, facts[triple]


def tail_weights(frequencies: Sequence[int]) -> NDArray[np.float64]:
    """How far each fact belongs to the rarest quarter: 1, 0, or a part where frequencies tie.

    The weights add to ceil(n / 4). Facts as frequent as the quarter's edge share what room is left
    in it, so that the tail depends on no order of the facts.

    Raises:
        MetricError: no frequencies, or a negative one.
    """
    counts = whole(frequencies, "facts")
    if counts.size == 0 or counts.min() < 0:
        raise MetricError("facts", wanted="frequencies >= 0", got=list(frequencies)[:3])
    room = ceil(TAIL * counts.size)
    edge = np.partition(counts, room - 1)[room - 1]
    below, tied = counts < edge, counts == edge
    share = (room - np.count_nonzero(below)) / np.count_nonzero(tied)
    return np.asarray(np.where(below, 1.0, np.where(tied, share, 0.0)), dtype=np.float64)


def measure_truth(
    texts: Sequence[Sequence[Statement]],
    facts: Mapping[Triple, int],
    previous: Collection[Triple] | None = None,
) -> Truth:
    """The metrics of one generation; `TruthTable` documents arguments, values and errors."""
    return TruthTable(texts, facts, previous).measure()


class LedgerTruth:
    """Truth against a ledger of facts."""

    def __init__(self, reference: Reference) -> None:
        self.facts = reference.facts

    def prepare(self, sample: Sample) -> TruthTable | None:
        """See `palimpsest.metrics.family.Family`; None where the corpus has no ledger."""
        if self.facts is None:
            return None
        parse, frequencies = self.facts.parse, self.facts.frequencies
        held = None
        if sample.previous is not None:
            held = TruthTable([parse(text) for text in sample.previous], frequencies).untrue
        return TruthTable([parse(text) for text in sample.texts], frequencies, held)


def axioms(untrue: Iterable[Collection[Triple]]) -> dict[str, int]:
    """Untrue statements that became laws: held by every one of the last three generations or more.

    Args:
        untrue: the distinct untrue statements of each generation, from generation 0 up to the one
            that is measured, none left out.

    Returns:
        `axioms`: how many statements the last `LAW` or more generations in a row all made, the
        measured one included; `axiom_age`: the longest such run of any statement, in generations
        (also of one too young to be a law). Both rise with lock-in, and are 0 without untrue
        statements: read them beside `truth` and `parsed`, since text that says nothing has none.
    """
    age: dict[Triple, int] = {}
    for statements in untrue:
        triples = {(entity, relation, value) for entity, relation, value in statements}
        age = {triple: age.get(triple, 0) + 1 for triple in triples}
    return {
        "axioms": sum(years >= LAW for years in age.values()),
        "axiom_age": max(age.values(), default=0),
    }


def _entropy(counts: NDArray[np.int64]) -> float:
    """Entropy in nats of the distribution that counts stand for; 0.0 for none."""
    seen = counts[counts > 0]
    shares = seen / seen.sum() if seen.size else np.ones(1)
    return float(max(0.0, -(shares * np.log(shares)).sum()))
