"""Training: the schedule by hand, no loss on padding, a constant divisor, honest failures."""

import json
import math
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from palimpsest.core.errors import CorpusError, ParamsError, TrainingError
from palimpsest.core.resume import NOTHING_KEPT
from palimpsest.core.rng import stream
from palimpsest.lm.checkpoint import load_model, save_model
from palimpsest.lm.hub import HubModel
from palimpsest.lm.scoring import likelihood
from palimpsest.lm.training import schedule, train
from stages import finetune
from tests.lm.architectures import random_model
from tests.lm.tiny import TEXTS, pair, saved, theirs, tokenizer, training
from tests.tiny import tiny_params
from tests.unfinished import EveryStep, stopped, taken_up

CPU = torch.device("cpu")
LONG = "The badger of the city wall sleeps near river number 19."
UNEVEN = [TEXTS[0], "fox", LONG, "a", f"{LONG} {LONG}", "The fox", "otter"] * 3
"""Of one token to so many that a document goes on in a second row."""
TRAINING_SETS = {
    "one document": [LONG],
    "of one length": [LONG] * 23,
    "short": ["fox", "a"] * 40,
    "short and long": ["a"] * 17 + [LONG] * 17,
    "one long among short": ["a"] * 60 + [" ".join([LONG] * 12)],
    "uneven": UNEVEN,
    "ten times as large": TEXTS * 10,
}


@pytest.fixture
def model(tmp_path):
    return pair("gpt2", tmp_path)[1]


def run(model, texts=TEXTS, seed=0, **changes):
    return train(model, tokenizer(), texts, training(**changes), stream(seed, "order"))


def one_epoch(model, texts, **changes):
    """The curve of one epoch."""
    return run(model, texts, steps=None, epochs=1.0, **changes)[1]


def difference(one, other) -> float:
    return max(
        float((weight - other.parameters()[name]).detach().abs().max())
        for name, weight in one.parameters().items()
    )


def nll(model, ids):
    """Summed loss of one row, by hand."""
    rows = torch.tensor([ids])
    logp = model.logits(model.hidden(rows[:, :-1])).log_softmax(dim=-1)
    return -logp[0, range(len(ids) - 1), ids[1:]].sum()


def gradient_norm(model, total) -> float:
    weights = list(model.parameters().values())
    return float(torch.stack([g.norm() for g in torch.autograd.grad(total, weights)]).norm())


def test_padding_changes_neither_loss_nor_gradient(model):
    texts = ["The fox", "The badger of the city wall sleeps near river number 19."]
    (step,) = run(model, texts, steps=1)[1]
    for weight in model.parameters().values():
        weight.requires_grad_(True)
    total = sum(nll(model, ids) for ids in tokenizer().documents(texts))
    count = sum(len(ids) - 1 for ids in tokenizer().documents(texts))
    assert step.tokens == count
    assert step.loss_nats == pytest.approx(float(total.detach()) / count, rel=1e-5)
    assert step.gradient_norm == pytest.approx(gradient_norm(model, total / count), rel=1e-4)


def test_skipped_tokens_have_no_loss_by_hand(model):
    """Loss of the second half of a row alone: the first half is read, not learned."""
    text = TEXTS[0]
    ids = tokenizer().documents([text])[0][:32]
    curve = run(model, [text], steps=1, skip_tokens=4, batch_size=1)[1]
    rows = torch.tensor([ids])
    logp = model.logits(model.hidden(rows[:, :-1])).log_softmax(dim=-1)
    by_hand = -logp[0, range(4, len(ids) - 1), ids[5:]].mean()
    assert curve[0].tokens == len(ids) - 5
    assert curve[0].loss_nats == pytest.approx(float(by_hand), rel=1e-5)
    with pytest.raises(CorpusError, match=r"document longer than skip_tokens \(30\), got none"):
        run(model, ["a"], skip_tokens=30)


