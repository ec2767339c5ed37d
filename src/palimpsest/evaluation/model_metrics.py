"""Metrics of a model itself (docs/metrics.md §6), from the arrays that `palimpsest.lm.probing`
left.

None of them has an interval or a null band: they are functions of one model over one fixed text,
there is no sample of generated texts to halve. Loads no torch.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.neural_collapse import collapse_metrics
from palimpsest.metrics.validation import whole
from palimpsest.metrics.word_geometry import (
    crowding,
    entanglement,
    synonym_gap,
    synonym_separation,
)

Arrays = Mapping[str, NDArray[Any]]
CLASSES = "class_statistics.npz"
"""The file of the arrays, for errors."""


def model_metrics(classes: Arrays, probe: Arrays) -> tuple[dict[str, float | None], dict[str, int]]:
    """Every metric of §6 and the counts beside them.

    Args:
        classes: ``ids``, ``counts``, ``variances``, ``means``, ``weights``, ``agreed``,
            ``tokens``, ``word_rows``, as `palimpsest.lm.probing.heldout_and_classes` returns them.
        probe: ``states``, ``kinds``, ``members``, ``unrelated``, ``skipped``, as
            `palimpsest.corpus.probe.Probe.arrays` returns them.

    Returns:
        Metrics by name and counts by name. Without a class, the collapse metrics read what a
        single class reads, their worst value. Word geometry is None where the vocabulary or the
        corpus has too few of the words: that is no property of the model.

    Raises:
        MetricError: statistics that no model can have, see `_check_classes`; or a function of
            `palimpsest.metrics.neural_collapse` or `word_geometry` refuses.
    """
    rows = classes["word_rows"]
    metrics: dict[str, float | None] = dict(class_metrics(classes))
    metrics |= {
        "crowding": crowding(rows) if len(rows) > 1 else None,
        "entanglement": entanglement(rows) if len(rows) > 1 else None,
        **_probe(probe),
    }
    counts = {
        "classes": len(classes["ids"]),
        "class_tokens": int(classes["counts"].sum()),
        "nc4_tokens": int(classes["tokens"]),
        "embedding_words": len(rows),
        "probe_words": len(probe["states"]),
        "probe_words_skipped": int(probe["skipped"]),
    }
    return metrics, counts


def _check_classes(classes: Arrays) -> None:
    """Makes sure that every class has occurred: one that has not would have its mean at 0.

    Raises:
        MetricError: a count below 1, another number of counts than of classes, agreements that are
            not between 0 and the tokens seen.
    """
    ids = whole(classes["ids"], f"{CLASSES}: ids", least=0)
    counts = whole(classes["counts"], f"{CLASSES}: counts", least=1)
    if counts.shape != ids.shape:
        raise MetricError(f"{CLASSES}: counts", wanted=f"shape {ids.shape}", got=counts.shape)
    agreed, tokens = (
        int(whole(classes[name], f"{CLASSES}: {name}", least=0)) for name in ("agreed", "tokens")
    )
    if agreed > tokens:
        raise MetricError(f"{CLASSES}: agreed", wanted=f"0 to {tokens}, the tokens", got=agreed)


def class_metrics(classes: Arrays) -> dict[str, float]:
    """The metrics of neural collapse, by name.

    Args:
        classes: as for `model_metrics`; ``word_rows`` is not looked at.

    Raises:
        MetricError: see `model_metrics`.
    """
    _check_classes(classes)
    arrays = [classes[name] for name in ("means", "variances", "weights")]
    if not len(classes["ids"]):
        # one class that never occurred
        arrays = [np.zeros((1, *array.shape[1:]), dtype=array.dtype) for array in arrays]
    tokens = int(classes["tokens"])
    agreement = int(classes["agreed"]) / tokens if tokens else 0.0
    return {**collapse_metrics(*arrays), "nc4_agreement": agreement}


def _probe(probe: Arrays) -> dict[str, float | None]:
    """Word geometry of the probe; opposites and categories only where the probe has them."""
    states, unrelated = probe["states"], probe["unrelated"]
    groups: dict[str, list[list[int]]] = {}
    for number, kind in enumerate(probe["kinds"].tolist()):
        words = probe["members"][probe["members"][:, 0] == number, 1]
        groups.setdefault(kind, []).append(words.tolist())
    near = groups.get("near", [])
    geometry: dict[str, float | None] = {
        "synonym_gap": synonym_gap(states, near, unrelated) if near and len(unrelated) else None,
        "synonym_separation": synonym_separation(states, near) if near else None,
    }
    for kind in ("antonym", "category"):
        if kind in groups and len(unrelated):
            geometry[f"{kind}_gap"] = synonym_gap(states, groups[kind], unrelated)
    return geometry
