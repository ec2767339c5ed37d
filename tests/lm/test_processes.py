"""Processes that share a stage have the results of one."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from palimpsest.core.errors import InstallationError, ParamsError
from palimpsest.core.parameters import ComputeParams
from palimpsest.core.storage import unfinished
from palimpsest.lm import processes
from palimpsest.lm.processes import LOST, Processes, check_cards, joined
from tests.lm.several import several
from tests.lm.tiny import pair

COMPUTE = ComputeParams(threads=1, portable=False, device="cpu", processes=2)
WORK = """
import contextlib, json, os, signal, sys
from pathlib import Path
import numpy as np
import torch
from palimpsest.core.parameters import ComputeParams
from palimpsest.core.resume import Checkpoints
from palimpsest.core.rng import uniforms
from palimpsest.core.team import ALONE
from palimpsest.lm.checkpoint import load_model
from palimpsest.lm.generation import generate
from palimpsest.lm.probing import heldout_and_classes
from palimpsest.lm.processes import joined
from palimpsest.lm.training import train
from tests.lm.tiny import TEXTS, sampling, tokenizer, training
from tests.unfinished import EveryStep, Stopped

work, folder, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
size = int(os.environ["WORLD_SIZE"])
compute = ComputeParams(threads=1, portable=False, device="cpu", processes=size)
noise = lambda documents, width: uniforms(7, "test", 0, documents, width)
group = joined(compute, size) if size > 1 else contextlib.nullcontext(ALONE)
with group as team:
    model = load_model(folder / "model", device=team.place("cpu"))
    if work == "collectives":
        sums = [torch.full((3,), 1.0 + team.rank), torch.tensor([[10.0 * team.rank]])]
        team.add_up(sums)
        found = [team.gathered(team.rank), team.from_first(f"from {team.rank}"),
                 [tensor.tolist() for tensor in sums], team.place("auto"), team.first]
    elif work == "generate":
        done = []
        params = sampling(batch_size=3, max_new_tokens=20)
        prompts = [[], [5], [], [5, 6], [7], [], []]
        new = generate(model, tokenizer(), prompts, params, noise, done.append, team=team)
        found = [new, sum(done)]
    elif work == "read":
        kept = team.shared(folder / "out")
        counts = np.ones(model.vocabulary, dtype=np.int64)
        arrays, classes = heldout_and_classes(model, tokenizer(), TEXTS, counts, 2, *kept)
        found = [{name: array.tolist() for name, array in (arrays | classes).items()}]
    else:
        keeps = stop and team.first
        kept = EveryStep(folder / "out", last=stop) if keeps else Checkpoints(None)
        params, order = training(batch_size=6, steps=6), np.random.default_rng(3)
        try:
            new, curve = train(model, tokenizer(), TEXTS, params, order, kept=kept, team=team)
        except Stopped:
            os.kill(os.getpid(), signal.SIGKILL)
        sums = {name: float(w.double().sum()) for name, w in new.parameters().items()}
        found = [[step.loss_nats for step in curve], [step.tokens for step in curve], sums]
        found += [kept.steps if keeps else None]
    print(json.dumps(found))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a model and the script."""
    pair("gpt2", tmp_path / "model")
    (tmp_path / "work.py").write_text(WORK)
    return tmp_path


def found(place: Path, work: str, count: int, stop: int = 0) -> list[Any]:
    """What each of so many processes has found."""
    done = several(place / "work.py", count, work, str(place), str(stop))
    assert [one.returncode for one in done] == [0] * count, [one.stderr for one in done]
    return [json.loads(one.stdout.splitlines()[-1]) for one in done]


def test_what_processes_tell_each_other(place: Path) -> None:
    for rank, (ranks, first, sums, device, writes) in enumerate(found(place, "collectives", 3)):
        assert ranks == [0, 1, 2]
        assert first == "from 0"
        assert sums == [[6.0, 6.0, 6.0], [[30.0]]]
        assert device == "cpu"
        assert writes == (rank == 0)


def test_one_two_and_four_processes_write_the_same_texts(place: Path) -> None:
    ((alone, done),) = found(place, "generate", 1)
    assert done == len(alone) == 7
    assert len({len(text) for text in alone}) > 1
    for count in (2, 4):
        assert found(place, "generate", count) == [[alone, done]] * count


def test_two_processes_read_what_one_reads(place: Path) -> None:
    (alone,) = found(place, "read", 1)
    assert alone[0]["agreed"] > 0
    for several_read in found(place, "read", 2):
        for name, values in alone[0].items():
            ours, theirs = np.array(values), np.array(several_read[0][name])
            assert ours.shape == theirs.shape
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6), name


def test_two_processes_train_to_the_loss_of_one(place: Path) -> None:
    """Of the last batch's two rows, two of four processes have none."""
    ((losses, tokens, _, _),) = found(place, "train", 1)
    assert losses[-1] < losses[0]
    for count in (2, 4):
        every = found(place, "train", count)
        for theirs, counted, _, _ in every:
            assert counted == tokens
            assert theirs == pytest.approx(losses, abs=1e-4)
        assert all(one[:3] == every[0][:3] for one in every)  # bit for bit: they stay together


