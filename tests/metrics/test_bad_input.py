"""What no metric can be computed from is refused by every public function, and said why."""

import numpy as np
import pytest
import torch

from palimpsest.core.errors import MetricError
from palimpsest.evaluation.evaluator import Evaluator
from palimpsest.lm.class_statistics import CentreAgreement, ClassSums
from palimpsest.metrics import (
    distribution,
    geometry,
    lexical,
    likelihood,
    lock_in,
    neural_collapse,
    spectrum,
    truth,
    witness,
    word_diversity,
    word_geometry,
)
from palimpsest.metrics.family import Reference, Sample
from palimpsest.metrics.hull import hull_volume
from palimpsest.metrics.likelihood import Heldout, Written, scored
from palimpsest.statistics.null_band import null_band

GOOD = np.random.default_rng(0).normal(size=(8, 4))
TEXTS = [f"text number {number} of a few" for number in range(8)]
FACTS = {("A", "size", "big"): 3}
STATES = np.ones((3, 2, 4))
ONE = scored([1.0], [1])

OF_ONE_CLOUD = {
    "fit_basis": geometry.fit_basis,
    "spectrum_metrics": spectrum.spectrum_metrics,
    "prepare_reference": distribution.prepare_reference,
}
OF_TWO_CLOUDS = {
    "geometry_metrics": geometry.geometry_metrics,
    "distribution_metrics": distribution.distribution_metrics,
}
OF_TEXTS = {
    "lexical_metrics": lambda texts: lexical.lexical_metrics(texts, TEXTS),
    "lock_in_metrics": lambda texts: lock_in.lock_in_metrics(texts, TEXTS, TEXTS),
}


def classes_of(hidden, targets):
    ClassSums(1, 4).update(torch.from_numpy(hidden), torch.tensor(targets))


def spoiled(value, *rows):
    array = GOOD.copy()
    array[list(rows), 1] = value
    return array


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", OF_ONE_CLOUD)
def test_rows_of_a_cloud_that_are_not_finite_are_named(name, value):
    with pytest.raises(MetricError, match=r"NaN or infinity in rows 2, 5$"):
        OF_ONE_CLOUD[name](spoiled(value, 2, 5))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", OF_TWO_CLOUDS)
def test_the_cloud_with_the_row_that_is_not_finite_is_named(name, value):
    with pytest.raises(MetricError, match=r"^human: .* in row 3$"):
        OF_TWO_CLOUDS[name](spoiled(value, 3), GOOD)
    with pytest.raises(MetricError, match=r"^generated: .* in row 7$"):
        OF_TWO_CLOUDS[name](GOOD, spoiled(value, 7))


@pytest.mark.parametrize("name", OF_TWO_CLOUDS)
def test_dimensions_must_agree(name):
    with pytest.raises(MetricError, match=r"generated: want 4 dimensions.*got 3"):
        OF_TWO_CLOUDS[name](GOOD, GOOD[:, :3])


@pytest.mark.parametrize("name", OF_ONE_CLOUD | OF_TWO_CLOUDS)
def test_four_texts_are_too_few(name):
    arguments = (GOOD[:4],) if name in OF_ONE_CLOUD else (GOOD, GOOD[:4])
    with pytest.raises(MetricError, match=r"want >= 5 texts, got 4"):
        (OF_ONE_CLOUD | OF_TWO_CLOUDS)[name](*arguments)


@pytest.mark.parametrize("name", OF_ONE_CLOUD | OF_TWO_CLOUDS)
@pytest.mark.parametrize("array", [None, [["a"] * 4] * 8, GOOD[0], GOOD[:, :0], GOOD * 1j])
def test_what_is_no_array_of_embeddings(name, array):
    arguments = (array,) if name in OF_ONE_CLOUD else (GOOD, array)
    with pytest.raises(MetricError):
        (OF_ONE_CLOUD | OF_TWO_CLOUDS)[name](*arguments)