def test_loss_on_padding_by_hand(model):
    """The published fault: rows are filled, and the filling counts like text."""
    ids = tokenizer().documents(["a b"])[0]
    filled = ids + [tokenizer().end] * (32 - len(ids))
    faulty, clean = (
        run(model, ["a b"], steps=1, batch_size=1, loss_on_padding=on)[1][0] for on in (True, False)
    )
    assert (clean.tokens, faulty.tokens) == (len(ids) - 1, 31)
    assert clean.loss_nats == pytest.approx(float(nll(model, ids)) / (len(ids) - 1), rel=1e-5)
    assert faulty.loss_nats == pytest.approx(float(nll(model, filled)) / 31, rel=1e-5)


def test_the_divisor_is_constant(model):
    # two batches, one short and one long document: each gradient over the mean of both counts
    texts = ["fox", "The badger of the city wall sleeps near river number 19."]
    documents = tokenizer().documents(texts)
    counts = [len(ids) - 1 for ids in documents]
    assert counts[0] < counts[1] / 2
    curve = run(model, texts, batch_size=1, steps=2, learning_rate=1e-7)[1]
    for weight in model.parameters().values():
        weight.requires_grad_(True)
    mean = sum(counts) / 2
    for step in curve:
        ids = documents[counts.index(step.tokens)]
        expected = gradient_norm(model, nll(model, ids) / mean)
        assert step.gradient_norm == pytest.approx(expected, rel=1e-4)
    assert sorted(step.tokens for step in curve) == counts


def test_one_step_of_adamw_by_hand(model):
    # the first step moves every weight by the rate, against the sign of its gradient,
    # after matrices alone have lost a share rate x decay
    trained, _ = run(model, TEXTS[:2], steps=1, learning_rate=0.01, weight_decay=0.5)
    name = "transformer.h.1.mlp.c_proj.{}"
    matrix, vector = (model.weights[name.format(part)] for part in ("weight", "bias"))
    moved = trained.weights[name.format("weight")] - matrix * (1 - 0.01 * 0.5)
    assert (moved.abs() - 0.01).abs().median() < 1e-4
    moved = trained.weights[name.format("bias")] - vector
    assert (moved.abs() - 0.01).abs().median() < 1e-4


def test_many_steps_are_those_of_torch(model, monkeypatch):
    """Bit for bit torch.optim.AdamW, whose class costs two seconds of imports."""
    ours = run(model, steps=5, weight_decay=0.1, schedule="linear")[0]

    class TorchAdamW:
        def __init__(self, weights, decay, betas):
            self.optimizer = torch.optim.AdamW(
                weights, lr=1.0, betas=betas, eps=1e-8, weight_decay=decay, fused=True
            )

        def step(self, number, learning_rate):
            self.optimizer.param_groups[0]["lr"] = learning_rate
            self.optimizer.step()

    monkeypatch.setattr("palimpsest.lm.training._AdamW", TorchAdamW)
    theirs = run(model, steps=5, weight_decay=0.1, schedule="linear")[0]
    assert difference(ours, model) > 0
    assert difference(ours, theirs) == 0


