from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError, MetricError, ModelError
from palimpsest.core.words import count_words
from palimpsest.lm.hub import HubModel
from palimpsest.lm.scoring import likelihood
from palimpsest.monitor.live import live_model
from palimpsest.monitor.measuring import Monitor, heldout_part, sample_size
from palimpsest.monitor.options import DEFAULTS, OF_HELDOUT, OF_SAMPLES
from tests.auditing.corpora import encode, human
from tests.monitor.trained import HELDOUT, TEXTS, model, tokenizer

PARAMS = DEFAULTS.changed(
    samples=12, max_new_tokens=24, min_count=3, metrics=[*OF_SAMPLES, *OF_HELDOUT]
)


def fitted(reference: Sequence[str] = TEXTS, encode: Any = encode, **options: Any) -> Monitor:
    params = PARAMS.changed(**options)
    return Monitor(tokenizer(), 64, reference, HELDOUT, encode, params)


@cache
def plain() -> Monitor:
    return fitted()


@cache
def live() -> HubModel:
    return live_model(model().eval())


def test_every_metric_that_may_be_named_is_measured() -> None:
    measured = plain().measure(live(), 200)
    assert {*measured.values} == {*PARAMS.metrics}
    assert {*measured.bands} == {*OF_SAMPLES}
    assert all(type(value) is float for value in measured.logs().values())


def test_what_is_logged() -> None:
    monitor = fitted(metrics=["vendi", "nc4_agreement"])
    logs = monitor.measure(live(), 3).logs()
    names = ["step", "seconds", "vendi", "nc4_agreement", "vendi_position", "outside"]
    assert [*logs] == [f"collapse/{name}" for name in names]
    assert logs["collapse/step"] == 3.0
    assert logs["collapse/seconds"] > 0.0
    assert logs["collapse/outside"] == float(logs["collapse/vendi_position"] < -1.0)


def test_metrics_of_held_out_texts_alone_write_and_embed_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("something was written or embedded")

    monitor = fitted(encode=never, metrics=["perplexity_heldout", "nc4_agreement"])
    monkeypatch.setattr(monitor, "write", never)
    measured = monitor.measure(live(), 200)
    whole = plain().measure(live(), 200).values
    assert measured.values == {name: whole[name] for name in monitor.params.metrics}
    assert measured.logs()["collapse/outside"] == 0.0


def test_the_same_step_has_the_same_numbers_and_another_has_others() -> None:
    first, again = (plain().measure(live(), 200).values for _ in range(2))
    assert first == again
    assert plain().write(live(), 200) != plain().write(live(), 400)
    assert fitted(seed=1).write(live(), 200) != plain().write(live(), 200)


def test_held_out_perplexity_is_that_of_the_chosen_texts() -> None:
    monitor = plain()
    scored = likelihood(live(), tokenizer(), monitor.heldout)
    expected = np.exp(scored.nll_nats.sum() / scored.tokens.sum())
    assert monitor.measure(live(), 0).values["perplexity_heldout"] == pytest.approx(expected)


