"""Times from a few steps: proportion to the work, with a clock that counts what is done."""

from typing import Any

import numpy as np
import pytest

from palimpsest.core.parameters import Parameters
from palimpsest.lm import timing
from palimpsest.lm.training_curve import Step
from tests.tiny import tiny_params, turn

TEXTS = [f"text {number}" for number in range(40)]


class Tokens:
    """A tokenizer of texts of ten tokens each."""

    def documents(self, texts: Any) -> list[list[int]]:
        return [list(range(11)) for _ in texts]


def parameters(**values: Any) -> Parameters:
    params = tiny_params()
    for key, value in values.items():
        turn(params, key.replace("__", "."), value)
    return Parameters.of(params)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only work moves."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    return now


@pytest.mark.parametrize(("steps", "epochs", "tokens"), [(100, None, 8_000), (None, 3, 1_200)])
def test_a_training_takes_its_tokens_at_the_pace_of_the_first_steps(
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
    steps: int | None,
    epochs: int | None,
    tokens: int,
) -> None:
    def train(model: Any, tokenizer: Any, texts: Any, params: Any, rng: Any, look: Any) -> None:
        assert (params.steps, params.epochs) == (timing.STEPS, None)
        for number in range(params.steps):
            clock[0] += 60.0 if number == 0 else 0.5  # the first one waits for much
            look(Step(number + 1, 1.0, 0.1, 1.0, 80), params.steps)

    monkeypatch.setattr(timing, "train", train)
    params = parameters(finetune__steps=steps, finetune__epochs=epochs).finetune
    seconds = timing.time_of_training(None, Tokens(), TEXTS, params)  # type: ignore[arg-type]
    assert seconds == pytest.approx(0.5 * tokens / 80)


class Author:
    """Writes a token of all documents of a batch in 0.1 s, after 7 s of beginning."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock

    def write(self, prompts: Any, params: Any, noise: Any) -> None:
        assert not params.stop_at_end
        assert noise(range(len(prompts)), 3).shape == (len(prompts), 3)
        self.clock[0] += 7.0 + 0.1 * params.max_new_tokens


@pytest.mark.parametrize(
    ("documents", "batch", "longest", "seconds"),
    [(20, 20, 40, 4.0), (40, 20, 40, 8.0), (20, 20, 4, 7.4)],  # the last: too short for a pace
)
def test_writing_takes_a_pace_for_each_token_of_each_batch(
    clock: list[float], documents: int, batch: int, longest: int, seconds: float
) -> None:
    params = parameters(generate__batch_size=batch, generate__max_new_tokens=longest).generate
    prompts: list[list[int]] = [[] for _ in range(documents)]
    found = timing.time_of_writing(Author(clock), prompts, params)  # type: ignore[arg-type]
    assert found == pytest.approx(seconds)


def test_reading_takes_a_pace_for_each_token(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def likelihood(model: Any, tokenizer: Any, texts: Any) -> Any:
        clock[0] += 0.25 * len(texts)
        return type("Scored", (), {"tokens": np.full(len(texts), 10)})

    monkeypatch.setattr(timing, "likelihood", likelihood)
    found = timing.time_of_reading(None, None, TEXTS)  # type: ignore[arg-type]
    assert found == pytest.approx(0.025)