def test_training_does_not_import_the_compiler():
    code = (
        "import sys\n"
        "from palimpsest.core.parameters import ModelParams\n"
        "from palimpsest.core.rng import stream\n"
        "from palimpsest.lm.checkpoint import initial_model\n"
        "from palimpsest.lm.training import train\n"
        "from tests.lm.tiny import TEXTS, training\n"
        "parameters = dict(source='scratch', revision=None, start_token=None, end_token=None)\n"
        "parameters |= dict(tokenizer=None, vocabulary=300)\n"
        "params = ModelParams(**parameters, layers=1, heads=1, width=8, context=32)\n"
        "train(*initial_model(params, TEXTS, 0), TEXTS, training(steps=1), stream(0, 'order'))\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "False"


def test_schedule_by_hand():
    share = partial(schedule, steps=10)
    constant = training(warmup=0.4)
    assert [share(step, params=constant) for step in (1, 2, 4, 5, 10)] == [0.25, 0.5, 1, 1, 1]
    linear = training(schedule="linear", warmup=0.2, final=0.2)
    # 8 steps fall by 0.8
    assert [share(step, params=linear) for step in (1, 2, 3, 6, 10)] == pytest.approx(
        [0.5, 1.0, 0.9, 0.6, 0.2]
    )
    cosine = training(schedule="cosine", warmup=0.2, final=0.1)
    expected = [0.5, 1.0, 1 - 0.9 * (1 - math.sqrt(0.5)) / 2, 0.55, 0.1]
    assert [share(step, params=cosine) for step in (1, 2, 4, 6, 10)] == pytest.approx(expected)
    assert schedule(1, 1, training(schedule="cosine", final=0.1)) == pytest.approx(0.1)
    assert schedule(3, 3, training(schedule="linear", warmup=1.0)) == 1.0


def test_the_curve_shows_the_rate_that_was_used(model):
    trained, curve = run(model, steps=4, schedule="linear", warmup=0.5, learning_rate=0.1)
    assert [step.step for step in curve] == [1, 2, 3, 4]
    assert [step.learning_rate for step in curve] == pytest.approx([0.05, 0.1, 0.05, 0.0])
    three = run(model, steps=3, schedule="linear", learning_rate=0.1)[0]
    assert difference(trained, three) > 1e-3


def test_weights_that_do_not_move_are_no_model(model):
    # a single step of a schedule that ends at 0; a rate that every weight rounds away
    said = "the weights after 1 steps: want others than before, got the same to the last bit"
    with pytest.raises(TrainingError, match=said):
        run(model, steps=1, schedule="linear", final=0.0)
    with pytest.raises(TrainingError, match=r"is finetune.learning_rate too low\?"):
        run(model, steps=3, learning_rate=1e-30)
    trained, _ = run(model, steps=3, learning_rate=1e-6)
    assert difference(trained, model) > 0.0


@pytest.mark.parametrize("family", ["gpt2", "llama", "GPTNeoX"])
def test_weights_are_rounded_to_what_is_saved(family, tmp_path):
    if family == "GPTNeoX":
        model = load_model(saved(random_model(family), tmp_path / "theirs"), device="cpu")
    else:
        model = pair(family, tmp_path / "theirs")[1]
    long, short = (run(model, save_dtype=dtype)[0] for dtype in ("float32", "bfloat16"))
    for name, weight in long.parameters().items():
        stored = short.parameters()[name]
        assert stored.dtype == torch.float32
        assert torch.equal(stored, weight.bfloat16().float())
    assert difference(long, short) > 0.0
    folder = tmp_path / "short"
    folder.mkdir()
    save_model(short, tokenizer(), folder, "bfloat16")
    held = load_file(folder / "model.safetensors")
    assert {weight.dtype for weight in held.values()} == {torch.bfloat16}
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    again = load_model(folder, device="cpu")
    for name, weight in short.parameters().items():
        assert torch.equal(again.parameters()[name], weight)


def test_what_rounding_takes_back_has_not_moved(model):
    """Also of a model that was not rounded before: rounding alone is no training."""
    said = r"got the same .* is finetune\.learning_rate too low\? Does finetune\.save_dtype round"
    assert difference(run(model, learning_rate=1e-7)[0], model) > 0.0
    with pytest.raises(TrainingError, match=said):
        run(model, learning_rate=1e-9, save_dtype="bfloat16")
    trained, _ = run(model, learning_rate=1e-3, save_dtype="bfloat16")
    assert difference(trained, model) > 1e-4


def test_clipping_shortens_the_gradient_and_reports_its_length(model):
    # Adam forgets the scale of a constant gradient, so look at two batches of different length
    free = run(model, steps=5, batch_size=2)
    clipped = run(model, steps=5, batch_size=2, clip_norm=1e-4)
    loose = run(model, steps=5, batch_size=2, clip_norm=1e9)
    assert clipped[1][0] == free[1][0]
    assert free[1][0].gradient_norm > 1e-3
    assert difference(free[0], loose[0]) == 0.0
    assert difference(free[0], clipped[0]) > 1e-4


def test_clipped_gradients_by_hand(model):
    # far below AdamW's epsilon of 1e-8 a step is rate x gradient / epsilon: clipping shows
    trained, _ = run(model, TEXTS[:2], steps=1, learning_rate=1.0, clip_norm=1e-12)
    moved = torch.cat(
        [(trained.weights[name] - weight).flatten() for name, weight in model.weights.items()]
    )
    assert float(moved.norm()) == pytest.approx(1e-12 / 1e-8, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"epochs": 2.0, "steps": None}, 10),
        ({"epochs": 0.01, "steps": None}, 1),
        ({"steps": 3}, 3),
        ({"epochs": 1.0, "steps": None, "batch_size": 7}, 3),
    ],
)
def test_epochs_and_steps(changes, steps, model):
    seen = []
    params = training(**changes)
    generator = stream(0, "order")
    curve = train(model, tokenizer(), TEXTS, params, generator, lambda *step: seen.append(step))[1]
    assert len(curve) == steps
    assert seen == [(step, steps) for step in curve]