@pytest.mark.parametrize("name", OF_TEXTS)
def test_texts_are_a_list_of_five_strings_or_more(name):
    with pytest.raises(MetricError, match="generated: want >= 5 texts, got 4"):
        OF_TEXTS[name](TEXTS[:4])
    with pytest.raises(MetricError, match="generated: want strings, got NoneType in rows 1, 4"):
        OF_TEXTS[name](["a", None, "c", "d", None])
    with pytest.raises(MetricError, match="generated: want strings, got bytes in row 0"):
        OF_TEXTS[name]([b"a", *TEXTS])
    with pytest.raises(MetricError, match="generated: want a list of texts, got one string"):
        OF_TEXTS[name]("a text is no list")


@pytest.mark.parametrize("name", OF_TEXTS)
def test_empty_texts_are_texts(name):
    metrics = OF_TEXTS[name]([""] * 5)
    assert all(np.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: geometry.fit_basis(GOOD, 0), "components: want >= 1, got 0"),
        (lambda: hull_volume(spoiled(np.nan, 6)), "points: .* in row 6"),
        (lambda: hull_volume(GOOD[0]), "points: want 2 axes"),
        (lambda: spectrum.effective_rank([1.0, np.nan]), "variances: .* in row 1"),
        (lambda: spectrum.effective_rank(GOOD), "variances: want 1 axes"),
        (lambda: spectrum.participation_ratio([np.inf]), "variances: .* in row 0"),
        (lambda: word_diversity.entropy([0.5, 0.5]), "counts: want whole numbers, got float64"),
        (lambda: word_diversity.entropy([3, -1]), "counts: want numbers >= 0, got -1"),
        (lambda: word_diversity.zipf([1.0, np.nan]), "frequencies: want whole numbers"),
        (lambda: word_diversity.zipf([2, -2]), "frequencies: want numbers >= 0, got -2"),
        (lambda: word_diversity.mtld("abc"), "sequence: want whole numbers"),
        (lambda: word_diversity.mtld([[1], [2, 3]]), "sequence: want whole numbers"),
        (lambda: lock_in.known_ngrams("one text"), "corpus: want a list of texts"),
        (lambda: lock_in.known_ngrams(["a", 2]), "corpus: want strings, got int in row 1"),
        (lambda: lock_in.lock_in_metrics(TEXTS, TEXTS, [None]), "previous: .*NoneType in row 0"),
        (lambda: scored([1.0, np.inf], [1, 2]), "nll_nats: .* in row 1"),
        (lambda: scored([1.0], [-1]), "want sums and counts >= 0"),
        (lambda: likelihood.bits_per_byte([np.nan], [1]), "nll_nats: .* in row 0"),
        (lambda: likelihood.bits_per_byte([1, 2], [1]), "nll_nats: want 1 texts.*got 2"),
        (lambda: likelihood.bits_per_byte([1], [-1]), "want sums and counts >= 0"),
        (lambda: Heldout(ONE, np.ones(2), ONE, np.ones(1)), "num_bytes: want 1 texts"),
        (lambda: Heldout(ONE, np.ones(1), ONE, np.array([np.nan])), "entropy_nats: .* in row 0"),
        (lambda: Heldout(ONE, np.ones(1), scored([], []), np.ones(1)), "tail: want 1 texts.*got 0"),
        (lambda: Written(ONE, scored([1, 1], [1, 1])), "own: want 1 texts.*got 2"),
        (lambda: truth.measure_truth([], FACTS | {("B", "size", "big"): -1}), "facts: want"),
        (lambda: truth.measure_truth([], {("A", "size", "big"): np.nan}), "facts: want whole"),
        (lambda: truth.measure_truth([["no statement"]], FACTS), "statement: want status, entity"),
        (lambda: truth.measure_truth([[("true", "A")]], FACTS), "statement: want status, entity"),
        (lambda: truth.TruthTable([[]], FACTS).measure([0.5]), "texts: want whole numbers"),
        (lambda: classes_of(spoiled(np.nan, 1), [0] * 8), "hidden states: want finite numbers"),
        (lambda: classes_of(GOOD, [0] * 9), r"hidden states: want \(N, 4\) and \(N,\)"),
        (lambda: classes_of(GOOD, [1] * 8), "targets: want 0 to 0"),
        (lambda: neural_collapse.cdnv(spoiled(np.nan, 0), np.ones(8)), "means: .* in row 0"),
        (lambda: neural_collapse.cdnv(GOOD, np.full(8, np.nan)), "variances: .* rows 0, 1"),
        (lambda: neural_collapse.etf_error(spoiled(np.inf, 4)), "means: .* in row 4"),
        (lambda: neural_collapse.equinorm(GOOD[:0]), "means: want at least one class"),
        (lambda: neural_collapse.equinorm_log(GOOD[0]), "means: want 2 axes"),
        (lambda: neural_collapse.log_kernel(spoiled(np.nan, 2)), "means: .* in row 2"),
        (lambda: neural_collapse.dual_error(GOOD[:, :2], GOOD), r"weights: want shape \(8, 4\)"),
        (lambda: neural_collapse.uniform_duality(spoiled(np.nan, 3), GOOD), "weights: .* row 3"),
        (lambda: CentreAgreement(GOOD, GOOD[:, :2]), r"class means: .* got \(8, 2\)"),
        (lambda: CentreAgreement(spoiled(np.nan, 2), GOOD), "class means: want finite numbers"),
        (lambda: word_geometry.crowding(spoiled(np.nan, 5)), "rows: .* in row 5"),
        (lambda: word_geometry.entanglement(GOOD[:1]), "rows: want >= 2 words, got 1"),
        (lambda: word_geometry.synonym_gap(STATES * np.nan, [[0, 1]], [[0, 2]]), "states: .* row"),
        (lambda: word_geometry.synonym_gap(STATES, [[0, 1]], [[0.5, 2]]), "unrelated: want whole"),
        (lambda: word_geometry.synonym_gap(STATES, [[0, 1]], [0, 1, 2]), "unrelated: want pairs"),
        (lambda: word_geometry.synonym_separation(STATES, [[0, 3]]), "groups: want positions"),
        (lambda: witness.judge(None), "continuation: want a string, got NoneType"),
        (lambda: witness.HumanLikelihood.from_texts([1.0, np.nan]), "human likelihood"),
        (lambda: null_band([1.0, np.nan]), "null sample: want finite values"),
        (lambda: geometry.fit(GOOD, [spoiled(np.nan, 1)]), "null sample: .* in row 1"),
        (lambda: geometry.fit(GOOD, [GOOD[:, :3]]), "null sample: want 4 dimensions.*got 3"),
        (lambda: geometry.fit(GOOD, [], spoiled(np.inf, 2)), "generation 0: .* in row 2"),
        (lambda: geometry.fit(GOOD, [], GOOD[:, :3]), "generation 0: want 4 dimensions.*got 3"),
        (lambda: geometry.fit(GOOD, lam=-0.1), "lam: want >= 0, got -0.1"),
    ],
)
def test_what_else_is_refused(call, message):
    with pytest.raises(MetricError, match=message):
        call()


def test_one_string_of_numpy_texts_is_no_set_of_hashes():
    # an array of strings was once taken for ready hashes, and everything read as novel
    metrics = lock_in.lock_in_metrics(TEXTS, np.array([" ".join("abcdefgh")]))
    assert metrics == lock_in.lock_in_metrics(TEXTS, [" ".join("abcdefgh")])
    same = ["one two three four five six seven eight"] * 5
    assert lock_in.lock_in_metrics(same, np.array(same))["memorised"] == 1.0


def test_an_evaluator_needs_an_embedding_and_a_likelihood_for_every_text():
    evaluator = Evaluator(Reference(TEXTS, GOOD, TEXTS, None, 1.0, 1000))
    with pytest.raises(MetricError, match="embeddings: want 8 rows, one a text, got 7"):
        evaluator.measure(Sample(TEXTS, GOOD[:7]))
    with pytest.raises(MetricError, match="written: want 8 texts, as the other sums, got 1"):
        evaluator.measure(Sample(TEXTS, GOOD, Written(ONE, None)))
    assert len(evaluator.measure(Sample(TEXTS, GOOD))) == 5
