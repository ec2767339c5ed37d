import copy
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

import palimpsest.monitor
from palimpsest.core.errors import CorpusError, MetricError, ModelError, ParamsError
from palimpsest.monitor import CollapseCallback
from palimpsest.monitor.callback import _from_first
from palimpsest.monitor.options import OF_HELDOUT
from tests.auditing.corpora import encode
from tests.monitor.trained import (
    REFERENCE,
    Loop,
    Recorder,
    model,
    monitor,
    train,
    weights,
)
from tests.tiny import ROOT

needs_accelerate = pytest.mark.skipif(
    find_spec("accelerate") is None, reason="Trainer needs accelerate, which is not installed"
)


class Live:
    """What is asked of a `dvclive.Live`."""

    def __init__(self) -> None:
        self.step, self.rows = 0, list[tuple[int, str, float]]()

    def log_metric(self, name: str, value: float) -> None:
        self.rows.append((self.step, name, value))

    def next_step(self) -> None:
        self.step += 1


def steps(loop: Any) -> list[int]:
    return [int(row["step"]) for row in loop.state.log_history if "collapse/step" in row]


def scripted(monkeypatch: pytest.MonkeyPatch, callback: CollapseCallback, texts: Any) -> None:
    """Lets `texts(step)` be what the model writes."""
    begin = callback.on_train_begin

    def on_train_begin(*args: Any, **kwargs: Any) -> Any:
        control = begin(*args, **kwargs)
        monkeypatch.setattr(callback._monitor, "write", lambda model, step: texts(step))
        return control

    monkeypatch.setattr(callback, "on_train_begin", on_train_begin)


# --- when, and where to ---


@pytest.mark.parametrize(
    ("every", "expected"), [(2, [2, 4, 5]), (5, [5]), (100, [5]), (1, [1, 2, 3, 4, 5])]
)
def test_every_kth_step_and_the_last_are_measured(every: int, expected: list[int]) -> None:
    assert steps(Loop(monitor(every=every), steps=5).run()) == expected


def test_the_start_is_measured_if_asked_for() -> None:
    assert steps(Loop(monitor(at_start=True), steps=2).run()) == [0, 2]


def test_a_training_that_something_else_stops_is_measured_before_integrations_close() -> None:
    recorder = Recorder()
    loop = Loop(recorder, monitor(every=2), steps=9).run(stop_after=3)
    assert steps(loop) == [2, 3]
    assert [step for step, _ in recorder.logs] == [2, 3]


def test_what_no_event_told_of_is_measured_at_the_end_into_the_history() -> None:
    recorder, loops = Recorder(), []
    for best in (False, True):
        loop = Loop(recorder, monitor(every=3), steps=9, load_best_model_at_end=best)
        loop.event("on_train_begin")
        loop.state.global_step = 2
        loop.event("on_train_end")
        loops.append(loop)
    assert steps(loops[0]) == [2]
    assert steps(loops[1]) == []  # the weights are those of another step
    assert recorder.logs == []


def test_integrations_get_what_the_history_has() -> None:
    recorder = Recorder()
    loop = Loop(recorder, monitor(), steps=2).run()
    (row,) = loop.measured
    assert recorder.logs == [(2, {name: row[name] for name in row if name != "step"})]
    assert row["epoch"] == 0.0
    json.dumps(row)