@pytest.mark.parametrize("epochs", [0.3, 0.5, 1.4])
def test_parts_of_an_epoch_come_as_close_as_steps_can(epochs, model):
    params = {"steps": None, "batch_size": 3, "learning_rate": 1e-9}
    curve = run(model, UNEVEN, epochs=epochs, **params)[1]
    two = [step.tokens for step in run(model, UNEVEN, epochs=2.0, **params)[1]]
    away = [abs(sum(two[:count]) - epochs * sum(two) / 2) for count in range(len(two) + 1)]
    assert [step.tokens for step in curve] == two[: len(curve)]
    assert away[len(curve)] == min(away)


@pytest.mark.parametrize("size", [1, 3, 7, 20, 99])
@pytest.mark.parametrize("epochs", [1.0, 2.0, 3.0])
def test_whole_epochs_read_every_document_so_often(epochs, size, model):
    params = training(steps=None, epochs=epochs, batch_size=size, learning_rate=1e-9)
    counts = [len(ids) - 1 for ids in tokenizer().documents(UNEVEN)]
    # rows of 32 tokens share one
    rows = sum(math.ceil(count / 31) for count in counts)
    assert rows == len(UNEVEN) + 3
    batches = math.ceil(rows / size)
    for like in (None, UNEVEN):
        curve = train(model, tokenizer(), UNEVEN, params, stream(0, "order"), like=like)[1]
        assert len(curve) == epochs * batches
        for start in range(0, len(curve), batches):
            assert sum(step.tokens for step in curve[start : start + batches]) == sum(counts)


@pytest.mark.parametrize("name", TRAINING_SETS)
@pytest.mark.parametrize("epochs", [1.0, 2.5])
@pytest.mark.parametrize("changes", [{}, {"blocks": "packed"}, {"skip_tokens": 2}], ids=str)
def test_every_training_set_gets_as_many_tokens_to_half_a_batch(name, epochs, changes, model):
    """As many as the epochs of other texts have; no other number of steps comes closer."""
    params = {"batch_size": 5, "learning_rate": 1e-9} | changes
    texts, order = TRAINING_SETS[name], partial(stream, 0, "order")
    matched = training(steps=None, epochs=epochs, **params)
    curve = train(model, tokenizer(), texts, matched, order(), like=TEXTS)[1]
    target = epochs * sum(step.tokens for step in one_epoch(model, TEXTS, **params))
    assert target > 100
    longer = train(model, tokenizer(), texts, training(steps=len(curve) + 1, **params), order())[1]
    sizes = [step.tokens for step in longer]
    assert [step.tokens for step in curve] == sizes[:-1]
    away = abs(sum(sizes[:-1]) - target)
    assert away <= max(sizes[-2:]) / 2
    assert away <= abs(sum(sizes) - target)
    assert away <= abs(sum(sizes[:-2]) - target)


def test_a_larger_training_set_can_get_as_many_tokens(model):
    """Equal optimiser tokens: epochs are counted on other texts than those that are learned."""

    def tokens_of(texts, like, **changes):
        order = stream(0, "order")
        parameters = training(steps=None, epochs=2.0, batch_size=2, **changes)
        curve = train(model, tokenizer(), texts, parameters, order, like=like)[1]
        return sum(step.tokens for step in curve), len(curve)

    alone, steps = tokens_of(TEXTS, None)
    assert tokens_of(TEXTS, TEXTS) == (alone, steps)
    matched, _ = tokens_of(TEXTS * 10, TEXTS)
    assert abs(matched - alone) <= 0.2 * alone
    assert tokens_of(TEXTS * 10, None)[0] == 10 * alone
    # steps are steps
    curve = train(model, tokenizer(), TEXTS, training(steps=3), stream(0, "o"), like=TEXTS * 9)[1]
    assert len(curve) == 3


