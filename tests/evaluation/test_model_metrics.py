"""Metrics of a model from the arrays that were kept of it: by hand, and where there is too little.

`tests/lm/test_probing.py` has the way from a real model.
"""

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.evaluation.model_metrics import model_metrics
from tests.evaluation.generations import generation

WORDS = ("crowding", "entanglement", "synonym_gap", "synonym_separation")


def measured(classes=(), probe=()):
    made = generation()
    return model_metrics({**made.classes, **dict(classes)}, {**made.probe, **dict(probe)})


def test_by_hand():
    # two classes at a distance of 2, variances 1 and 3: (1 + 3) / (2 · 4)
    classes = {
        "ids": np.array([3, 7]),
        "counts": np.array([4, 6]),
        "means": np.array([[1.0, 0.0], [-1.0, 0.0]]),
        "variances": np.array([1.0, 3.0]),
        "weights": np.array([[2.0, 0.0], [-2.0, 0.0]]),
        "agreed": np.array(3),
        "tokens": np.array(12),
        "word_rows": np.array([[1.0, 0.0], [0.0, 1.0]]),
    }
    # near-synonyms at right angles (cosine 0), unrelated words opposite (cosine −1)
    probe = {
        "states": np.array([[[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2, [[-1.0, 0.0]] * 2]),
        "kinds": np.array(["near"]),
        "members": np.array([[0, 0], [0, 1]]),
        "unrelated": np.array([[0, 2]]),
        "skipped": np.array(4),
    }
    metrics, counts = model_metrics(classes, probe)
    assert metrics["nc1_cdnv"] == pytest.approx(0.5)
    assert metrics["nc1_cdnv_squared"] == pytest.approx(4 / 32)
    assert metrics["nc2_equinorm"] == metrics["unc3"] == 0.0
    assert metrics["nc3_dual_error"] == pytest.approx(0.0, abs=1e-7)
    assert metrics["nc4_agreement"] == 0.25
    assert metrics["crowding"] == metrics["entanglement"] == 0.0
    assert metrics["synonym_gap"] == 1.0
    assert metrics["synonym_separation"] == 1.0
    assert not {"antonym_gap", "category_gap"} & set(metrics)
    assert counts == {
        "classes": 2,
        "class_tokens": 10,
        "nc4_tokens": 12,
        "embedding_words": 2,
        "probe_words": 3,
        "probe_words_skipped": 4,
    }


def test_opposites_and_categories_only_where_the_probe_has_them():
    metrics, _ = measured()
    assert {"antonym_gap", "category_gap"} < set(metrics)
    metrics, _ = measured(probe={"kinds": np.array(["near", "antonym", "antonym"])})
    assert "category_gap" not in metrics


def test_without_a_class_the_worst_is_read():
    made = generation().classes
    none = {name: made[name][:0] for name in ("ids", "counts", "variances", "means", "weights")}
    metrics, counts = measured({**none, "agreed": np.array(0), "tokens": np.array(0)})
    assert (counts["classes"], counts["class_tokens"], counts["nc4_tokens"]) == (0, 0, 0)
    assert metrics["nc1_cdnv"] == metrics["nc1_cdnv_squared"] == 1e9
    assert metrics["nc2_etf_error"] == metrics["nc3_dual_error"] == pytest.approx(np.sqrt(2))
    assert metrics["nc2_equinorm"] == metrics["unc3"] == 1.0
    assert metrics["nc4_agreement"] == 0.0


def test_words_that_are_too_few_are_not_measured():
    metrics, counts = measured(
        {"word_rows": np.ones((1, 3))},
        {"kinds": np.array([]), "members": np.zeros((0, 2), dtype=int)},
    )
    assert {name: metrics[name] for name in WORDS} == dict.fromkeys(WORDS)
    assert counts["embedding_words"] == 1
    metrics, _ = measured(probe={"unrelated": np.zeros((0, 2), dtype=int)})
    assert metrics["synonym_gap"] is None
    assert metrics["synonym_separation"] is not None


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"counts": [5, 0, 7, 8]}, "class_statistics.npz: counts: want numbers >= 1, got 0"),
        ({"counts": [5.0, 6.0, 7.0, 8.0]}, "class_statistics.npz: counts: want whole numbers"),
        ({"counts": [5, 6, 7]}, "class_statistics.npz: counts: want shape"),
        ({"ids": [0, 1, 2, -1]}, "class_statistics.npz: ids: want numbers >= 0, got -1"),
        ({"variances": [0.5, -0.1, 1.0, 1.0]}, "variances: want 4 numbers >= 0"),
        ({"variances": [0.5, np.nan, 1.0, 1.0]}, "variances: want finite numbers"),
        ({"agreed": 49}, "class_statistics.npz: agreed: want 0 to 48, the tokens, got 49"),
        ({"tokens": -1}, "class_statistics.npz: tokens: want numbers >= 0, got -1"),
    ],
)
def test_statistics_that_no_model_can_have_are_refused(changes, wanted):
    with pytest.raises(MetricError) as caught:
        measured({name: np.array(value) for name, value in changes.items()})
    assert str(caught.value).startswith(wanted)