def test_the_log_of_the_same_step_is_not_lost() -> None:
    """Every call of the trainer's log takes the wish for one off."""

    class Wishes(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_log = True

    loop = Loop(Wishes(), monitor(every=1), steps=2)
    loop.event("on_train_begin")
    loop.state.global_step = 1
    loop.event("on_step_end")
    assert steps(loop) == [1]
    assert loop.control.should_log


def test_without_a_trainer_the_history_has_it() -> None:
    callback, loop = monitor(), Loop(steps=4)
    given = {"model": loop.model, "processing_class": loop.callback_handler.processing_class}
    callback.on_train_begin(loop.args, loop.state, loop.control, **given)
    loop.state.global_step = 2
    assert callback.on_step_end(loop.args, loop.state, loop.control, **given) is loop.control
    assert steps(loop) == [2]


def test_only_the_first_process_measures() -> None:
    def fails(texts: Sequence[str]) -> Any:
        raise AssertionError("another process has no use for it")

    loop = Loop(monitor(encoder=fails), steps=4)
    loop.state.is_world_process_zero = False
    assert steps(loop.run()) == []


def test_dvclive_gets_every_number_under_the_trainings_step() -> None:
    live = Live()
    loop = Loop(monitor(dvclive=live), steps=5).run()
    assert [row[0] for row in live.rows if row[1] == "collapse/integrity"] == [2, 4, 5]
    last = {name: value for step, name, value in live.rows if step == 5}
    assert last == {name: loop.measured[-1][name] for name in last}


def test_a_step_that_is_in_the_history_is_not_measured_again() -> None:
    loop = Loop(monitor(every=2), steps=4)
    loop.state.log_history.append({"collapse/step": 2.0, "step": 2})
    assert steps(loop.run()) == [2, 4]


# --- what leaves its band, and what fails ---


def test_a_metric_that_leaves_its_band_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    callback = monitor(every=1, metrics=["vendi"])
    scripted(monkeypatch, callback, lambda step: REFERENCE[:12] if step < 2 else ["cow1"] * 12)
    loop = Loop(callback, steps=4).run()
    assert [row["collapse/outside"] for row in loop.measured] == [0.0, 1.0, 1.0, 1.0]
    (line,) = caplog.messages
    assert line.startswith("step 2: outside what human samples read: vendi 1 (")
    assert loop.state.global_step == 4


def test_stop_on_stops_the_training_after_patience(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    callback = monitor(every=1, metrics=["vendi", "recall"], stop_on=["vendi"], patience=2)
    scripted(monkeypatch, callback, lambda step: REFERENCE[:12] if step < 3 else ["cow1"] * 12)
    loop = Loop(callback, steps=9).run()
    assert loop.state.global_step == 4
    assert caplog.messages[-1] == "step 4: the training is stopped by monitor.stop_on: vendi"


def test_a_model_that_was_never_inside_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = monitor(every=1, metrics=["vendi"], stop_on=["vendi"], patience=1)
    scripted(monkeypatch, callback, lambda step: ["cow1"] * 12)
    assert Loop(callback, steps=5).run().state.global_step == 5


def test_a_measurement_that_fails_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(step: int) -> list[str]:
        raise RuntimeError("out of\nmemory")

    callback = monitor(every=1)
    scripted(monkeypatch, callback, broken)
    loop = Loop(callback, steps=3).run()
    assert loop.state.global_step == 3
    assert caplog.messages == ["step 1 was not measured: RuntimeError: out of"]
    assert all(module.training for module in loop.model.modules())
    assert steps(loop) == []


def test_an_interruption_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(step: int) -> list[str]:
        raise KeyboardInterrupt

    callback = monitor()
    scripted(monkeypatch, callback, interrupted)
    with pytest.raises(KeyboardInterrupt):
        Loop(callback, steps=2).run()


def test_dvclive_that_fails_takes_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    live = Live()
    live.log_metric = lambda name, value: 1 / 0  # type: ignore[assignment, method-assign, return-value]
    loop = Loop(monitor(dvclive=live), steps=4).run()
    assert steps(loop) == [2, 4]
    told = [line for line in caplog.messages if "dvclive" in line]
    assert told == ["step 2 was not logged to dvclive: ZeroDivisionError: division by zero"]


# --- what is refused ---


@pytest.mark.parametrize(
    ("given", "error", "line"),
    [
        ({"reference": "one text"}, MetricError, "monitor.reference: want a list of texts"),
        ({"reference": ["a", 2, "c", "d", "e"]}, MetricError, "monitor.reference: want strings"),
        ({"reference": ["a"] * 50}, CorpusError, "monitor.reference: want >= 36 distinct texts"),
        ({"heldout": "one text"}, MetricError, "monitor.heldout: want a list of texts"),
        ({"every": -1}, ParamsError, "monitor.every: want >= 1, got -1"),
        ({"tokenizer": "gpt2"}, ModelError, "monitor.tokenizer: want a tokenizer"),
        ({"dvclive": "dvclive/"}, ParamsError, "monitor.dvclive: want a dvclive.Live or None"),
        ({"encoder": 3}, ParamsError, "monitor.encoder: want a name or a function of texts, got 3"),
    ],
)
def test_a_wrong_option_fails_when_the_callback_is_made(
    given: dict[str, Any], error: type[Exception], line: str
) -> None:
    with pytest.raises(error) as raised:
        monitor(**given)
    assert str(raised.value).startswith(line)


def test_a_training_without_a_tokenizer_is_refused_before_it_begins() -> None:
    loop = Loop(monitor(), steps=4)
    loop.callback_handler.processing_class = None
    with pytest.raises(ModelError, match=r"monitor.tokenizer: .*got none"):
        loop.run()
    assert loop.state.global_step == 0


def test_an_encoder_that_is_not_there_is_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        Loop(monitor(encoder=str(tmp_path / "none")), steps=4).run()


def test_without_heldout_texts_the_samples_alone_are_measured() -> None:
    (row,) = Loop(monitor(heldout=None), steps=2).run().measured
    assert "collapse/integrity" in row
    assert not {f"collapse/{name}" for name in OF_HELDOUT} & row.keys()


# --- what it does not disturb ---


def test_weights_modes_and_random_states_are_as_they_were() -> None:
    def draws(texts: Sequence[str]) -> Any:
        np.random.rand()  # noqa: NPY002 (an encoder of somebody else's)
        torch.rand(())
        return encode(texts)

    loop = Loop(monitor(encoder=draws), steps=2)
    loop.model.transformer.h[0].eval()
    modes = [module.training for module in loop.model.modules()]
    before = copy.deepcopy(weights(loop.model))
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    loop.run()
    assert [module.training for module in loop.model.modules()] == modes
    assert all(torch.equal(*pair) for pair in zip(weights(loop.model), before, strict=True))
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert len(loop.measured) == 1


def test_dropout_is_off_while_it_measures() -> None:
    first, again = (Loop(monitor(), steps=2).run().measured[0] for _ in range(2))
    timed = {"collapse/seconds": 0.0}
    assert first | timed == again | timed


@pytest.mark.parametrize(
    "settings",
    [{}, {"bf16": True}, {"gradient_checkpointing": True}, {"gradient_accumulation_steps": 2}],
    ids=str,
)
@needs_accelerate
def test_a_training_has_the_same_bits_with_it_and_without(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    recorder = Recorder()
    plain = train(folder=tmp_path, **settings)
    watched = train(recorder, monitor(every=4), folder=tmp_path, **settings)
    pairs = zip(weights(plain.model), weights(watched.model), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert steps(watched) == [4, 6]
    timed = ("train_runtime", "train_samples_per_second", "train_steps_per_second")
    rest = [row for row in watched.state.log_history if "collapse/step" not in row]
    for row, other in zip(rest, plain.state.log_history, strict=True):
        assert {k: v for k, v in row.items() if k not in timed} == {
            k: v for k, v in other.items() if k not in timed
        }
    assert [step for step, logs in recorder.logs if "collapse/integrity" in logs] == [4, 6]


@needs_accelerate
def test_a_training_goes_on_from_a_checkpoint_as_if_it_had_not_paused(tmp_path: Path) -> None:
    saving = {"save_strategy": "steps", "save_steps": 3, "folder": tmp_path}
    whole = train(monitor(), **saving)
    resumed = train(monitor(), resume=str(tmp_path / "checkpoint-3"), **saving)
    first, again = (
        [row | {"collapse/seconds": 0.0} for row in one.state.log_history if "collapse/step" in row]
        for one in (whole, resumed)
    )
    assert first == again
    assert [int(row["step"]) for row in again] == [2, 4, 6]


TWO_PROCESSES = """
import sys
from pathlib import Path

import palimpsest.monitor.callback as callback
from tests.monitor.trained import monitor, train

callback.has_left_for = lambda outside, patience: len(outside) >= 2
trainer = train(monitor(stop_on=["vendi"]), folder=Path(sys.argv[1]), steps=20, ddp_backend="gloo")
state = trainer.state
rows = sum("collapse/step" in row for row in state.log_history)
number = trainer.args.process_index
said = f"process {number}: {state.global_step} steps, {rows} measurements"
Path(f"{sys.argv[1]}-{number}.txt").write_text(said)
"""


@needs_accelerate
def test_two_processes_stop_together(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    # each in a file of its own: on one standard output their lines may run into each other
    lines = [path.read_text() for path in sorted(tmp_path.glob("out-*.txt"))]
    assert lines == [
        "process 0: 4 steps, 2 measurements",
        "process 1: 4 steps, 0 measurements",
    ], done.stderr


def test_one_process_decides_alone() -> None:
    assert _from_first(True, model())
    assert not _from_first(False, model())


# --- how it is imported ---


def test_the_package_loads_nothing_before_it_is_used() -> None:
    code = "import sys, palimpsest.monitor; print({'torch', 'transformers'} & {*sys.modules})"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "set()"
    with pytest.raises(AttributeError, match="has no attribute 'Monitor'"):
        _ = palimpsest.monitor.Monitor  # type: ignore[attr-defined]