def test_an_epoch_reads_every_document_once(model):
    curve = run(model, epochs=1.0, steps=None, batch_size=3)[1]
    assert sum(step.tokens for step in curve) == sum(
        len(ids) + 1 for ids in tokenizer().encode(TEXTS)
    )


def test_documents_of_similar_length_stand_side_by_side(model):
    texts = ["fox", "fox fox fox fox fox fox fox fox"] * 20
    curve = run(model, texts, epochs=1.0, steps=None, batch_size=5)[1]
    lengths = sorted(len(ids) + 1 for ids in tokenizer().encode(texts[:2]))
    assert sorted(step.tokens for step in curve) == [5 * lengths[0]] * 4 + [5 * lengths[1]] * 4


def test_a_tiny_model_learns(tmp_path):
    start = pair("gpt2", tmp_path)[1]
    for name, weight in start.weights.items():
        if weight.dim() == 2:
            start.weights[name] = weight * 0.1
    curve = run(start, TEXTS[:4], steps=60, learning_rate=0.02)[1]
    assert curve[0].loss_nats == pytest.approx(math.log(300), rel=0.1)
    assert curve[-1].loss_nats < 0.3 * curve[0].loss_nats


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_bfloat16_learns_like_float32(architecture, tmp_path):
    model = pair(architecture, tmp_path)[1]
    exact, short = (run(model, steps=20, dtype=dtype) for dtype in ("float32", "bfloat16"))
    assert short[0].dtype == torch.float32
    assert exact[1][-1].loss_nats < 0.8 * exact[1][0].loss_nats
    for one, other in zip(exact[1], short[1], strict=True):
        assert other.loss_nats == pytest.approx(one.loss_nats, rel=0.05)
    assert short[1] != exact[1]


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_a_training_in_bfloat16_is_as_good_on_other_texts(architecture, tmp_path):
    """Held-out loss, in float32 on either side, within 1 %."""
    model = pair(architecture, tmp_path)[1]
    heldout = [
        f"The {one} of the {two} sleeps." for one in ("otter", "fox") for two in ("hill", "sea")
    ]

    def loss(of):
        scored = likelihood(of, tokenizer(), heldout)
        return scored.nll_nats.sum() / scored.tokens.sum()

    exact, short = (
        run(model, UNEVEN, steps=60, learning_rate=3e-3, dtype=dtype)[0]
        for dtype in ("float32", "bfloat16")
    )
    assert loss(exact) < 0.75 * loss(model)
    assert loss(short) == pytest.approx(loss(exact), rel=0.01)
    assert difference(short, exact) > 0.0


def test_training_is_deterministic_and_leaves_its_start_alone(model):
    before = model.to(torch.float32, CPU)
    one, other = run(model, steps=5), run(model, steps=5)
    assert one[1] == other[1]
    assert difference(one[0], other[0]) == 0.0
    assert difference(model, before) == 0.0
    assert difference(one[0], model) > 1e-3
    assert run(model, steps=5, seed=1)[1] != one[1]


def test_a_model_of_transformers_learns_the_same(model):
    hub = HubModel(theirs("gpt2"))
    trained, curve = train(hub, tokenizer(), TEXTS, training(), stream(0, "order"))
    ours, expected = run(model)
    for one, other in zip(curve, expected, strict=True):
        assert one.loss_nats == pytest.approx(other.loss_nats, rel=1e-4)
    rows = torch.tensor([tokenizer().encode(TEXTS)[0]])
    with torch.no_grad():
        scores = [model.logits(model.hidden(rows)) for model in (trained, ours)]
    torch.testing.assert_close(scores[0], scores[1], atol=0.02, rtol=0.02)