def test_human_text_lies_inside_its_band(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor, inside = fitted(metrics=["integrity", "vendi", "distinct_2"]), 0
    for seed in range(1, 21):
        fresh = tokenizer().decode([row[:24] for row in tokenizer().encode(human(12, seed))])
        monkeypatch.setattr(monitor, "write", lambda model, step, texts=fresh: texts)
        positions = monitor.measure(live(), 0).positions
        inside += sum(abs(place) <= 1.0 for place in positions.values())
    assert inside >= 50  # of 60; 95 % are 57


@pytest.mark.parametrize("text", ["", "t1w2", "t1w2 cow3 t1w4 cow5 t1w6"])
def test_collapse_reads_as_collapse(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, one word and one text: outside on the side of collapse, and never NaN."""
    metrics = ["integrity", "vendi", "duplicates", "perplexity_heldout"]
    monitor = fitted(samples=48, metrics=metrics)
    monkeypatch.setattr(monitor, "write", lambda model, step: [text] * 48)
    measured = monitor.measure(live(), 0)
    assert measured.values["integrity"] == 0.0
    assert measured.values["vendi"] == pytest.approx(1.0)
    assert measured.values["duplicates"] == pytest.approx(47 / 48)
    assert measured.logs()["collapse/outside"] == 3.0
    assert np.isfinite([*measured.logs().values()]).all()


def test_the_reference_is_cut_as_the_texts_that_are_written() -> None:
    """Else every text would be short beside it, and its words more varied."""
    cut = fitted(max_new_tokens=6)
    whole = fitted(max_new_tokens=60)
    assert all(len(row) <= 7 for row in tokenizer().encode(cut.side.fit.texts))
    most = max(count_words(text) for text in cut.side.fit.texts)
    assert most < min(count_words(text) for text in whole.side.fit.texts)


def test_prompts_are_taken_in_turn_and_taken_off() -> None:
    monitor = fitted(prompts=["t1w2 cow3", "cow1"])
    assert monitor.prompts == tokenizer().encode(["t1w2 cow3", "cow1"]) * 6
    whole = {" ".join(text.split()[:2]) for text in TEXTS}
    assert not any(text.startswith(tuple(whole)) for text in monitor.side.fit.texts[:3])


def test_texts_are_no_longer_than_the_context() -> None:
    monitor = Monitor(tokenizer(), 10, TEXTS, (), encode, PARAMS)
    assert monitor.sampling.max_new_tokens == 9
    with pytest.raises(ModelError, match=r"monitor.prompts: want prompts of fewer than 3 tokens"):
        Monitor(tokenizer(), 4, TEXTS, (), encode, PARAMS.changed(prompts=["t1w2 t3w4 t5w6"]))


def test_scores_that_are_no_numbers_are_an_error() -> None:
    broken = model().eval()
    with torch.no_grad():
        broken.transformer.wte.weight[0] = float("nan")
    with pytest.raises(ModelError, match="want numbers, got NaN or infinity"):
        plain().measure(HubModel(broken), 0)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (lambda n: np.ones((n, 3)), "want an encoder that tells texts apart"),
        (lambda n: np.ones((n + 1, 3)), "want embeddings of shape"),
        (lambda n: np.ones(n), "want embeddings of shape"),
        (lambda n: np.full((n, 3), np.nan), "want finite embeddings"),
    ],
)
def test_embeddings_that_cannot_be_measured_are_refused(vectors: Any, said: str) -> None:
    def bad(texts: Sequence[str]) -> NDArray[np.float64]:
        return vectors(len(texts))

    with pytest.raises(MetricError, match=said):
        fitted(encode=bad)


@pytest.mark.parametrize(("texts", "asked", "size"), [(15, None, 5), (1000, None, 64), (30, 7, 7)])
def test_the_sample_size(texts: int, asked: int | None, size: int) -> None:
    assert sample_size(texts, asked) == size


@pytest.mark.parametrize(("texts", "asked", "least"), [(14, None, 15), (30, 11, 33)])
def test_a_reference_of_fewer_than_three_samples_is_refused(
    texts: int, asked: int | None, least: int
) -> None:
    with pytest.raises(CorpusError, match=f"monitor.reference: want >= {least} distinct texts"):
        sample_size(texts, asked)


def test_texts_that_are_one_when_cut_count_once() -> None:
    alike = [f"cow1 cow2 cow3 t1w{number}" for number in range(100)]
    with pytest.raises(CorpusError, match=r"monitor.reference: want >= 36 distinct"):
        fitted(reference=alike, max_new_tokens=2)


def test_held_out_texts_fill_their_budget() -> None:
    lengths = {text: len(tokenizer().encode([text])[0]) for text in HELDOUT}
    chosen = heldout_part(tokenizer(), [*HELDOUT, ""], 300, 0)
    total = sum(lengths[text] for text in chosen)
    assert 300 - min(lengths.values()) < total + max(lengths.values())
    assert total <= 300
    assert len({*chosen}) == len(chosen)
    assert heldout_part(tokenizer(), HELDOUT, 10**6, 0) != HELDOUT  # in an order of its own
    assert sorted(heldout_part(tokenizer(), HELDOUT, 10**6, 0)) == sorted(HELDOUT)


def test_a_held_out_text_that_is_too_long_alone_is_cut() -> None:
    (cut,) = heldout_part(tokenizer(), [" ".join(TEXTS)], 50, 0)
    assert " ".join(TEXTS).startswith(cut)
    assert len(tokenizer().encode([cut])[0]) == pytest.approx(50, abs=2)


def test_held_out_texts_without_a_token_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"monitor.heldout: want a text with a token"):
        Monitor(tokenizer(), 64, TEXTS, ["", ""], encode, PARAMS)
