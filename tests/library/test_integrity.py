"""The calibrated score of texts and of embeddings: it is the audit's, and reads what it says."""

from typing import Any

import numpy as np
import pytest

import palimpsest
from palimpsest.core.errors import CorpusError, MetricError, ModelError, ParamsError
from palimpsest.metrics import geometry
from tests.auditing.corpora import encode, human

ROUGH = {"half_samples": 0, "null_samples": 10}
"""No intervals, and fewer null samples: where only values are looked at."""


def cloud(seed: Any, count: int, dims: int = 24) -> Any:
    """Rows whose spread falls from direction to direction, as that of embeddings does."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)) / np.sqrt(np.arange(1, dims + 1)) + 0.1


def test_fresh_text_reads_one_and_shrunk_text_an_eighth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "RAREFIED_DRAWS", 1)
    read, shrunk = [], []
    for seed in range(40):
        rows = cloud(seed, 400)
        people, fresh = rows[:300], rows[300:]
        read.append(palimpsest.integrity(people, fresh, lam=0.0, **ROUGH).value)
        shrunk.append(palimpsest.integrity(people, 0.5 * fresh, lam=0.0, **ROUGH).value)
    np.testing.assert_allclose(np.array(shrunk) * 8, read)
    # one sample varies by 16 %, a pool of two by half of that variance: 3.1 % over 40 corpora
    error = np.std(read, ddof=1) / 40**0.5
    assert error < 0.05
    assert np.mean(read) == pytest.approx(1.0, abs=3 * error)


def test_it_is_told_at_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,000 texts against 300 human ones only 100 are looked at, as many as are fitted on: all
    of them would read more, for hulls grow with the number of points.
    """
    monkeypatch.setattr(geometry, "RAREFIED_DRAWS", 1)
    scores = []
    for seed in range(20):
        rows = cloud(seed, 1300)
        scores.append(palimpsest.integrity(rows[:300], rows[300:], **ROUGH))
    assert {score.sample for score in scores} == {100}
    assert np.mean([score.value for score in scores]) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("copies", [1, 5])
def test_it_is_the_number_of_an_audit(copies: int) -> None:
    people = human(120, seed=1)
    texts = human(40 // copies, seed=2) * copies
    options = {"encoder": encode, "half_samples": 6, "null_samples": 8, "seed": 3}
    score = palimpsest.integrity(people + people[:9], texts, **options)
    rows = palimpsest.audit(texts, reference=people + people[:9], **options).metrics
    row = next(row for row in rows if row["metric"] == "integrity")
    assert (score.value, score.low, score.high) == (row["value"], row["low"], row["high"])
    assert score.band == (row["null_low"], row["null_high"])


def test_texts_and_their_embeddings_read_the_same() -> None:
    people, texts = human(60, seed=1), human(20, seed=2)
    options = {"half_samples": 4, "null_samples": 4}
    of_texts = palimpsest.integrity(iter(people), texts, encoder=encode, **options)
    assert of_texts == palimpsest.integrity(encode(people), encode(texts), **options)


def test_the_result_by_hand() -> None:
    """Without an interval; the published score is the Ainex score over the fit sample's own."""
    people, texts = cloud(1, 90), cloud(2, 30)
    score = palimpsest.integrity(people, texts, lam=0.5, **ROUGH)
    assert (score.low, score.high) == (None, None)
    assert float(score) == score.value
    rows = {row["metric"]: row for row in score.metrics}
    drift, volume = rows["drift"]["value"], rows["volume"]["value"]
    ainex = volume / (1 + 0.5 * drift**2)
    assert rows["ainex"]["value"] == pytest.approx(ainex)
    assert score.value == pytest.approx(ainex / rows["ainex"]["null_mean"])
    assert rows["integrity_published"]["value"] == score.published
    assert score.published < score.value
    assert score.band == (rows["integrity"]["null_low"], rows["integrity"]["null_high"])
    assert rows["explained"]["null_low"] is None or rows["explained"]["null_mean"] > 0


def test_it_reads_well() -> None:
    people, texts = cloud(1, 90), cloud(2, 30)
    score = palimpsest.integrity(people, texts, half_samples=4)
    line = repr(score)
    assert line.startswith(f"Integrity({score.value:.3g}"[:12])
    for part in ("fresh human text", "published", "n = 30", " to "):
        assert part in line
    assert score._repr_html_().count("<tr>") == 1 + len(score.metrics)


def test_the_interval_lies_about_the_value() -> None:
    score = palimpsest.integrity(cloud(1, 300), cloud(2, 100), half_samples=20)
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high
    assert score.band[0] < 1 < score.band[1]


def test_the_seed_draws_and_options_are_taken() -> None:
    people, texts = cloud(17, 90), cloud(18, 30)
    one, same, other = (
        palimpsest.integrity(people, texts, seed=seed, half_samples=0) for seed in (0, 0, 1)
    )
    assert one == same
    assert one.value != other.value
    assert palimpsest.integrity(people, texts, sample=20, half_samples=0).sample == 20
    few = palimpsest.integrity(people, texts, null_samples=2, half_samples=0)
    assert few.value != one.value
    assert few.published == one.published


def test_collapse_is_never_perfection() -> None:
    people = cloud(30, 60)
    for score in (
        palimpsest.integrity(people, np.tile(people[0], (20, 1))),
        palimpsest.integrity(np.ones((60, 4)), cloud(31, 20, dims=4)),
        palimpsest.integrity(np.ones((60, 4)), np.ones((20, 4))),
    ):
        assert (score.value, score.published) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"human": human(60, 1)}, MetricError, "generated: want texts, as human, got embeddings"),
        ({"generated": human(9, 1)}, MetricError, "generated: want embeddings, as human, got text"),
        (
            {"human": cloud(0, 14)},
            CorpusError,
            "human: want >= 15 texts, three times the sample of 5, got 14",
        ),
        ({"human": []}, MetricError, "human: want >= 5 texts, got 0"),
        ({"generated": []}, MetricError, "generated: want >= 5 texts, got 0"),
        ({"generated": cloud(0, 9, 23)}, MetricError, "want 24 dimensions, .*got 23"),
        ({"sample": 21}, CorpusError, "sample: want <= 20, the generated texts, got 21"),
        ({"sample": 4}, ParamsError, r"integrity.sample: want >= 5"),
        ({"level": 0.1}, ParamsError, "integrity: want of sample, seed.*got level"),
        ({"seed": -1}, ParamsError, "integrity.seed: want >= 0, got -1"),
        ({"lam": -1.0}, MetricError, "lam: want >= 0"),
    ],
)
def test_mistakes(change: dict[str, Any], kind: type[Exception], said: str) -> None:
    given = {"human": cloud(1, 60), "generated": cloud(2, 20), "half_samples": 0} | change
    with pytest.raises(kind, match=said):
        palimpsest.integrity(**given)


def test_an_encoder_that_cannot_be_used() -> None:
    with pytest.raises(ModelError, match="encoder: want 'bundled'"):
        palimpsest.integrity(human(60, 1), human(20, 2), encoder=None)
    with pytest.raises(MetricError, match="embeddings: want finite numbers"):
        palimpsest.integrity(
            human(60, 1), human(20, 2), encoder=lambda texts: np.full((len(texts), 2), np.nan)
        )


def test_enough_human_texts_is_fifteen() -> None:
    assert palimpsest.integrity(cloud(1, 15), cloud(2, 5), half_samples=0).value > 0
