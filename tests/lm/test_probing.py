"""Hidden states of texts, and from a model to the metrics of docs/metrics.md §6."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from palimpsest.core.resume import NOTHING_KEPT
from palimpsest.corpus.probe import Group, Probe
from palimpsest.evaluation.model_metrics import model_metrics
from palimpsest.lm import batching, probing
from palimpsest.lm.class_statistics import CentreAgreement
from palimpsest.lm.probing import heldout_and_classes, last_states, visit_hidden
from palimpsest.lm.scoring import heldout_arrays, likelihood
from palimpsest.metrics.neural_collapse import collapse_metrics
from palimpsest.metrics.word_geometry import crowding, entanglement, synonym_gap, synonym_separation
from tests.lm.tiny import TEXTS, agreement, class_statistics, pair, tokenizer
from tests.unfinished import stopped, taken_up

PROBE = Probe(
    ("The {}", "The fox of the {}"),
    (
        Group("near", ("north", "valley", "hill")),
        Group("antonym", ("fox", "otter")),
    ),
    (("north", "fox"), ("otter", "hill")),
)
COLLAPSE = {
    "nc1_cdnv", "nc1_cdnv_squared", "nc2_equinorm", "nc2_equinorm_log", "nc2_etf_error",
    "gnc2_log", "gnc2_log_mean", "nc3_dual_error", "unc3", "nc4_agreement",
}  # fmt: skip
WORDS = {"crowding", "entanglement", "synonym_gap", "synonym_separation"}


@pytest.fixture
def model(tmp_path):
    return pair("gpt2", tmp_path)[1]


@pytest.fixture(params=["gpt2", "llama"])
def reader(request, tmp_path):
    return pair(request.param, tmp_path)[1]


def arrays(model, min_count=5, probe=PROBE, skipped=0, kept=NOTHING_KEPT):
    counts = tokenizer().counts(TEXTS)
    likelihoods, classes = heldout_and_classes(model, tokenizer(), TEXTS, counts, min_count, kept)
    states = last_states(model, tokenizer(), probe.sentences(), kept)
    return likelihoods, classes, probe.arrays(states, skipped)


def all_states(model):
    """Hidden states and targets of all texts, one by one."""
    hidden, targets = [], []
    for ids in tokenizer().documents(TEXTS):
        with torch.inference_mode():
            hidden.append(model.hidden(torch.tensor([ids[:-1]]))[0].double().numpy())
        targets += ids[1:]
    return np.concatenate(hidden), np.array(targets)


def test_against_the_definitions_on_all_states_at_once(model):
    hidden, targets = all_states(model)
    whole = class_statistics(hidden, targets, 300)
    ids = np.flatnonzero(whole.counts >= 5)
    means, variances = whole.means[ids], whole.variances[ids]
    weights = model.unembedding()[torch.from_numpy(ids)].numpy()
    expected = collapse_metrics(means, variances, weights)
    agreed = agreement(weights, means, hidden) / len(hidden)
    _, classes, probe = arrays(model)
    metrics, counts = model_metrics(classes, probe)
    assert classes["ids"].tolist() == ids.tolist()
    assert classes["means"].dtype == classes["weights"].dtype == np.float32
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-4), name
    assert 0 < metrics["nc4_agreement"] == pytest.approx(agreed, abs=0.01)
    assert counts["classes"] == len(ids) > 2
    assert counts["class_tokens"] == whole.counts[ids].sum()
    assert counts["nc4_tokens"] == len(targets)


def test_the_pass_gives_the_likelihoods_that_it_gives_alone(model):
    likelihoods, _, _ = arrays(model)
    alone = heldout_arrays(model, tokenizer(), TEXTS, tokenizer().counts(TEXTS))
    assert likelihoods.keys() == alone.keys()
    for name, array in alone.items():
        assert (likelihoods[name] == array).all()


def test_the_class_statistics_alone_are_those_of_the_pass(model):
    alone = probing.class_statistics(model, tokenizer(), TEXTS, 5)
    occurrences = alone.pop("occurrences")
    _, classes, _ = arrays(model)
    assert alone.keys() == classes.keys() - {"word_rows"}
    for name, array in alone.items():
        np.testing.assert_array_equal(array, classes[name])
    rows = [token for ids in tokenizer().documents(TEXTS) for token in ids[1:]]
    np.testing.assert_array_equal(occurrences, np.bincount(rows, minlength=len(occurrences)))


def test_words_against_the_definitions(model):
    _, classes, probe = arrays(model, skipped=7)
    metrics, counts = model_metrics(classes, probe)
    ids = tokenizer().frequent_words(tokenizer().counts(TEXTS), 1000)
    rows = model.unembedding()[torch.from_numpy(ids)].numpy()
    assert metrics["crowding"] == pytest.approx(crowding(rows))
    assert metrics["entanglement"] == pytest.approx(entanglement(rows))
    states = probe["states"]
    assert states.shape == (5, 2, 16)
    unrelated = [(0, 3), (4, 2)]
    assert metrics["synonym_gap"] == synonym_gap(states, [[0, 1, 2]], unrelated)
    assert metrics["synonym_separation"] == synonym_separation(states, [[0, 1, 2]])
    assert metrics["antonym_gap"] == synonym_gap(states, [[3, 4]], unrelated)
    assert metrics.keys() == COLLAPSE | WORDS | {"antonym_gap"}
    assert counts["probe_words"] == 5
    assert counts["probe_words_skipped"] == 7
    assert counts["embedding_words"] == len(ids)


def test_the_state_of_a_word_is_that_of_its_last_token(model):
    _, _, probe = arrays(model)
    (ids,) = tokenizer().encode(["The fox of the valley"])
    with torch.inference_mode():
        states = model.hidden(torch.tensor([[tokenizer().start, *ids]]))[0]
    np.testing.assert_allclose(probe["states"][1, 1], states[-1].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("limit", [0, 3000])
def test_states_too_many_to_keep_are_computed_again(model, limit, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", 64)
    _, kept, _ = arrays(model)
    passes = []
    monkeypatch.setattr(
        probing, "visit_hidden", lambda *args: passes.append(1) or visit_hidden(*args)
    )
    monkeypatch.setattr(probing, "KEPT_BYTES", limit)
    _, found, _ = arrays(model)
    assert passes == [1]
    for name, array in kept.items():
        assert (found[name] == array).all(), name


def test_nothing_is_random(model):
    for one, other in zip(arrays(model), arrays(model), strict=True):
        assert one.keys() == other.keys()
        for name, array in one.items():
            assert (array == other[name]).all(), name


@pytest.mark.parametrize("classes", [0, 1])
def test_too_few_classes_read_as_the_worst_and_never_as_collapse(model, classes):
    _, found, probe = arrays(model, 5 if classes else 10**6)
    for name in ("ids", "counts", "variances", "means", "weights"):
        found[name] = found[name][:classes]
    both = CentreAgreement(np.ones((1, 16)), np.ones((1, 16)))
    both.update(torch.eye(16))
    if classes:
        found |= {"agreed": np.array(both.agreed), "tokens": np.array(both.tokens)}
    metrics, counts = model_metrics(found, probe)
    assert counts["classes"] == classes
    assert metrics["nc1_cdnv"] == metrics["nc1_cdnv_squared"] == 1e9
    assert metrics["nc2_equinorm"] == 1.0
    assert metrics["nc2_etf_error"] == metrics["nc3_dual_error"] == pytest.approx(np.sqrt(2))
    assert metrics["gnc2_log_mean"] == pytest.approx(13.8, abs=0.1)
    assert metrics["unc3"] == 1.0
    assert metrics["nc4_agreement"] == 0.0
    assert all(value is None or np.isfinite(value) for value in metrics.values())


def test_a_model_whose_states_are_all_equal_reads_as_the_worst(model):
    weights = model.parameters()
    for name, weight in weights.items():
        if "ln_f.weight" in name:
            weight.zero_()
    _, classes, probe = arrays(model)
    metrics, _ = model_metrics(classes, probe)
    assert metrics["nc1_cdnv"] == 1e9
    assert metrics["nc2_etf_error"] == pytest.approx(np.sqrt(2))
    assert metrics["nc4_agreement"] == 0.0
    assert metrics["synonym_gap"] == pytest.approx(0.0, abs=1e-12)
    assert metrics["synonym_separation"] == 0.0


def test_words_that_the_corpus_lacks_are_not_measured(model):
    nothing = Probe(PROBE.carriers, (), ())
    _, classes, probe = arrays(model, probe=nothing, skipped=5)
    classes["word_rows"] = classes["word_rows"][:1]
    metrics, counts = model_metrics(classes, probe)
    assert {name: metrics[name] for name in WORDS} == dict.fromkeys(WORDS)
    assert metrics.keys() == COLLAPSE | WORDS
    assert counts["probe_words"] == 0
    assert counts["embedding_words"] == 1


def test_no_torch_in_the_numbers():
    code = "import sys, palimpsest.evaluation.model_metrics; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# Hidden states of whole texts and of their last tokens


def plain(model, ids):
    """Hidden states of one row of ids, from a plain pass."""
    with torch.inference_mode():
        return model.hidden(torch.tensor([ids]))[0].numpy()


@pytest.mark.parametrize("positions", [30, 8192])
def test_every_state_of_the_likelihood_pass_in_its_order(reader, positions, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", positions)
    texts = [*TEXTS, "", " ".join(TEXTS[:9])]
    got, expected = [], []
    visit_hidden(reader, tokenizer(), texts, lambda hidden: got.append(hidden.numpy().copy()))
    likelihood(
        reader, tokenizer(), texts, None, lambda hidden, *_: expected.append(hidden.numpy().copy())
    )
    assert [len(part) for part in got] == [len(part) for part in expected]
    np.testing.assert_allclose(np.concatenate(got), np.concatenate(expected), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("positions", [30, 8192])
def test_the_last_token_of_each_text(reader, positions, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", positions)
    texts = [TEXTS[0], "fox", "", " ".join(TEXTS[:3])]
    got = last_states(reader, tokenizer(), texts)
    assert got.dtype == np.float32
    for row, ids in zip(got, tokenizer().encode(texts), strict=True):
        expected = plain(reader, [tokenizer().start, *ids])[-1]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_of_a_text_longer_than_the_context_the_end_is_read(reader):
    text = " ".join(TEXTS[:9])
    (ids,) = tokenizer().encode([text])
    assert len(ids) > reader.context
    (row,) = last_states(reader, tokenizer(), [text])
    expected = plain(reader, ids[-reader.context :])[-1]
    np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_what_follows_the_slot_changes_nothing(reader):
    """Why carriers end at their slot: the model is causal."""
    (ids,) = tokenizer().encode([TEXTS[0]])
    whole = plain(reader, [tokenizer().start, *ids])
    (row,) = last_states(reader, tokenizer(), [tokenizer().decode([ids[:4]])[0]])
    np.testing.assert_allclose(row, whole[4], rtol=1e-4, atol=1e-5)


def test_no_texts(reader):
    assert last_states(reader, tokenizer(), []).shape == (0, reader.unembedding().shape[1])


@pytest.mark.parametrize("limit", [2**28, 0])
def test_passes_that_were_stopped_give_the_same_arrays(model, limit, tmp_path, monkeypatch):
    """In the first pass, in the second one, and among the words."""
    monkeypatch.setattr(batching, "BATCH_TOKENS", 64)
    monkeypatch.setattr(probing, "KEPT_BYTES", limit)
    whole, steps = taken_up(lambda kept: arrays(model, kept=kept), tmp_path / "whole")
    passes = len(list((tmp_path / ".whole.unfinished").iterdir()))
    assert passes == (2 if limit else 3)
    assert steps > 4 * passes
    for last in range(1, steps + 1):
        out = tmp_path / f"g{last:02d}"
        stopped(lambda kept: arrays(model, kept=kept), out, last)
        found, worked = taken_up(lambda kept: arrays(model, kept=kept), out)
        for one, other in zip(found, whole, strict=True):
            assert one.keys() == other.keys()
            for name, array in one.items():
                assert (array == other[name]).all(), (last, name)
        # with the hidden states of a first pass lost, a second one is made
        assert worked == steps - last or (limit and worked > steps - last)


def test_class_counts_of_another_threshold_are_made_of_the_same_sums(model, tmp_path, monkeypatch):
    """What a state depends on is its key, and no more."""
    monkeypatch.setattr(batching, "BATCH_TOKENS", 64)
    monkeypatch.setattr(probing, "KEPT_BYTES", 0)
    expected, steps = taken_up(lambda kept: arrays(model, 3, kept=kept), tmp_path / "whole")
    assert expected[1]["ids"].tolist() != arrays(model)[1]["ids"].tolist()
    stopped(lambda kept: arrays(model, 5, kept=kept), tmp_path / "g01", steps - 2)
    found, worked = taken_up(lambda kept: arrays(model, 3, kept=kept), tmp_path / "g01")
    assert 2 < worked < steps
    for name, array in expected[1].items():
        assert (found[1][name] == array).all(), name
