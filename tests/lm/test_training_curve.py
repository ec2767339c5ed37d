"""A curve that is read behind the training is the same curve, with the same errors."""

import pytest
import torch

from palimpsest.core.errors import TrainingError
from palimpsest.core.rng import stream
from palimpsest.lm.training import train
from palimpsest.lm.training_curve import Curve, Step, Taken, curve_csv
from palimpsest.lm.transfers import Arriving
from tests.lm.tiny import TEXTS, pair, tokenizer, training
from tests.unfinished import stopped, taken_up


def taken(number, loss=8.0, norm=0.5):
    return Taken(number, 0.1, 4, Arriving([torch.tensor(loss), torch.tensor(norm)]))


@pytest.fixture
def behind(monkeypatch):
    """Reads the steps of a training late, as on a GPU; says how many were not yet read."""
    add, waiting = Curve.add, []

    def late(curve, step, ahead):
        assert ahead == 0, "on a CPU nothing is gained"
        add(curve, step, 2)
        waiting.append(len(curve._taken))

    def use():
        monkeypatch.setattr(Curve, "add", late)
        return waiting

    return use


def test_a_step_is_read_when_so_many_came_after_it():
    shown = []
    curve = Curve([Step(1, 3.0, 0.1, 1.0, 4)], shown.append)
    assert [step.step for step in shown] == [1]
    for number in (2, 3, 4):
        curve.add(taken(number), 1)
    assert [step.step for step in shown] == [1, 2, 3]
    assert curve.read() == shown
    assert [step.step for step in shown] == [1, 2, 3, 4]
    assert shown[-1] == Step(4, 2.0, 0.1, 0.5, 4)
    assert curve.read() == shown, "nothing is shown twice"


@pytest.mark.parametrize(
    ("numbers", "what"),
    [
        ((float("nan"), 0.5), "loss at step 2: want a finite number, got nan"),
        ((8.0, float("inf")), "gradient norm at step 2: want a finite number, got inf"),
        ((float("inf"), float("nan")), "loss at step 2"),
    ],
)
def test_what_is_no_number_names_its_step_when_it_is_read(numbers, what):
    curve = Curve([], lambda step: None)
    curve.add(taken(1), 1)
    curve.add(taken(2, *numbers), 1)
    with pytest.raises(TrainingError, match=what):
        curve.add(taken(3), 1)


def run(model, kept=None, **changes):
    more = {} if kept is None else {"kept": kept}
    return train(model, tokenizer(), TEXTS, training(**changes), stream(0, "order"), **more)


def test_a_training_that_is_read_late_has_the_same_bits(behind, tmp_path):
    model = pair("gpt2", tmp_path)[1]
    expected, curve = run(model, steps=6)
    waiting = behind()
    trained, again = run(model, steps=6)
    assert waiting == [1, 2, 2, 2, 2, 2]
    assert again == curve
    assert len(curve) == 6
    for name, weight in expected.parameters().items():
        assert torch.equal(weight, trained.parameters()[name])


def test_a_training_that_is_read_late_names_the_step_that_failed(behind, tmp_path):
    model = pair("gpt2", tmp_path)[1]
    behind()
    with pytest.raises(TrainingError, match="loss at step 2: want a finite number, got nan; no mo"):
        run(model, steps=3, learning_rate=1e30)


def test_a_state_is_kept_with_all_of_its_curve(behind, tmp_path):
    model = pair("gpt2", tmp_path)[1]
    behind()

    def work(kept):
        trained, curve = run(model, kept, steps=6)
        return curve, [weight.tolist() for weight in trained.parameters().values()]

    whole = run(model, steps=6)[1]
    stopped(work, tmp_path / "g01", 3)
    (curve, _), steps_taken = taken_up(work, tmp_path / "g01")
    assert (curve, steps_taken) == (whole, 3)


def test_a_curve_as_csv_by_hand():
    lines = curve_csv([Step(1, 2.0, 1e-4, 0.5, 7), Step(2, 1.23456789, 1e-4, 0.25, 6)])
    assert lines.decode().splitlines() == [
        "step,loss_nats,learning_rate,gradient_norm,tokens",
        "1,2,0.0001,0.5,7",
        "2,1.23457,0.0001,0.25,6",
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_a_gpu_no_step_makes_the_host_wait(dtype, tmp_path):
    """But for the event of the step before it, which torch does not count."""
    model = pair("gpt2", tmp_path)[1].to(torch.float32, torch.device("cuda"))
    seen = []

    def progress(step, steps):
        seen.append(step.step)
        torch.cuda.set_sync_debug_mode("error" if 1 < step.step < 6 else "default")

    try:
        train(
            model,
            tokenizer(),
            TEXTS,
            training(steps=8, dtype=dtype),
            stream(0, "order"),
            progress,
        )
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert seen == [*range(1, 9)]
