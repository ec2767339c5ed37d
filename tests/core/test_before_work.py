"""What any stage refuses before it works: what a later one would find when it is its turn."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from palimpsest.core import extras
from palimpsest.core.before_work import UNDO, after_refusal, check_before_work, check_encoder
from palimpsest.core.errors import InstallationError, ParamsError
from palimpsest.experiments.project import chain_yaml
from tests.tiny import tiny_params, turn, write_params


def refusal(folder: Path, values: dict[str, Any], chain: str | None = None) -> None:
    """Checks the tiny parameters with some of them turned."""
    params = tiny_params()
    for key, value in values.items():
        turn(params, key, value)
    write_params(folder / "params.yaml", params)
    if chain is not None:
        (folder / "chain.yaml").write_text(chain)
    check_before_work(folder / "params.yaml")


def test_sound_parameters_pass_with_and_without_a_chain(tmp_path: Path) -> None:
    refusal(tmp_path, {})
    refusal(tmp_path, {}, chain_yaml(2, control=True))
    refusal(tmp_path, {"score.custom": ["palimpsest.core.rng:stream"]})


def test_without_parameters_the_stage_itself_says_so(tmp_path: Path) -> None:
    check_before_work(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("values", "control", "said"),
    [
        ({}, True, r"corpus.reserve: want >= 60 \(3 generations of 20 unseen human documents\)"),
        ({"regime.kind": "fresh"}, False, r"corpus.reserve: want >= 60"),
        ({"regime.kind": "mix", "regime.real_fraction": 1.0}, False, r"corpus.reserve: want >= 60"),
        ({"regime.kind": "mix", "regime.real": "fixed", "corpus.train": 1,
          "regime.real_fraction": 0.5}, False, r"corpus.train: want >= 10"),
    ],
)  # fmt: skip
def test_human_text_that_does_not_last_is_refused_before_the_first_generation(
    tmp_path: Path, values: dict[str, Any], control: bool, said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        refusal(tmp_path, values, chain_yaml(3, control))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", 'want "module:function"'),
        ("mine:", 'want "module:function"'),
        ("mine:a b", 'want "module:function"'),
        (
            "no_such_module:f",
            "want a module, got ModuleNotFoundError: No module named .no_such_module",
        ),
        ("no_such.module:f", "want a module, got ModuleNotFoundError: No module named .no_such"),
        (":f", "want a module"),
    ],
)
def test_a_metric_of_ones_own_must_be_there(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        refusal(tmp_path, {"score.custom": [name]})


@pytest.mark.parametrize(
    ("name", "refused"),
    [("./gone", True), ("/gone", True), ("../a/b", True), ("a/b/c", True), ("~/gone-away", True),
     ("own/hub-id", False), ("bundled", False)],
)  # fmt: skip
def test_an_encoder_that_is_named_as_a_folder_must_be_there(name: str, refused: bool) -> None:
    if not refused:
        check_encoder(name)
        return
    with pytest.raises(ParamsError, match=r"embed.encoder.model: want a folder that is there"):
        check_encoder(name)


@pytest.mark.parametrize(
    ("package", "values", "extra"),
    [
        ("matplotlib", {}, "pipeline"),
        ("datasets", {"corpus.source": "hub"}, "pipeline"),
        ("accelerate", {"compute.processes": 2}, "processes"),
        ("vllm", {"generate.engine": "vllm"}, "vllm"),
    ],
)
def test_a_package_that_a_later_stage_needs_must_be_there(
    tmp_path: Path,
    package: str,
    values: dict[str, Any],
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == package else found("os"))
    with pytest.raises(InstallationError, match=rf"palimpsest\[{extra}\]"):
        refusal(tmp_path, values)


def test_an_experiment_of_the_queue_has_left_the_workspace_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"DVC_EXP_NAME": "tamed-dart"}
    monkeypatch.chdir(tmp_path)
    assert after_refusal(named) == UNDO
    assert after_refusal({}) is None
    copy = tmp_path / ".dvc" / "tmp" / "exps" / "tmpab"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert after_refusal(named) is None