def test_a_loss_that_is_no_number_names_its_step(model):
    with pytest.raises(TrainingError, match="loss at step 2: want a finite number, got nan; no mo"):
        run(model, steps=5, learning_rate=1e30)


def test_a_gradient_that_is_no_number_names_its_step(model, monkeypatch):
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda weights, limit: torch.tensor(math.inf)
    )
    with pytest.raises(TrainingError, match="gradient norm at step 1: want a finite number, got i"):
        run(model)


def test_no_text_is_an_error(model):
    with pytest.raises(CorpusError, match="the training set: want at least one document, got none"):
        run(model, [])


def test_empty_texts_teach_the_end_alone(model):
    curve = run(model, [""] * 4, steps=1)[1]
    assert curve[0].tokens == 4


def test_rows_must_fit_the_context_and_the_error_names_the_section(model):
    with pytest.raises(
        ParamsError, match=r"finetune\.block_tokens: want at most the model's contex"
    ):
        run(model, block_tokens=65)
    order, params = stream(0, "order"), training(block_tokens=65)
    with pytest.raises(ParamsError, match=r"^pretrain.block_tokens: .* of 64, got 65"):
        train(model, tokenizer(), TEXTS, params, order, section="pretrain")


def stage(tmp_path: Path, texts: Path, **changes) -> None:
    """Runs the stage `finetune` with some parameters changed."""
    params = tiny_params() | {"finetune": training(**changes).as_dict()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    words = ["--generation", "1", "--texts", texts, "--params", tmp_path / "params.yaml"]
    words += ["--previous", tmp_path / "previous", "--base", tmp_path / "base"]
    finetune.main([str(word) for word in [*words, "--out", tmp_path / "out"]])


def test_the_stage_starts_from_previous_or_base_and_writes_nothing_on_failure(tmp_path):
    from palimpsest.core.provenance import write_provenance
    from palimpsest.core.storage import write_texts
    from palimpsest.lm.checkpoint import load_model

    write_texts(tmp_path / "texts.jsonl", TEXTS, prompt=[""] * len(TEXTS))
    write_texts(tmp_path / "training.jsonl", TEXTS)
    write_provenance(tmp_path, "generate", {}, {})
    for seed, name in enumerate(("previous", "base")):
        saved(theirs("gpt2", seed=seed), tmp_path / name)
        write_provenance(tmp_path / name, "finetune", {}, {})
    for init in ("previous", "base"):
        stage(tmp_path, tmp_path, init=init, learning_rate=1e-6)
        start = load_model(tmp_path / init, device="cpu")
        assert 0 < difference(load_model(tmp_path / "out", device="cpu"), start) < 1e-4
    before = sorted(path.name for path in tmp_path.iterdir())
    written = (tmp_path / "out" / "model.safetensors").read_bytes()
    with pytest.raises(TrainingError, match="at step 2"):
        stage(tmp_path, tmp_path, learning_rate=1e30)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == written


def is_same(one, other) -> bool:
    """Whether two results of training have the same bits."""
    return one[1] == other[1] and difference(one[0], other[0]) == 0.0


def trainer(model, texts=TEXTS, seed=0, **changes):
    """Training as a function of where its state is kept."""
    params = training(**{"steps": 5, "schedule": "cosine", "warmup": 0.4, **changes})
    return lambda kept: train(model, tokenizer(), texts, params, stream(seed, "order"), kept=kept)


@pytest.mark.parametrize(
    "changes",
    [{}, {"dtype": "bfloat16"}, {"clip_norm": 1e-3, "weight_decay": 0.1, "steps": 9}],
    ids=str,
)
def test_training_that_was_stopped_ends_with_the_same_bits(changes, model, tmp_path):
    work = trainer(model, **changes)
    whole = work(NOTHING_KEPT)
    steps = len(whole[1])
    for last in range(1, steps + 1):
        out = tmp_path / f"g{last:02d}"
        stopped(work, out, last)
        result, worked = taken_up(work, out)
        assert is_same(result, whole)
        assert worked == steps - last


def test_training_can_be_stopped_again_and_again(model, tmp_path):
    work = trainer(model)
    for _ in range(4):
        stopped(work, tmp_path / "g01", 1)
    result, worked = taken_up(work, tmp_path / "g01")
    assert is_same(result, work(NOTHING_KEPT))
    assert worked == 1


def test_a_model_of_transformers_is_taken_up(tmp_path):
    work = trainer(HubModel(theirs("llama")), dtype="bfloat16")
    stopped(work, tmp_path / "g01", 3)
    result, worked = taken_up(work, tmp_path / "g01")
    assert is_same(result, work(NOTHING_KEPT))
    assert worked == 2


def test_what_was_kept_is_shown(model, tmp_path):
    work, seen = trainer(model), []
    stopped(work, tmp_path / "g01", 3)
    params = training(steps=5, schedule="cosine", warmup=0.4)
    order, kept = stream(0, "order"), EveryStep(tmp_path / "g01")
    show = lambda step, steps: seen.append((step.step, steps))  # noqa: E731
    train(model, tokenizer(), TEXTS, params, order, show, kept=kept)
    assert seen == [(step, 5) for step in range(1, 6)]


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 0.002}, {"weight_decay": 0.5}, {"steps": 6}, {"dtype": "bfloat16"},
        {"beta1": 0.8}, {"schedule": "linear"}, {"seed": 1}, {"texts": TEXTS[::-1]},
        {"texts": [*TEXTS[:-1], "fox"]},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_a_state_of_other_parameters_or_texts_is_never_taken(changes, model, tmp_path):
    stopped(trainer(model), tmp_path / "g01", 3)
    work = trainer(model, **changes)
    result, worked = taken_up(work, tmp_path / "g01")
    assert worked == len(result[1])
    assert is_same(result, work(NOTHING_KEPT))