def test_a_training_that_was_killed_goes_on_in_all_processes(place: Path) -> None:
    whole = found(place, "train", 2)[0]
    assert not unfinished(place / "out").exists()
    done = several(place / "work.py", 2, "train", str(place), "4")
    assert [one.returncode for one in done] == [-signal.SIGKILL, LOST]
    assert done[1].stdout == ""
    assert len(list(unfinished(place / "out").glob("finetune-*.npz"))) == 1
    again = found(place, "train", 2, stop=99)
    assert [one[:3] for one in again] == [whole[:3]] * 2
    assert again[0][3] == 2  # of six steps, four were kept


def test_another_number_of_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with (
        pytest.raises(
            ParamsError, match=r"compute\.processes: want 3, got 2; they were started by"
        ),
        joined(COMPUTE, 2),
    ):
        pass


def test_without_accelerate_nothing_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palimpsest.core.extras.find_spec", lambda name: None)
    with (
        pytest.raises(InstallationError, match=r"accelerate: .*palimpsest\[processes\]"),
        joined(COMPUTE, 2),
    ):
        pass


def test_every_process_has_a_card_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_cards("cpu", 99)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert not check_cards("auto", 2)
    wanted = r"compute\.processes: want <= 2 on this machine, a GPU each, got 3; or compute\.device"
    for device in ("auto", "cuda"):
        with pytest.raises(ParamsError, match=wanted):
            check_cards(device, 3)
    assert check_cards("cpu", 3)


def test_the_device_of_a_process() -> None:
    for device, name in (("cpu", "cpu"), ("cuda:3", "cuda:3")):
        assert Processes(3, 4, torch.device(device)).place("auto") == name


def test_gradients_are_summed_in_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tensor once, in order, and no more at a time than a bucket holds, but for large ones."""
    monkeypatch.setattr(processes, "BUCKET", 16)
    tensors = [torch.full((size,), float(size)) for size in (1, 2, 3, 9, 1)]
    cut = list(processes._buckets(tensors))
    assert [[len(one) for one in bucket] for bucket in cut] == [[1, 2, 3], [9], [1]]
    summed = []
    monkeypatch.setattr("accelerate.utils.reduce", lambda flat, _: summed.append(flat) or 2 * flat)
    Processes(0, 2, torch.device("cpu")).add_up(tensors)
    assert [len(flat) for flat in summed] == [6, 9, 1]
    assert [one.tolist() for one in tensors] == [[2.0], [4.0] * 2, [6.0] * 3, [18.0] * 9, [2.0]]


def test_who_has_lost_another_process_ends_without_a_word(capsys: Any) -> None:
    def lost() -> None:
        raise RuntimeError("Connection closed by peer")

    def full() -> None:
        raise RuntimeError("CUDA out of memory")

    with pytest.raises(SystemExit) as left:
        processes._together(lost)
    assert left.value.code == LOST
    assert capsys.readouterr() == ("", "")
    with pytest.raises(RuntimeError, match="out of memory"):
        processes._together(full)


def test_a_process_ends_with_its_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    parents = iter([7, 7, 1])
    monkeypatch.setattr(processes, "SECONDS", 0.0)
    monkeypatch.setattr(
        processes, "os", SimpleNamespace(getppid=lambda: next(parents), _exit=ended.append)
    )
    processes._end_with(7).join(10)
    assert ended == [LOST]
    assert os.getppid() != 7


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("a bug"), 1), (KeyboardInterrupt(), 130), (SystemExit(LOST), LOST),
     (SystemExit("words"), 1)],
)  # fmt: skip
def test_the_status_of_a_process_that_fails(error: BaseException, status: int) -> None:
    assert processes._status(error) == status


def test_a_process_that_fails_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(processes, "os", SimpleNamespace(_exit=ended.append))
    print("what is still to be written")
    processes._end_at_once(3)
    assert ended == [3]
    assert capsys.readouterr().out == "what is still to be written\n"
