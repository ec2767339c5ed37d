"""A stage's work is done here or in processes that are started; what goes wrong is one error."""

import logging
import os
import signal
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from palimpsest.core.errors import (
    InstallationError,
    MemoryShortage,
    PalimpsestError,
    ParamsError,
    ProcessError,
)
from palimpsest.core.parameters import Parameters
from palimpsest.core.team import ALONE
from palimpsest.lm import launch
from palimpsest.lm.launch import _undisturbed, _what_they_said, share
from palimpsest.lm.processes import LOST
from tests.tiny import tiny_params, turn, write_params


@pytest.fixture(autouse=True)
def started_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)


def arguments(tmp_path: Path, **changes: Any) -> Namespace:
    params = tiny_params()
    for key, value in changes.items():
        turn(params, key.replace("__", "."), value)
    write_params(tmp_path / "params.yaml", params)
    return Namespace(params=tmp_path / "params.yaml")


def never(*_: Any) -> None:
    pytest.fail("it worked")


def test_one_process_works_here(tmp_path: Path) -> None:
    seen: list[Any] = []
    args = arguments(tmp_path)
    share("generate", lambda *given: seen.append(given), args, [])
    assert seen == [(args, Parameters.load(args.params), ALONE)]


def test_memory_names_the_section_of_the_stage(tmp_path: Path) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    args = arguments(tmp_path)
    with pytest.raises(MemoryShortage, match=r"finetune\.batch_size: want less than 8"):
        share("finetune", full, args, [])
    args.section = "pretrain"
    with pytest.raises(MemoryShortage, match=r"pretrain\.batch_size: want less than 8"):
        share("finetune", full, args, [])


def test_several_processes_want_accelerate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palimpsest.core.extras.find_spec", lambda name: None)
    wanted = r"accelerate: want an installation for compute\.processes above 1.*\[processes\]"
    with pytest.raises(InstallationError, match=wanted):
        share("generate", never, arguments(tmp_path, compute__processes=2), [])


def test_vllm_is_not_started_twice(tmp_path: Path) -> None:
    seen: list[Any] = []
    args = arguments(tmp_path, compute__processes=2, generate__engine="vllm")
    share("generate", lambda *given: seen.append(given[2]), args, [])
    assert seen == [ALONE]


def test_processes_of_another_launcher_are_as_many_as_params_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ParamsError, match=r"compute\.processes: want 3, got 1"):
        share("generate", never, arguments(tmp_path), [])


def failed(**exits: int) -> Any:
    """What the launcher raises, by process and exit status."""
    failures = {int(rank[1:]): SimpleNamespace(exitcode=code) for rank, code in exits.items()}
    return SimpleNamespace(
        failures=failures, get_first_failure=lambda: next(iter(failures.items()))
    )


def test_the_first_word_is_the_error(tmp_path: Path) -> None:
    line = "error: generate.dtype: want " + "x" * 900
    for number, (name, text) in enumerate([("1", line), ("0", "error: another")]):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, ns=(number, number))
    error = _what_they_said(tmp_path, "generate", 2, failed(p0=1, p1=1))
    assert isinstance(error, PalimpsestError)
    assert f"error: {error}" == line


@pytest.mark.parametrize(
    ("exits", "line"),
    [
        ({"p0": LOST, "p2": 1}, "process 2 of 3 of stage embed: want one that ends its work, got "
         "one that ended with status 1"),
        ({"p1": -9, "p0": LOST}, "process 1 of 3 of stage embed: want one that ends its work, got "
         "one that was killed by signal 9; was there memory for all of them? Fewer "
         "compute.processes need less"),
        ({"p0": LOST}, "process 0 of 3 of stage embed: want one that ends its work, got one that "
         f"ended with status {LOST}"),
    ],
)  # fmt: skip
def test_one_that_ended_without_a_word_is_named(
    tmp_path: Path, exits: dict[str, int], line: str
) -> None:
    error = _what_they_said(tmp_path, "embed", 3, failed(**exits))
    assert isinstance(error, ProcessError)
    assert str(error) == line


def test_the_launcher_changes_nothing_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM), dict(os.environ), logging.root.manager.disable
    with _undisturbed():
        os.environ["PALIMPSEST_TRIED"] = "1"
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert (signal.getsignal(signal.SIGTERM), dict(os.environ)) == before[:2]
    assert logging.root.manager.disable == before[2]


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_is_what_it_is_in_one_process(number: signal.Signals, raised: Any) -> None:
    from torch.distributed.elastic.multiprocessing.api import SignalException

    with pytest.raises(raised) as left, _undisturbed():
        raise SignalException("asked to end", number)
    assert getattr(left.value, "code", 143) == 143


def test_everything_is_said_to_the_launcher() -> None:
    from accelerate.commands.config.config_args import ClusterConfig

    config = ClusterConfig(**launch.settings(3))
    assert (config.num_processes, config.num_machines, config.main_process_port) == (3, 1, 0)
    assert config.mixed_precision == "no"