def test_a_state_of_other_words_in_the_same_plan_is_never_taken(model, tmp_path):
    """Two documents of one length change places: every batch has the shape that it had."""
    lengths = [len(ids) for ids in tokenizer().encode(TEXTS)]
    first = next(i for i, length in enumerate(lengths) if length in lengths[i + 1 :])
    second = lengths.index(lengths[first], first + 1)
    texts = list(TEXTS)
    texts[first], texts[second] = texts[second], texts[first]
    stopped(trainer(model), tmp_path / "g01", 3)
    result, worked = taken_up(trainer(model, texts), tmp_path / "g01")
    assert worked == len(result[1])
    assert is_same(result, trainer(model, texts)(NOTHING_KEPT))


def test_a_state_of_another_start_is_never_taken(model, tmp_path):
    stopped(trainer(model), tmp_path / "g01", 3)
    other = model.to(torch.float32, CPU)
    name = next(name for name in other.weights if name.endswith("ln_f.bias"))
    other.weights[name][0] += 1e-6
    result, worked = taken_up(trainer(other), tmp_path / "g01")
    assert worked == len(result[1])
    assert is_same(result, trainer(other)(NOTHING_KEPT))


KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from palimpsest.core.resume import Checkpoints
from tests.lm.test_training import TEXTS, load_model, stream, tokenizer, train, training

kept = Checkpoints(Path(sys.argv[2]), seconds=3.0, clock=itertools.count().__next__)
kill = lambda step, steps: step.step == 12 and os.kill(os.getpid(), signal.SIGKILL)
model = load_model(Path(sys.argv[1]), device="cpu")
train(model, tokenizer(), TEXTS, training(steps=20), stream(0, "order"), kill, kept=kept)
"""


def test_a_training_that_was_killed_ends_with_the_same_bits(model, tmp_path):
    """KILL between two writes: the steps since the last one are done again."""
    folder, out, root = tmp_path / "start", tmp_path / "g01", Path(__file__).parents[2]
    saved(theirs("gpt2"), folder)
    words = [sys.executable, "-c", KILLED, str(folder), str(out)]
    assert subprocess.run(words, cwd=root, check=False).returncode == -signal.SIGKILL
    work = trainer(load_model(folder, device="cpu"), steps=20, schedule="constant", warmup=0.0)
    result, worked = taken_up(work, out)
    assert 8 < worked < 20
    assert is_same(result, work(NOTHING_KEPT))
