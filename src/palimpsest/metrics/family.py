"""The protocol of a family of metrics: fit it on the reference, prepare a sample, compute rows.

``family = Geometry(reference)`` does once what every generation needs; ``family.prepare(sample)``
does once what every half-sample of the jackknife needs; ``measurement.compute(rows)`` gives the
numbers of all items, or of those in some rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from palimpsest.metrics.likelihood import Heldout, Written

Rows = NDArray[np.integer[Any]]
"""Positions of the items of a subsample."""
Triple = tuple[str, str, str]
"""(entity, relation, value)."""
Statement = tuple[str, str | None, str | None, str | None]
"""(status, entity, relation, value)."""
Parse = Callable[[str], Sequence[Statement]]
"""A text's statements, in the order of its sentences."""


@dataclass(frozen=True)
class Facts:
    """A corpus's ledger: how to read a text, and the facts with their training frequency."""

    parse: Parse
    frequencies: Mapping[Triple, int]


@dataclass(frozen=True)
class Reference:
    """The human side: what samples are held against."""

    texts: Sequence[str]
    """A human sample that is compared with nothing else: the fit sample."""
    embeddings: NDArray[np.float32]
    """Theirs, (n, d)."""
    training: Sequence[str]
    """The human training corpus, for its word 8-grams."""
    facts: Facts | None
    """The ledger, if the corpus has one."""
    lam: float
    """Weight of the squared drift in the Ainex score."""
    words: int
    """How many words lexical metrics are measured on."""
    null: Sequence[NDArray[np.float32]] = ()
    """Embeddings of fresh human samples, (n, d) each: what ``integrity`` is a share of."""
    first: NDArray[np.float32] | None = None
    """Generation 0's embeddings, for the published score."""


@dataclass(frozen=True)
class Sample:
    """Texts to be measured, with everything that is known of them."""

    texts: Sequence[str]
    """n texts."""
    embeddings: NDArray[np.float32]
    """Theirs, (n, d)."""
    written: "Written | None" = None
    """Their likelihoods, if models were asked."""
    previous: Sequence[str] | None = None
    """The texts of the generation before; None where there is none."""
    heldout: "Heldout | None" = None
    """The held-out human texts under this generation's model, if there is one."""
    words: int | None = None
    """How many words lexical metrics are measured on; None for the reference's number."""


class Measurement(Protocol):
    """A sample made ready by one family."""

    @property
    def count(self) -> int:
        """How many items (texts, or held-out texts) the numbers are computed from."""

    def compute(self, rows: Rows | None = None) -> Mapping[str, float | None]:
        """The family's numbers by name, of all items or of those in ``rows``."""


class Family(Protocol):
    """Metrics that are computed together, fitted on a reference."""

    def prepare(self, sample: Sample) -> Measurement | None:
        """What every half-sample shares; None where the sample lacks what the family reads."""
